"""The state document: what we applied last, host by host. Digests and addresses, never secrets."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

from pmtaform.state.entries import Entries, Packed

FORMAT = 1


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
class HostInputs:
    """What a host's configuration was made from when the host was wholly as its stack declares.

    `sources` is the keyed digest of the stack's files, settings and program, `secrets` that of the values of
    `references` (empty without any). Where both are the same again, a host whose files are as left needs no change.
    That holds from `since` to `until` (ISO 8601, UTC; empty: always): no certificate of the host causes a note then.
    """

    sources: str
    references: tuple[str, ...] = ()
    secrets: str = ""
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """One host as we left it.

    `files` are by path, `patterns` map an include pattern to the files that it named, `blocks` map an address to the
    block's digest (hex): the keyed one of its meaning, and 32 digits of that of its lines. `keys` map the address of a
    key file to its path. `applied_at` is ISO 8601 in UTC. `commit` None: not from a Git work tree. `inputs` None:
    something is left to do there, or it is not known.
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
    inputs: HostInputs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a host's `blocks` and `keys` will be once `transaction` has been applied to it.

    It is recorded before a run starts and removed with the host's new state. One that is left shows that a run was
    killed; the outcome of the transaction is on the host itself.
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

    `key_id` identifies the stack key of the digests (`StackKey.id`); under another key they cannot be compared.
    A host that is read from a file is decoded when it is asked for (`Entries`): ask once, and keep it.
    """

    stack: str
    lineage: str
    serial: int = 0
    key_id: str = ""
    hosts: Mapping[str, HostState] = field(default_factory=dict)
    intents: Mapping[str, Intent] = field(default_factory=dict)

    @classmethod
    def new(cls, stack: str, *, key_id: str = "") -> Self:
        """The first state of a stack, with a new lineage. It is not saved yet: serial 0."""
        return cls(stack=stack, lineage=str(uuid.uuid4()), key_id=key_id)

    @property
    def version(self) -> StateVersion:
        """Its lineage and serial."""
        return StateVersion(self.lineage, self.serial)

    def with_host(self, name: str, state: HostState | Packed[HostState]) -> Self:
        """The next document, in which host `name` has `state`."""
        hosts = Entries.of(self.hosts).with_entries({name: state})
        return replace(self, serial=self.serial + 1, hosts=hosts, intents=Entries.of(self.intents).without(name))

    def with_intents(self, intents: Mapping[str, Intent | Packed[Intent]]) -> Self:
        """The next document, in which these changes are under way."""
        return replace(self, serial=self.serial + 1, intents=Entries.of(self.intents).with_entries(intents))

    def without_intent(self, name: str) -> Self:
        """The next document, in which nothing is under way on host `name`."""
        return replace(self, serial=self.serial + 1, intents=Entries.of(self.intents).without(name))

    def without_host(self, name: str) -> Self:
        """The next document, in which `name` is not known."""
        hosts, intents = Entries.of(self.hosts).without(name), Entries.of(self.intents).without(name)
        return replace(self, serial=self.serial + 1, hosts=hosts, intents=intents)
