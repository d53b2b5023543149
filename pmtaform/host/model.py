"""The nouns of one live host: how to reach it, what it has, what to change, and the outcome.

Paths are always the host's own (`/etc/pmta/config`), whatever folder is its root.
A *digest* here is the SHA-256 of a content in hex. It can be used to guess a password in a configuration, so it stays
in memory and on the host that has the file; what states and plans keep is sealed (`StackKey.seal_for`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pmtaform.expect import NOTHING_OWN, Command, Expect
from pmtaform.programs import ANY_PROGRAM, AllowedPrograms
from pmtaform.secrets import Secret
from pmtaform.transport import Transport

if TYPE_CHECKING:
    from pmtaform.host.transport import Session

CONFIG = "/etc/pmta/config"
ABSENT = "-"  # in place of a digest: the file does not exist


def digest(content: bytes) -> str:
    """The SHA-256 of `content`, hex, as `sha256sum` tells it on the host."""
    return hashlib.sha256(content).hexdigest()


class Activation(StrEnum):
    """What makes PowerMTA load a new configuration."""

    NONE = "none"
    RELOAD = "reload"
    RESTART = "restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSpec:
    """One host as the stack describes it: how to reach it and where its things are. Times in seconds."""

    name: str
    transport: Transport
    root: str = "/"  # the folder that is the machine's root
    address: str = ""
    port: int | None = None
    user: str | None = None
    sudo: bool = False
    sudo_password: Secret | None = None
    password: Secret | None = None
    identity_files: tuple[str, ...] = ()
    passphrase: Secret | None = None
    use_agent: bool = True
    proxy_jump: str | None = None
    ssh_config: str | None = None  # None: the user's own and the system's
    ssh_programs: AllowedPrograms = ANY_PROGRAM  # what ProxyCommand in `ssh_config` may run
    known_hosts: str | None = None  # None: the user's own and the system's
    connect_timeout: float = 10.0
    command_timeout: float = 60.0  # for one `pmta` command; a transaction gets several
    config: str = CONFIG
    pmta: str = "/usr/sbin/pmta"
    activation: Activation = Activation.RELOAD
    reload_command: tuple[str, ...] = ()  # empty: `pmta reload`
    restart_command: tuple[str, ...] = ()  # empty: systemctl, service or init.d, whichever is there
    restart_web_command: tuple[str, ...] = ()
    allowed_paths: tuple[str, ...] = ("/etc/pmta",)
    generations: int = 10
    expect: Expect = NOTHING_OWN

    def open(self) -> Session:
        """An open session to the host, to be closed by the caller. Raises `Unreachable`."""
        return self.transport.open(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFile:
    """One file of a host. `content` is None when the caller already knew this digest."""

    path: str
    digest: str
    mode: int
    owner: str
    group: str
    size: int
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLock:
    """Who holds a host's lock."""

    who: str
    what: str
    since: str  # ISO 8601, UTC
    transaction: str


class Waiting(StrEnum):
    """What a transaction waits for its client with."""

    STAGED = "staged"  # nothing of the host is changed yet
    PENDING = "pending"  # activated; it rolls back by itself unless it is confirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaiting:
    """A transaction on a host that waits for its client; `left` are the seconds that it still does."""

    transaction: str
    state: Waiting
    left: int
    since: str
    who: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a host knows of one transaction. `status` as `Status`, "none" or "unsettled"."""

    transaction: str
    status: str
    step: str = ""
    reason: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a host has now."""

    host: str
    machine_id: str
    version: str | None  # the output of `pmta show version`, control characters removed; None: no `pmta`
    version_stamp: str  # identifies the `pmta` program's file; version need not be asked again while it is the same
    files: Mapping[str, LiveFile]
    missing: frozenset[str]  # asked for and not there
    unreadable: Mapping[str, str]  # path -> reason (a folder, a symbolic link, permission, too large)
    patterns: Mapping[str, tuple[str, ...]]  # include pattern with wildcards -> the files it names now
    generation: int  # the last generation kept on the host; 0: none
    lock: HostLock | None = None
    awaiting: Awaiting | None = None
    unsettled: str | None = None  # the transaction that something left half done, if any
    past: Past | None = None  # what became of `Known.outcome_of`
    sudo_log: frozenset[str] = frozenset()  # `log_input`, `log_output`: what sudo there keeps of what passes through it
    round_trips: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the caller knows of a host from before, so that an unchanged host costs one round trip.

    `files` maps each path to the digest it had (None: send it whatever it is); with `HASH_ONLY` in
    the place of a digest, the content is never sent.
    """

    files: Mapping[str, str | None] = field(default_factory=dict)
    patterns: tuple[str, ...] = ()
    version: str | None = None
    version_stamp: str = ""
    outcome_of: str = ""  # a transaction whose outcome is asked for


class FileKind(StrEnum):
    """What a file is for; it decides the order of commits."""

    KEY = "key"  # a key, a certificate …: before the configuration that names it; removed after activation
    CONFIG = "config"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWrite:
    """A file to create or replace. `owner`, `group`, `mode` None: as found, or the default for new files."""

    path: str
    content: bytes = field(repr=False)
    kind: FileKind = FileKind.CONFIG
    mode: int | None = None
    owner: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRemoval:
    """A file to remove."""

    path: str
    kind: FileKind = FileKind.CONFIG


@dataclass(frozen=True, slots=True)
class ListenerAddress:
    """Where the new configuration has PowerMTA greet SMTP clients, as seen on the host itself."""

    address: str
    port: int
    new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One host's changes, made as one: all or nothing.

    `expect` maps every path that the plan was made from to the digest it must still have (`ABSENT`: not there);
    `expect_patterns` maps include patterns to the files that they must still name. With `confirm_within` (seconds)
    the host restores everything by itself unless it is confirmed in time; 0: it is final once PowerMTA runs it.
    `questions` are put to `pmta` after the activation; `listeners` must greet then.
    """

    id: str
    who: str
    what: str
    started: str
    writes: tuple[FileWrite, ...] = ()
    removals: tuple[FileRemoval, ...] = ()
    expect: Mapping[str, str] = field(default_factory=dict)
    expect_patterns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    activation: Activation = Activation.RELOAD
    restart_web: bool = False  # the web monitor is a separate service, `pmtahttp`
    test_config: bool = True  # `pmta test config` is documented from 5.0 on
    confirm_within: float = 0.0
    listeners: tuple[ListenerAddress, ...] = ()
    questions: tuple[tuple[str, ...], ...] = ()
    logs: tuple[str, ...] = ()  # PowerMTA's log files; their new lines are shown when it rejects the change
    plan: str = ""
    commit: str = ""
    record: bytes = field(default=b"", repr=False)  # what the host keeps of what it has afterwards (`left.encode`)
    base: tuple[str, ...] = ()  # the configuration files that it keeps a copy of, in the order of the record


@dataclass(frozen=True, slots=True)
class Doubt:
    """An answer of `pmta` that is neither known as success nor as failure; its exit code was 0."""

    command: Command
    text: str  # its first lines in quotes, or "nothing"
    undoing: bool  # it was given to the old files, when they were restored


class Status(StrEnum):
    """The outcome of a transaction, read back from the host."""

    APPLIED = "applied"
    STAGED = "staged"  # everything is beside its place; nothing is changed
    PENDING = "pending"  # PowerMTA runs it; it rolls back by itself unless it is confirmed
    ROLLED_BACK = "rolled-back"  # something failed; every file is restored and the old configuration is in force
    ROLLBACK_FAILED = (
        "rollback-failed"  # files are restored as far as possible, or PowerMTA did not load the old configuration
    )
    STALE = "stale"  # a live file was not what was planned from; nothing was touched
    LOCKED = "locked"  # another transaction holds the host; nothing was touched
    REFUSED = "refused"  # a path, an owner or the disk did not allow it; nothing was changed
    UNKNOWN = "unknown"  # the connection went and the host could not be asked again


@dataclass(frozen=True, slots=True)
class Answer:
    """The output of a program on the host, and its exit code (124 and 137: it took too long)."""

    exit_code: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a transaction: the host's own record of it.

    `step` names the step that failed; `reason` and `output` (what `pmta` printed) are stripped of control characters.
    """

    host: str
    status: Status
    generation: int = 0
    step: str = ""
    reason: str = ""
    output: str = ""
    recovered: str | None = None  # what was finished or undone of an earlier transaction, in words
    lock: HostLock | None = None
    answers: tuple[Answer, ...] = ()  # to a transaction's `questions`, while it is pending
    left: int = 0  # seconds in which a staged or pending one is waited for
    doubts: tuple[Doubt, ...] = ()
    hard_links: tuple[tuple[str, int], ...] = ()  # changed files that had more names (hard links), and how many in all
    unrehearsed: str = ""  # why a staged change was not tested yet; it is when it is in place


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One kept generation: what a transaction replaced, and can restore."""

    number: int
    transaction: str
    who: str
    what: str
    started: str
    status: str
    files: tuple[str, ...]
    plan: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a host wrote down of one transaction; the last fifty are kept."""

    transaction: str
    status: str
    step: str
    reason: str
    generation: int
    since: str
    who: str
    what: str
    plan: str
    commit: str


@dataclass(frozen=True, slots=True)
class Question:
    """Something to look at on a host: `ask` (words for `pmta`), `command` (argv), `greeting` (address, port) or `http`
    (yes or no for the certificate, URL), with the seconds that it may take.
    """

    kind: str
    within: int
    words: tuple[str, ...]
