"""The lock on a stack's state: one operator, or one pipeline, at a time. Who has it, for what, since when."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pmtaform.diagnostics import Diagnostic, Place
from pmtaform.diagnostics.codes.state import LOCK_TAKEN_OVER, STATE_LOCKED
from pmtaform.errors import Locked
from pmtaform.state.identity import Process, machine, new_run_id, utc_now, who


@dataclass(frozen=True, slots=True, kw_only=True)
class LockInfo:
    """The holder of a lock: user, command, time (ISO 8601, UTC), run and process."""

    who: str
    what: str
    since: str
    run: str
    process: Process

    @classmethod
    def mine(cls, what: str, *, run: str | None = None) -> Self:
        """The lock information of this process; `what` is the command in words (`apply demo`)."""
        return cls(who=who(), what=what, since=utc_now(), run=run or new_run_id(), process=Process.current())


class HeldLock:
    """A lock that is held until `release`, which leaving the `with` block calls.

    `notices`: what the user has to know of how it was taken: over from a dead process, with changes left out.
    """

    def __init__(self, info: LockInfo, release: Callable[[str], object], notices: tuple[Diagnostic, ...] = ()) -> None:
        self.info = info
        self.notices = notices
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


def locked(stack: str, info: LockInfo | None, path: str) -> Locked:
    """The error that names the holder of the lock."""
    if info is None:
        holder = f"{stack} is locked by other processes, again and again."
    else:
        holder = f"{stack} is locked by {info.who} ({info.what}) since {info.since}{_where(info.process)}."
    detail = (
        f"{holder} Two runs at once would undo each other's changes. Wait for that run, or if it is dead:\n"
        f"    pmtaform unlock {stack}"
    )
    return Locked.of(STATE_LOCKED, detail, place=Place(path))


def taken_over(dead: LockInfo, path: str | Path) -> Diagnostic:
    """The notice that the lock of a dead process was taken over."""
    detail = (
        f"{dead.who} started {dead.what} at {dead.since}, and that process ({dead.process.pid}) ended without "
        "releasing the lock. Its run may be half done: the plan shows what is left to do."
    )
    place = Place(str(path))
    return LOCK_TAKEN_OVER.diagnostic(detail, place)


def _where(process: Process) -> str:
    if not process.pid:
        return ""
    words = f", in process {process.pid} on {process.host}"
    if process.host == machine() and process.boot != Process.current().boot:
        words += ", before the last start of this machine or on another machine of this name"
    return words


def encode(info: LockInfo) -> bytes:
    """The document of a lock: JSON in ASCII."""
    return json.dumps(asdict(info), indent=1).encode("ascii") + b"\n"


def decode(content: bytes) -> LockInfo:
    """The lock that `content` holds; one of an unknown holder where it is damaged."""
    try:
        tree = json.loads(content)
        process = tree.pop("process")
        texts = {name: str(value) for name, value in tree.items()}
        numbers = {"pid": int(process.pop("pid")), "started": int(process.pop("started"))}
        return LockInfo(**texts, process=Process(**{k: str(v) for k, v in process.items()}, **numbers))  # type: ignore[arg-type]
    except (ValueError, KeyError, TypeError, AttributeError):
        return unknown_holder("the lock file is damaged and does not name its run")


def unknown_holder(what: str) -> LockInfo:
    """The holder of a lock whose file names none; `what` is the reason."""
    unknown = Process(host="", boot="", namespace="", pid=0, started=0)
    return LockInfo(who="an unknown user", what=what, since="an unknown time", run="", process=unknown)
