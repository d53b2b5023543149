"""The lock on a stack's state: one operator, or one pipeline, at a time.

A lock is a file with who, what, since when, and which process. It appears whole (a link to a finished file) and
never twice. When its process is known to be dead, the next who comes takes it over; a lock of another machine, or
from before a restart, only `pmtaform unlock` takes away.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pmtaform.diagnostics import Diagnostic, Place
from pmtaform.diagnostics.codes.state import LOCK_TAKEN_OVER, STATE_LOCKED
from pmtaform.errors import Locked
from pmtaform.reading import read_regular
from pmtaform.state.atomic import create_file, not_written
from pmtaform.state.identity import Process, machine, new_run_id, utc_now, who

_ATTEMPTS = 100  # each lost to another process that came and went in between
_LARGEST = 65_536  # bytes; a lock is a few lines


@dataclass(frozen=True, slots=True, kw_only=True)
class LockInfo:
    """Who holds a lock, for what, since when (ISO 8601, UTC), in which run and process."""

    who: str
    what: str
    since: str
    run: str
    process: Process

    @classmethod
    def mine(cls, what: str, *, run: str | None = None) -> Self:
        """What this process says when it takes a lock; `what` is the command in words (`apply demo`)."""
        return cls(who=who(), what=what, since=utc_now(), run=run or new_run_id(), process=Process.current())


class HeldLock:
    """A lock that is held until `release`, which leaving the `with` block calls.

    `notice`: what is to be told about how it was got (a dead process's lock was taken over), or None.
    """

    def __init__(self, info: LockInfo, release: Callable[[str], object], notice: Diagnostic | None = None) -> None:
        self.info = info
        self.notice = notice
        self._release = release
        self._owner = os.getpid()
        self._once = threading.Lock()
        self._held = True

    def release(self) -> None:
        """Give it back. Again, or in a forked child, does nothing; a lock that is now another's is left alone."""
        with self._once:
            held, self._held = self._held, False
        if held and os.getpid() == self._owner:
            self._release(self.info.run)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class LockFile:
    """The lock in the file `path`, on the state of `stack`."""

    def __init__(self, path: Path, stack: str) -> None:
        self._path = path
        self._stack = stack

    def acquire(self, info: LockInfo) -> HeldLock:
        """Take the lock, at once or not at all. Raises `Locked`; `PmtaformError` when it cannot be written."""
        content = json.dumps(asdict(info), indent=1).encode("ascii") + b"\n"
        notice: Diagnostic | None = None
        for _ in range(_ATTEMPTS):
            if create_file(self._path, content):
                return HeldLock(info, self.remove, notice)
            dead = self._remove_dead()
            if dead is not None:
                notice = taken_over(dead, self._path)
        raise locked(self._stack, self.info(), str(self._path))

    def info(self) -> LockInfo | None:
        """Who holds it; None when nobody does. A lock that cannot be read is held by somebody unknown."""
        try:
            return _parse(read_regular(self._path))
        except FileNotFoundError:
            return None
        except OSError as problem:
            return _unknown(f"the lock cannot be read: {(problem.strerror or '').lower()}")

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
        """Remove the very file that was judged: a lock taken since then by somebody else stays."""
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
                info = _parse(file.read(_LARGEST))
            if not judge(info):
                return None
            self._path.unlink(missing_ok=True)
        except OSError as problem:
            not_written(self._path, problem)
        finally:
            os.close(descriptor)
        return info


def locked(stack: str, info: LockInfo | None, path: str) -> Locked:
    """The error that says by whom it is locked."""
    if info is None:
        holder = "Other processes take and release it again and again. Wait for them"
    else:
        holder = f"{info.who} has been at work since {info.since}: {info.what}{_where(info.process)}. Wait for that"
    detail = (
        f"{holder}; two at once would undo each other's changes. If you know that nobody is at work any more: "
        f"pmtaform unlock {stack}."
    )
    return Locked.of(STATE_LOCKED, detail, place=Place(path))


def taken_over(dead: LockInfo, path: str | Path) -> Diagnostic:
    """The notice that the lock of a dead process was taken over."""
    detail = (
        f"{dead.who} began {dead.what} at {dead.since}, and that process (number {dead.process.pid}) ended without "
        "releasing the lock. Its run may be half done: the plan shows what is left to do."
    )
    place = Place(str(path))
    return LOCK_TAKEN_OVER.diagnostic(detail, place)


def _where(process: Process) -> str:
    if not process.pid:
        return ""
    words = f" (process {process.pid} on {process.host})"
    if process.host == machine() and process.boot != Process.current().boot:
        words += ", before this machine was last started or on another of this name"
    return words


def _is_same(descriptor: int, path: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False


def _parse(content: bytes) -> LockInfo:
    try:
        tree = json.loads(content)
        process = tree.pop("process")
        texts = {name: str(value) for name, value in tree.items()}
        numbers = {"pid": int(process.pop("pid")), "started": int(process.pop("started"))}
        return LockInfo(**texts, process=Process(**{k: str(v) for k, v in process.items()}, **numbers))  # type: ignore[arg-type]
    except (ValueError, KeyError, TypeError, AttributeError):
        return _unknown("the lock file is damaged and does not say what it is for")


def _unknown(what: str) -> LockInfo:
    nobody = Process(host="", boot="", namespace="", pid=0, started=0)
    return LockInfo(who="somebody unknown", what=what, since="an unknown time", run="", process=nobody)
