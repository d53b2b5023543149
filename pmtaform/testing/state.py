"""A state backend in memory: `Project(root, backends=MemoryBackends())`."""

from __future__ import annotations

import threading

from pmtaform.state import HeldLock, LockInfo, StackKey, StateDocument, StateVersion
from pmtaform.state.backend import KeyHistories, check_base
from pmtaform.state.lock import locked
from pmtaform.state.names import check_stack_name


class MemoryBackends:
    """A backend in memory for each stack: the same for the same name."""

    def __init__(self) -> None:
        self._backends: dict[str, MemoryBackend] = {}
        self._guard = threading.Lock()

    def __call__(self, stack: str) -> MemoryBackend:
        """The backend of `stack`."""
        with self._guard:
            return self._backends.setdefault(stack, MemoryBackend(stack))


class MemoryLog:
    """Lines in memory."""

    place = "memory"

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def append(self, line: bytes) -> None:
        """Keep `line`."""
        self._lines.append(line)

    def read(self) -> bytes:
        """All lines."""
        return b"".join(self._lines)


class MemoryRotations:
    """Histories in memory."""

    def __init__(self) -> None:
        self._histories: KeyHistories = {}

    def load(self) -> KeyHistories:
        """The histories."""
        return self._histories

    def save(self, histories: KeyHistories) -> None:
        """Keep `histories`."""
        self._histories = dict(histories)


class MemoryBackend:
    """Keeps what there is of a stack for as long as the process lives."""

    def __init__(self, stack: str, document: StateDocument | None = None) -> None:
        self._stack = check_stack_name(stack)
        self._document = document
        self._held: LockInfo | None = None
        self._guard = threading.Lock()
        self._key = StackKey.ephemeral()
        self.events = MemoryLog()
        self.rotations = MemoryRotations()
        self.saves = 0

    @property
    def stack(self) -> str:
        """Whose state it is."""
        return self._stack

    def load(self) -> StateDocument | None:
        """The state, or None when there is none yet."""
        return self._document

    def save(self, document: StateDocument, *, over: StateVersion | None) -> None:
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

    def key(self) -> StackKey:
        """The stack's key."""
        return self._key

    def _release(self, run: str | None) -> LockInfo | None:
        with self._guard:
            info = self._held
            if info is None or (run is not None and info.run != run):
                return None
            self._held = None
            return info
