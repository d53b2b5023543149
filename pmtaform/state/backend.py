"""The port of state backends: what is kept of a stack, and how a kind of backend is registered.

`tests/state/` has the contract; it runs on every implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.state import STATE_CHANGED
from pmtaform.errors import Stale
from pmtaform.model.rotation import KeyHistory
from pmtaform.state.document import StateDocument, StateVersion
from pmtaform.state.key import StackKey
from pmtaform.state.lock import HeldLock, LockInfo

KeyHistories = Mapping[str, KeyHistory]  # by DOMAIN/STEM


class EventLog(Protocol):
    """The lines of a stack's journal. They are only ever appended; many threads may append at once."""

    @property
    def place(self) -> str:
        """Where the lines are, for messages: a path, a table."""
        ...

    def append(self, line: bytes) -> None:
        """Keep `line`, which ends with a line end, durably when this returns. Raises `PmtaformError`."""
        ...

    def read(self) -> bytes:
        """All lines, oldest first; none at first. Raises `StateDamaged`."""
        ...


class RotationStore(Protocol):
    """The history of a stack's rotated keys. Save under the stack's lock."""

    def load(self) -> KeyHistories:
        """The histories; none at first. Raises `StateDamaged`."""
        ...

    def save(self, histories: KeyHistories) -> None:
        """Keep `histories` instead of the old ones, atomically. Raises `PmtaformError` (`state-not-written`)."""
        ...


class StateBackend(Protocol):
    """Keeps what there is of one stack: state, key, journal, rotation history, and the lock on them.

    Saving the state compares and swaps; the lock keeps two runs apart in the first place.
    """

    @property
    def stack(self) -> str:
        """Whose state it is."""
        ...

    def load(self) -> StateDocument | None:
        """The state, or None when there is none yet. Raises `StateDamaged`."""
        ...

    def save(self, document: StateDocument, *, over: StateVersion | None) -> None:
        """Keep `document`, made from the version `over` (None: from no state), durably when this returns.

        Raises `Stale` when what is kept is not `over`; `PmtaformError` (`state-not-written`) when it cannot be
        written. In both cases what was kept is kept.
        """
        ...

    def lock(self, info: LockInfo) -> HeldLock:
        """Take the lock, at once or not at all: a context manager. Raises `Locked`."""
        ...

    def unlock(self) -> LockInfo | None:
        """Take the lock away, whosever it is (`pmtaform unlock`). Returns whose it was, None when none was."""
        ...

    def lock_info(self) -> LockInfo | None:
        """The holder of the lock, or None."""
        ...

    def key(self) -> StackKey:
        """The stack's key; made if there is none, by one of all that ask at once. Raises `SecretUnavailable`."""
        ...

    @property
    def events(self) -> EventLog:
        """The lines of the stack's journal."""
        ...

    @property
    def rotations(self) -> RotationStore:
        """The history of the stack's rotated keys."""
        ...


Backends = Callable[[str], StateBackend]  # by a stack's name; raises `UsageError` for a name that cannot be used


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """The project's settings for its backend: its folder, and the options in `pmtaform.yaml`."""

    root: Path
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BackendKind:
    """A kind of backend. `open` checks the options (`Invalid`); it must not connect before something is asked."""

    open: Callable[[BackendSettings], Backends]


def check_base(current: StateVersion | None, over: StateVersion | None, place: Place | None) -> None:
    """Raise `Stale` unless the version that is `kept` is the one that the new state was made from."""
    if current == over:
        return
    if current is None:
        _stale("The state no longer exists", place)
    if over is None:
        _stale(f"A state exists already, with serial {current.serial}", place)
    if current.lineage != over.lineage:
        _stale(f"The state has another history (lineage {current.lineage}, not {over.lineage})", place)
    _stale(f"The state has serial {current.serial}, and this run started from serial {over.serial}", place)


def _stale(what: str, place: Place | None) -> NoReturn:
    detail = (
        f"{what}: another run applied, or someone replaced the state, since it was read. Saving would lose what it "
        "contains, so it is unchanged. Plan again from the state as it is now."
    )
    raise Stale.of(STATE_CHANGED, detail, place=place)
