"""Where a stack's state is kept: the protocol, and the backend that keeps it in memory."""

from __future__ import annotations

import threading
from typing import NoReturn, Protocol

from pmtaform.diagnostics import Place
from pmtaform.errors import Stale
from pmtaform.state.atomic import check_stack_name
from pmtaform.state.document import StateDocument, Version
from pmtaform.state.lock import HeldLock, LockInfo, locked


class StateBackend(Protocol):
    """Keeps one stack's state. Saving compares and swaps; the lock keeps two runs apart in the first place."""

    @property
    def stack(self) -> str:
        """Whose state it is."""
        ...

    def load(self) -> StateDocument | None:
        """The state, or None when there is none yet. Raises `StateDamaged`."""
        ...

    def save(self, document: StateDocument, *, over: Version | None) -> None:
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
        """Who holds the lock, or None."""
        ...


def check_base(kept: Version | None, over: Version | None, place: Place | None) -> None:
    """Raise `Stale` unless the version that is `kept` is the one that the new state was made from."""
    if kept == over:
        return
    if kept is None:
        _stale("it is no longer there", place)
    if over is None:
        _stale(f"there is one already, with serial {kept.serial}", place)
    if kept.lineage != over.lineage:
        _stale(f"it has another history (lineage {kept.lineage}, not {over.lineage})", place)
    _stale(f"it has serial {kept.serial}, and this run began from serial {over.serial}", place)


def _stale(what: str, place: Place | None) -> NoReturn:
    detail = (
        f"{what}: somebody applied, or put another file there, since it was read. Saving would lose what is noted "
        "in it, so it was left as it is. Plan again from what is there now."
    )
    raise Stale.of("state-moved", "the state is no longer what was planned from", detail, place=place)


class MemoryBackend:
    """Keeps the state for as long as the process lives: for tests, and for plans without a state folder."""

    def __init__(self, stack: str, document: StateDocument | None = None) -> None:
        self._stack = check_stack_name(stack)
        self._document = document
        self._held: LockInfo | None = None
        self._guard = threading.Lock()
        self.saves = 0

    @property
    def stack(self) -> str:
        """Whose state it is."""
        return self._stack

    def load(self) -> StateDocument | None:
        """The state, or None when there is none yet."""
        return self._document

    def save(self, document: StateDocument, *, over: Version | None) -> None:
        """Keep `document`. Raises `Stale`."""
        with self._guard:
            check_base(self._document.version if self._document else None, over, None)
            self._document = document
            self.saves += 1

    def lock(self, info: LockInfo) -> HeldLock:
        """Take the lock. Raises `Locked`."""
        with self._guard:
            if self._held is not None:
                raise locked(self._stack, self._held, "memory")
            self._held = info
        return HeldLock(info, self._release)

    def unlock(self) -> LockInfo | None:
        """Take the lock away."""
        return self._release(None)

    def lock_info(self) -> LockInfo | None:
        """Who holds the lock, or None."""
        return self._held

    def _release(self, run: str | None) -> LockInfo | None:
        with self._guard:
            info = self._held
            if info is None or (run is not None and info.run != run):
                return None
            self._held = None
            return info
