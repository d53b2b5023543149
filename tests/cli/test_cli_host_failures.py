"""Every command on every way in which a host fails: text, JSON and exit code agree, and no session stays open."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from projects import CONFIG, RUNS, CommandResult, ProjectFolder
from sshd import Sshd

from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.connections import CONNECTION_LOST
from pmtaform.diagnostics.codes.hosts import ANSWER_TOO_LONG
from pmtaform.errors import HostError, Unreachable
from pmtaform.host import HostSpec, Session
from pmtaform.host.transport import Dialogue, Output
from pmtaform.plugins import TRANSPORTS
from pmtaform.testing.host import MemoryHost, memory_transport

ERRORS = {
    "the line is cut": lambda: Unreachable.of(CONNECTION_LOST, "It is cut.", host="mta1"),
    "an endless answer": lambda: HostError.of(ANSWER_TOO_LONG, "It does not end.", host="mta1"),
    "a bug": lambda: KeyError("a bug"),
}


@dataclass
class CountedDialogue:
    """A program on a host that fails at a request."""

    inner: Dialogue
    trial: Trial

    def ask(self, data: bytes, end: bytes, *, timeout: float) -> Output:
        self.trial.requests += 1
        if self.trial.error is not None and self.trial.requests > self.trial.after:
            raise self.trial.error()
        return self.inner.ask(data, end, timeout=timeout)

    def close(self) -> None:
        self.inner.close()


@dataclass(eq=False)
class CountedSession:
    """A session whose end is noticed."""

    inner: Session
    trial: Trial
    running: Any = None

    @property
    def shell(self) -> tuple[str, ...]:
        return self.inner.shell

    def begin(self, *words: Any, **more: Any) -> CountedDialogue:
        return CountedDialogue(self.inner.begin(*words, **more), self.trial)

    def close(self) -> None:
        self.trial.open.discard(self)
        self.running = None
        self.inner.close()


@dataclass
class Trial:
    """A transport that counts sessions, and whose hosts fail `after` that many requests."""

    hosts: Mapping[str, MemoryHost]
    error: Callable[[], BaseException] | None = None
    after: int = 0
    requests: int = 0
    opened: int = 0
    open: set[CountedSession] = field(default_factory=set)

    def session(self, spec: HostSpec) -> CountedSession:
        session = CountedSession(self.hosts[spec.name].open(spec), self)
        self.opened += 1
        self.open.add(session)
        return session


@contextmanager
def trying(host: MemoryHost, error: Callable[[], BaseException] | None = None, after: int = 0) -> Iterator[Trial]:
    """A host with `transport: trial` fails with the error."""
    trial = Trial({"mta1": host}, error, after)
    with TRANSPORTS.providing({"trial": replace(memory_transport({}), name="trial", open=trial.session)}):
        yield trial


@pytest.fixture
def ports() -> Iterator[dict[str, int]]:
    """A port that refuses connections, and one behind which no server answers."""
    with socket.socket() as closed, socket.socket() as silent:
        for each in (closed, silent):
            each.bind(("127.0.0.1", 0))
        silent.listen()
        yield {"refused": closed.getsockname()[1], "silent": silent.getsockname()[1]}


def ssh(server: Sshd, **more: Any) -> dict[str, Any]:
    options = {
        "address": server.address,
        "port": server.port,
        "user": server.user,
        "identity-files": [str(server.identity)],
        "known-hosts": str(server.known_hosts),
        "ssh-config": str(server.folder / "ssh_config"),
    }
    return {"transport": "ssh", "root": "/nowhere", **options, **more}


# Each way to fail: what the stack says of the host, the error of its transport, and the end.
WAYS: dict[str, tuple[Callable[[Sshd, dict[str, int]], dict[str, Any]], Exit]] = {
    "the root is missing": (lambda server, ports: {"root": "hosts/gone"}, Exit.UNREACHABLE),
    "the port is closed": (lambda server, ports: ssh(server, port=ports["refused"]), Exit.UNREACHABLE),
    "no answer": (
        lambda server, ports: ssh(server, port=ports["silent"], **{"connect-timeout": 0.2}),
        Exit.UNREACHABLE,
    ),
    "the key is unknown": (lambda server, ports: ssh(server, **{"known-hosts": "/dev/null"}), Exit.UNREACHABLE),
    "the login fails": (
        lambda server, ports: ssh(server, **{"identity-files": ["/nowhere/id"]}),
        Exit.UNREACHABLE,
    ),
    "the line is cut": (lambda server, ports: {"transport": "trial", "root": "/"}, Exit.UNREACHABLE),
    "an endless answer": (lambda server, ports: {"transport": "trial", "root": "/"}, Exit.SOME_FAILED),
    "a bug": (lambda server, ports: {"transport": "trial", "root": "/"}, Exit.ERROR),
}
COMMANDS = {
    "plan": ["plan", "fleet"],
    "drift": ["drift", "fleet"],
    "hosts": ["hosts", "fleet"],
    "apply": ["apply", "fleet", "--auto-approve"],
    "lint": ["lint", "fleet", "--host", "mta1"],
    "effective": ["effective", "mta1", "--domain", "x.example"],
    "diff": ["diff", "mta1", ":fleet:mta1"],
    "recover": ["recover", "mta1"],
    "rollback": ["rollback", "mta1", "--auto-approve"],
    "history": ["history", "mta1", "--live"],
}
WORDS = {Exit.UNREACHABLE: "unreachable", Exit.SOME_FAILED: "failed"}
KINDS = {Exit.UNREACHABLE: "host-unreachable", Exit.SOME_FAILED: "host-failed"}


def all_values(document: Any, key: str) -> Iterator[Any]:
    """Every value of `key` in a document, at any depth."""
    if isinstance(document, dict):
        yield from ([document[key]] if document.get(key) is not None else [])
    items = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    for item in items:
        yield from all_values(item, key)


def documents(result: CommandResult) -> list[Any]:
    """The JSON on stdout: one document, or one on each line."""
    try:
        return [result.json()] if result.out else []
    except json.JSONDecodeError:
        return result.lines()


TRIED = {"mta1": {"transport": "trial", "root": "/"}}


@pytest.fixture
def host(one: ProjectFolder) -> MemoryHost:
    """A host with two generations."""
    made = MemoryHost({CONFIG: RUNS.encode()})
    for name in ("first", "second"):
        one.stack(f"config: {{postmaster: {name}@example.com}}", hosts=TRIED)
        with trying(made) as trial:
            one.apply().ended(Exit.OK)
        assert trial.opened
        assert not trial.open
    return made


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("way", WAYS)
def test_text_json_and_exit_code_agree(
    one: ProjectFolder, host: MemoryHost, server: Sshd, ports: dict[str, int], way: str, command: str
) -> None:
    options, end = WAYS[way]
    body = "config: {postmaster: third@example.com}"
    one.stack(body, hosts={"mta1": options(server, ports)})
    with trying(host, ERRORS.get(way)) as trial:
        text = one.run(*COMMANDS[command]).ended(end)
        data = one.run(*COMMANDS[command], "--format", "json").ended(end)
    assert not trial.open
    assert "Traceback" not in text.all
    if end is Exit.ERROR:
        assert "this is a bug in pmtaform" in text.err
        assert "this is a bug in pmtaform" in data.err
        return
    for other in {*WORDS.values()} - {WORDS[end]}:
        assert f"mta1: {other}" not in text.all
        assert f"mta1  {other}" not in text.all
    if end is Exit.UNREACHABLE:
        assert "could not be planned" not in text.words
    kinds = {kind for kind in all_values(documents(data), "kind") if kind.startswith("host-")}
    assert kinds <= {KINDS[end]}
    assert kinds or command in ("lint", "effective", "diff", "history"), "the others have JSON for a failed host"
    verdicts = set(all_values(documents(data), "verdict")) if command == "apply" else set()
    assert verdicts <= {WORDS[end]}
    codes = set(all_values(documents(data), "code"))
    assert all(f"[{code}]" in text.all for code in codes)


@pytest.mark.parametrize("way", ERRORS)
@pytest.mark.parametrize("command", COMMANDS)
def test_sessions_are_closed_whatever_fails(one: ProjectFolder, host: MemoryHost, way: str, command: str) -> None:
    one.stack("config: {postmaster: third@example.com}", hosts=TRIED)
    for after in (0, 1, 3, 5):
        with trying(host, ERRORS[way], after) as trial:
            one.run(*COMMANDS[command])
            assert trial.opened
            assert not trial.open, f"{trial.requests} requests, of which {after} succeed"
