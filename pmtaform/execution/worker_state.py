"""The state of one host in a worker's memory. The client has the state of the stack, its lock and its journal."""

from __future__ import annotations

from typing import NoReturn

from pmtaform.diagnostics.codes.execution import NOT_ON_A_WORKER
from pmtaform.errors import UsageError
from pmtaform.state import HeldLock, LockInfo, StackKey, StateDocument, StateVersion
from pmtaform.state.backend import KeyHistories, check_base


class NoJournal:
    """No journal: the client writes it."""

    place = "the client"

    def append(self, line: bytes) -> None:
        """Do nothing."""

    def read(self) -> bytes:
        """No lines."""
        return b""


class NoRotations:
    """No history of rotated keys."""

    def load(self) -> KeyHistories:
        """None."""
        return {}

    def save(self, histories: KeyHistories) -> NoReturn:  # noqa: ARG002  (as the port has it)
        """Raise `UsageError`."""
        raise _not_here("Keys are rotated")


class WorkerState:
    """A state backend for one task: the state of one host, as the client sent it."""

    def __init__(self, stack: str, key: StackKey, document: StateDocument) -> None:
        self.stack = stack
        self.events = NoJournal()
        self.rotations = NoRotations()
        self._key = key
        self._document = document

    def load(self) -> StateDocument:
        """The state."""
        return self._document

    def save(self, document: StateDocument, *, over: StateVersion | None) -> None:
        """Keep `document`. Raises `Stale`."""
        check_base(self._document.version, over, None)
        self._document = document

    def key(self) -> StackKey:
        """The keys that are derived for the host."""
        return self._key

    def lock(self, info: LockInfo) -> HeldLock:  # noqa: ARG002  (as the port has it)
        """Raise `UsageError`: the client holds the lock."""
        raise _not_here("The state is locked")

    def unlock(self) -> LockInfo | None:
        """Raise `UsageError`."""
        raise _not_here("The state is locked")

    def lock_info(self) -> LockInfo | None:
        """None."""
        return None


def _not_here(what: str) -> UsageError:
    return UsageError.of(NOT_ON_A_WORKER, f"{what} by the client, and not on a worker.")
