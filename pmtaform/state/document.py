"""The state document: what we applied last, host by host. Digests and addresses, never secrets.

It is written by hand, one entry a line, because people read it in Git: a change of one block is a changed line, and
a damaged line has a number. The header comes first, so that a save can compare serials without reading the rest.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from json.encoder import encode_basestring_ascii as quoted
from typing import NamedTuple, Self, TypeVar

FORMAT = 1

T = TypeVar("T")


class StateVersion(NamedTuple):
    """Which state this is: `lineage` names the history, `serial` counts its changes."""

    lineage: str
    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """One file as we left it. `digest` is sealed (`StackKey.seal_for`), hex; `mode` has the permission bits only."""

    digest: str
    mode: int
    owner: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """One host as we left it.

    `files` are by path, `patterns` map an include pattern to the files that it named, `blocks` map an address
    to the block's keyed digest (hex), `keys` the address of a key file to its path. `applied_at` is ISO 8601 in UTC.
    `commit` None: not from a Git work tree.
    """

    machine_id: str
    generation: int
    version: str | None
    version_stamp: str
    files: Mapping[str, FileState] = field(default_factory=dict)
    patterns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blocks: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    unmanaged: int = 0  # blocks that are there and not ours
    applied_at: str
    plan: str
    commit: str | None = None
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a host's `blocks` and `keys` will be once `transaction` has been applied to it.

    It is noted before a run begins and goes with the host's new state; one that is left tells of a run that was
    killed, and the host itself says what became of the transaction.
    """

    transaction: str
    blocks: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    at: str
    plan: str
    commit: str | None = None
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDocument:
    """One stack's state. Documents do not change: each change makes a new one, with the next serial.

    `key_id` tells by which stack key the digests were made (`StackKey.id`); with another key they say nothing.
    """

    stack: str
    lineage: str
    serial: int = 0
    key_id: str = ""
    hosts: Mapping[str, HostState] = field(default_factory=dict)
    intents: Mapping[str, Intent] = field(default_factory=dict)

    @classmethod
    def new(cls, stack: str, *, key_id: str = "") -> Self:
        """The first state of a stack, with a lineage of its own. It is not saved yet: serial 0."""
        return cls(stack=stack, lineage=str(uuid.uuid4()), key_id=key_id)

    @property
    def version(self) -> StateVersion:
        """Its lineage and serial."""
        return StateVersion(self.lineage, self.serial)

    def with_host(self, name: str, state: HostState) -> Self:
        """The next document, in which host `name` has `state`."""
        return replace(
            self, serial=self.serial + 1, hosts={**self.hosts, name: state}, intents=_without(self.intents, name)
        )

    def with_intents(self, intents: Mapping[str, Intent]) -> Self:
        """The next document, in which these changes are under way."""
        return replace(self, serial=self.serial + 1, intents={**self.intents, **intents})

    def without_intent(self, name: str) -> Self:
        """The next document, in which nothing is under way on host `name`."""
        return replace(self, serial=self.serial + 1, intents=_without(self.intents, name))

    def without_host(self, name: str) -> Self:
        """The next document, in which `name` is not known."""
        hosts, intents = _without(self.hosts, name), _without(self.intents, name)
        return replace(self, serial=self.serial + 1, hosts=hosts, intents=intents)


def _without(entries: Mapping[str, T], name: str) -> Mapping[str, T]:
    return {other: entry for other, entry in entries.items() if other != name}


class Encoder:
    """Writes documents, and remembers how each host was written: of two saves only what changed costs."""

    def __init__(self) -> None:
        self._hosts: dict[str, tuple[HostState, bytes]] = {}

    def encode(self, document: StateDocument) -> bytes:
        """The whole file. ASCII; the same document always gives the same bytes."""
        known = self._hosts
        self._hosts = {}
        parts = [_header(document)]
        for name in sorted(document.hosts):
            state = document.hosts[name]
            before = known.get(name)
            if before is not None and before[0] is state:
                text = before[1]
            else:
                text = f"\n  {quoted(name)}: {_host(state)}".encode("ascii")
            self._hosts[name] = (state, text)
            parts += (b",", text) if len(parts) > 1 else (text,)
        parts.append(b"\n }\n}\n" if document.hosts else b"}\n}\n")
        return b"".join(parts)  # one copy: a large fleet's state is written once a host


def _header(document: StateDocument) -> bytes:
    lines = [
        f'"format": {FORMAT}',
        f'"lineage": {quoted(document.lineage)}',
        f'"serial": {document.serial}',
        f'"stack": {quoted(document.stack)}',
        f'"key": {quoted(document.key_id)}',
        *([f'"under-way": {_braced(_intents(document.intents), 1)}'] if document.intents else []),
        '"hosts": {',
    ]
    return ("{\n " + ",\n ".join(lines)).encode("ascii")


def _braced(lines: Iterable[str], depth: int, brackets: str = "{}") -> str:
    """`lines` between brackets, one step further in than `depth`."""
    inner = "\n" + " " * (depth + 1)
    body = ("," + inner).join(lines)
    return brackets[0] + inner + body + "\n" + " " * depth + brackets[1] if body else brackets


def _host(state: HostState) -> str:
    return _braced(
        [
            f'"machine": {quoted(state.machine_id)}',
            f'"generation": {state.generation}',
            f'"version": {_optional(state.version)}',
            f'"version-stamp": {quoted(state.version_stamp)}',
            f'"applied-at": {quoted(state.applied_at)}',
            f'"plan": {quoted(state.plan)}',
            f'"commit": {_optional(state.commit)}',
            f'"who": {quoted(state.who)}',
            f'"unmanaged": {state.unmanaged}',
            f'"files": {_table(state.files, _file)}',
            f'"patterns": {_table(state.patterns, _paths)}',
            f'"blocks": {_table(state.blocks, quoted)}',
            f'"keys": {_table(state.keys, quoted)}',
        ],
        2,
    )


def _intents(intents: Mapping[str, Intent]) -> list[str]:
    return [f"{quoted(name)}: {_intent(intents[name])}" for name in sorted(intents)]


def _intent(intent: Intent) -> str:
    return _braced(
        [
            f'"transaction": {quoted(intent.transaction)}',
            f'"at": {quoted(intent.at)}',
            f'"plan": {quoted(intent.plan)}',
            f'"commit": {_optional(intent.commit)}',
            f'"who": {quoted(intent.who)}',
            f'"blocks": {_table(intent.blocks, quoted)}',
            f'"keys": {_table(intent.keys, quoted)}',
        ],
        2,
    )


def _table(entries: Mapping[str, T], show: Callable[[T], str]) -> str:
    return _braced((f"{quoted(key)}: {show(entries[key])}" for key in sorted(entries)), 3)


def _file(state: FileState) -> str:
    return (
        f'{{"digest": {quoted(state.digest)}, "mode": "{state.mode:04o}", '
        f'"owner": {quoted(state.owner)}, "group": {quoted(state.group)}}}'
    )


def _paths(paths: tuple[str, ...]) -> str:
    return "[" + ", ".join(quoted(path) for path in paths) + "]"


def _optional(text: str | None) -> str:
    return "null" if text is None else quoted(text)
