"""The lock on a stack's state in a file.

The file appears atomically (a link to a finished file) and never twice. A lock whose process is known to be dead is
taken over by the next run; only `pmtaform unlock` removes a lock of another machine, or from before a restart.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pmtaform.diagnostics import Diagnostic
from pmtaform.reading import read_regular
from pmtaform.state.atomic import create_file, not_written
from pmtaform.state.lock import HeldLock, LockInfo, decode, encode, locked, taken_over, unknown_holder

_ATTEMPTS = 100  # each lost to another process that came and went in between
_LARGEST = 65_536  # bytes; a lock is a few lines


class LockFile:
    """The lock in the file `path`, on the state of `stack`."""

    def __init__(self, path: Path, stack: str) -> None:
        self._path = path
        self._stack = stack

    def acquire(self, info: LockInfo) -> HeldLock:
        """Take the lock, at once or not at all. Raises `Locked`; `PmtaformError` when it cannot be written."""
        content = encode(info)
        notices: tuple[Diagnostic, ...] = ()
        for _ in range(_ATTEMPTS):
            if create_file(self._path, content):
                return HeldLock(info, self.remove, notices)
            dead = self._remove_dead()
            if dead is not None:
                notices = (taken_over(dead, self._path),)
        raise locked(self._stack, self.info(), str(self._path))

    def info(self) -> LockInfo | None:
        """Who holds it; None when it is free. A lock that is not readable is held by an unknown user."""
        try:
            return decode(read_regular(self._path))
        except FileNotFoundError:
            return None
        except OSError as problem:
            return unknown_holder(f"the lock cannot be read: {(problem.strerror or '').lower()}")

    def remove(self, run: str | None = None) -> LockInfo | None:
        """Take the lock away: whosever it is, or only that of `run`. Returns whose it was, None when none was."""
        return self._remove_if(lambda info: run is None or info.run == run)

    def _remove_dead(self) -> LockInfo | None:
        """Take it away if its process is dead. Raises `Locked` when it is not known to be; None: it went by itself."""

        def judge(info: LockInfo) -> bool:
            if info.process.is_dead():
                return True
            raise locked(self._stack, info, str(self._path))

        return self._remove_if(judge)

    def _remove_if(self, judge: Callable[[LockInfo], bool]) -> LockInfo | None:
        """Remove the very file that was judged: a lock that another run took since then stays."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as problem:
            not_written(self._path, problem)
        try:
            with suppress(OSError):  # some network file systems have none; the comparison then is what there is
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _is_same(descriptor, self._path):
                return None
            with open(descriptor, "rb", closefd=False) as file:
                info = decode(file.read(_LARGEST))
            if not judge(info):
                return None
            self._path.unlink(missing_ok=True)
        except OSError as problem:
            not_written(self._path, problem)
        finally:
            os.close(descriptor)
        return info


def _is_same(descriptor: int, path: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False
