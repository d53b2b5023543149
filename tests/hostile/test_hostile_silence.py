"""A server that stops answering, at any point: it is reported and left, whatever time its commands have."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, make_host_root, spec_of, transaction
from projects import until
from sshd import Sshd, start_sshd

from pmtaform.errors import Unreachable
from pmtaform.host import HostSpec, Outcome, Session, Status, apply, commit, confirm, revert, stage
from pmtaform.host import ssh_channel as channels
from pmtaform.host import transaction as transactions

PATIENCE = 3.0  # seconds that an sshd on a loaded machine may need for a word


@dataclass
class Way:
    """A way to a server that passes its words on, up to `limit` bytes of each connection, or until `stop`."""

    server: Sshd
    limit: int
    listener: socket.socket
    stop: threading.Event = field(default_factory=threading.Event)
    _open: list[socket.socket] = field(default_factory=list)

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self.server.port))
                self._open += [client, server]
                for source, sink, limit in ((client, server, 1 << 40), (server, client, self.limit)):
                    threading.Thread(target=self._pass_on, args=(source, sink, limit), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, left: int) -> None:
        with suppress(OSError):
            while (data := source.recv(min(left, 1 << 16)) if left else b"") and not self.stop.is_set():
                sink.sendall(data)
                left -= len(data)
            if left and not self.stop.is_set():
                sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for each in (self.listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def spec(self, root: HostRoot, **more: object) -> HostSpec:
        port = self.listener.getsockname()[1]
        known = self.server.folder / f"known-{port}"
        known.write_text("".join(self.server.line(kind, name=f"[127.0.0.1]:{port}") for kind in self.server.keys))
        return spec_of(root, **{**self.server.options(), "port": port, "known_hosts": str(known), **more})


@contextmanager
def way_to(server: Sshd, limit: int = 1 << 40) -> Iterator[Way]:
    way = Way(server, limit, socket.create_server(("127.0.0.1", 0)))
    thread = threading.Thread(target=way.serve)
    thread.start()
    try:
        yield way
    finally:
        way.close()
        thread.join()


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with start_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def root(tmp_path: Path) -> HostRoot:
    return make_host_root(tmp_path / "root")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "LEAST_PATIENCE", PATIENCE)
    monkeypatch.setattr(transactions, "_PAUSES", (0.0, 0.0, 0.0))


# -- while the connection is made --------------------------------------------------------------------------------------

POINTS = {
    "before its banner": 0,
    "in its banner": 9,
    "in its key exchange": 200,
    "before its key": 1100,
    "before the login": 1400,
    "in the login": 1700,
}


@pytest.mark.parametrize("limit", POINTS.values(), ids=POINTS)
def test_a_server_that_stops_while_it_is_connected_to(sshd: Sshd, root: HostRoot, limit: int) -> None:
    with way_to(sshd, limit) as way, pytest.raises(Unreachable, match=r"\[connect-timeout\]"):
        way.spec(root, connect_timeout=1.0).open()


# -- once it is there --------------------------------------------------------------------------------------------------


def begin(session: Session, way: Way, *words: str) -> Callable[[bytes], object]:
    """Run a command, wait until it runs, and then nothing comes from the server any more."""
    dialogue = session.begin(["sh", "-c", 'echo here; exec "$@"', "sh", *words], timeout=60)
    dialogue.ask(b"", b"here\n", timeout=60)
    way.stop.set()
    return lambda data: dialogue.ask(data, b"never", timeout=60)


# What is underway is waited for, at the rate of a slow line.
@pytest.mark.parametrize("size", [0, 100, 600_000], ids=["nothing", "a little", "much"])
def test_a_server_that_stops_is_left_before_its_command_is_due(sshd: Sshd, root: HostRoot, size: int) -> None:
    with way_to(sshd) as way:
        session = way.spec(root, connect_timeout=PATIENCE).open()
        ask = begin(session, way, "cat")
        with pytest.raises(Unreachable, match=r"\[host-silent\]"):
            ask(b"x" * size)
        session.close()


def test_a_server_that_stopped_is_closed(sshd: Sshd, root: HostRoot) -> None:
    with way_to(sshd) as way:
        session = way.spec(root, connect_timeout=PATIENCE).open()
        begin(session, way, "cat")
        session.close()


def test_one_that_only_takes_its_time_is_waited_for(sshd: Sshd, root: HostRoot) -> None:
    with way_to(sshd) as way:
        session = way.spec(root, connect_timeout=PATIENCE).open()
        outcome = session.begin(["sh", "-c", f"sleep {PATIENCE * 2}; echo done"], timeout=60)
        assert outcome.ask(b"", b"done\n", timeout=60).stdout == b"done\n"
        session.close()


def test_a_jump_host_that_stops_is_left(sshd: Sshd, root: HostRoot) -> None:
    with way_to(sshd) as way:
        jump = way.spec(root)
        known = Path(jump.known_hosts or "")
        known.write_text(known.read_text() + "".join(sshd.line(kind) for kind in sshd.keys))
        options = {**sshd.options(), "known_hosts": str(known), "proxy_jump": f"{sshd.user}@127.0.0.1:{jump.port}"}
        options["connect_timeout"] = PATIENCE
        session = spec_of(root, **options).open()
        ask = begin(session, way, "cat")
        with pytest.raises(Unreachable, match=r"\[host-silent\]"):
            ask(b"")
        session.close()


# -- in a transaction --------------------------------------------------------------------------------------------------


@dataclass
class Frozen:
    """A host whose sshd can be made to stop, while the host itself goes on."""

    root: HostRoot
    way: Way
    spec: HostSpec
    session: Session

    def reopen(self) -> Session:
        return replace(self.spec, connect_timeout=0.5).open()

    def when(self, word: str, work: Callable[[], Outcome]) -> Outcome:
        """What becomes of `work` if the server stops while `pmta WORD` runs."""
        for name in ("reached", "go"):
            os.mkfifo(self.root.at(f"/ctl/{name}"))
        self.root.tell(f"pause-{word}")
        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(work)
            self.root.at("/ctl/reached").read_bytes()
            self.way.stop.set()
            self.root.at("/ctl/go").write_text("go\n")
            return working.result(timeout=100)


@pytest.fixture
def frozen(sshd: Sshd, root: HostRoot) -> Iterator[Frozen]:
    with way_to(sshd) as way:
        spec = way.spec(root, connect_timeout=PATIENCE)
        one = Frozen(root, way, spec, spec.open())
        yield one
        one.session.close()


@pytest.mark.parametrize("word", ["test", "reload", "status"])
def test_a_server_that_stops_in_a_transaction(frozen: Frozen, word: str) -> None:
    tx = transaction((CONFIG, NEW), confirm_within=1)
    outcome = frozen.when(word, lambda: apply(frozen.session, frozen.spec, tx, frozen.reopen))
    assert outcome.status is Status.UNKNOWN
    assert "stopped answering" in outcome.reason
    until(lambda: frozen.root.leftovers() == [])
    assert frozen.root.read(CONFIG) == OLD == frozen.root.running


def test_a_server_that_stops_while_it_is_staged(frozen: Frozen) -> None:
    tx = transaction((CONFIG, NEW), confirm_within=1)
    outcome = frozen.when("test", lambda: stage(frozen.session, frozen.spec, tx, frozen.reopen))
    assert outcome.status is Status.UNKNOWN
    assert frozen.root.read(CONFIG) == OLD


ONWARD = {
    "confirm": lambda f, tx: confirm(f.session, f.spec, tx, f.reopen)[0],
    "revert": lambda f, tx: revert(f.session, f.spec, tx, f.reopen, "a test"),
}


@pytest.mark.parametrize("work", ONWARD.values(), ids=ONWARD)
def test_a_server_that_stops_between_the_change_and_its_end(
    frozen: Frozen, work: Callable[[Frozen, object], Outcome]
) -> None:
    tx = transaction((CONFIG, NEW), confirm_within=5)
    assert apply(frozen.session, frozen.spec, tx, frozen.reopen).status is Status.PENDING
    frozen.way.stop.set()
    assert work(frozen, tx).status is Status.UNKNOWN
    until(lambda: frozen.root.leftovers() == [])


def test_a_server_that_stops_before_what_is_staged_is_made(frozen: Frozen) -> None:
    tx = transaction((CONFIG, NEW), confirm_within=5)
    assert stage(frozen.session, frozen.spec, tx, frozen.reopen).status is Status.STAGED
    frozen.way.stop.set()
    assert commit(frozen.session, frozen.spec, tx, frozen.reopen).status is Status.UNKNOWN


# -- many keys ---------------------------------------------------------------------------------------------------------


def keys(folder: Path, many: int) -> list[str]:
    paths = [folder / f"key{n}" for n in range(many)]
    for path in paths:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return [str(path) for path in paths]


@pytest.mark.parametrize("agent", [False, True], ids=["files", "agent"])
def test_a_server_that_is_shown_too_many_keys(
    tmp_path: Path, root: HostRoot, monkeypatch: pytest.MonkeyPatch, agent: bool
) -> None:
    paths = keys(tmp_path, 5)
    with start_sshd(tmp_path / "sshd", options="MaxAuthTries 3") as server, agent_with(tmp_path, paths, monkeypatch):
        options = server.options(use_agent=agent, identity_files=() if agent else tuple(paths))
        with pytest.raises(Unreachable, match=r"\[too-many-keys\]") as caught:
            spec_of(root, **options).open()
        assert "`identity-files`" in str(caught.value)
        spec_of(root, **server.options(use_agent=agent)).open().close()


def test_a_server_that_is_shown_few_wrong_keys(tmp_path: Path, root: HostRoot, sshd: Sshd) -> None:
    with pytest.raises(Unreachable, match=r"\[authentication-failed\]"):
        spec_of(root, **sshd.options(identity_files=tuple(keys(tmp_path, 2)))).open()


@contextmanager
def agent_with(folder: Path, paths: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An SSH agent that holds these keys."""
    monkeypatch.setenv("SSH_AUTH_SOCK", str(folder / "agent"))
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(folder / "agent")], stdout=subprocess.DEVNULL)
    try:
        until((folder / "agent").exists)
        subprocess.run(["ssh-add", "-q", *paths], check=True)
        yield
    finally:
        process.terminate()
        process.wait()
