"""The journal of runs, `state/<stack>.journal`: who did what when, and what became of each host.

One JSON object a line, only ever appended to; each line is on the disk before the call returns. A line that a
crash cut short is passed over by the reader and ended by the next writer, so it never spoils another.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from pmtaform.diagnostics import Place
from pmtaform.errors import StateDamaged
from pmtaform.reading import read_regular
from pmtaform.state.atomic import check_stack_name, ensure_folder, write_all, writing
from pmtaform.state.identity import utc_now

_MODE = 0o600


class Kind(StrEnum):
    """What an event tells of."""

    STARTED = "run-started"
    HOST = "host"
    ENDED = "run-ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line. `at` is ISO 8601 in UTC; `facts` are texts: of a start `who`, `what`, `plan` and `commit`, of a host
    `host`, `outcome` and `reason`, of an end `outcome`.
    """

    at: str
    run: str
    kind: str
    facts: Mapping[str, str] = field(default_factory=dict)


class History(NamedTuple):
    """What a journal holds: its events, oldest first, and the numbers of the lines that could not be read."""

    events: tuple[Event, ...]
    damaged: tuple[int, ...]

    def unfinished(self) -> tuple[str, ...]:
        """The runs that started and never ended: they were killed, or are at work now."""
        ended = {event.run for event in self.events if event.kind == Kind.ENDED}
        started = dict.fromkeys(event.run for event in self.events if event.kind == Kind.STARTED)
        return tuple(run for run in started if run not in ended)


class Journal:
    """The journal of `stack` in `folder`; with `folder` None it is kept in memory. Safe to use from many threads."""

    def __init__(self, folder: Path | None, stack: str, *, clock: Callable[[], str] = utc_now) -> None:
        name = f"{check_stack_name(stack)}.journal"
        self.path = folder / name if folder is not None else None
        self._memory = bytearray()
        self._clock = clock
        self._turn = threading.Lock()

    def start(
        self,
        run: str,
        *,
        who: str,
        what: str,
        plan: str,
        commit: str | None,
        choice: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """Note that `run` begins; `choice` are the patterns that it was started with, for who goes on with it.

        Raises `PmtaformError` (code `state-not-written`), as all that write do.
        """
        facts = {"who": who, "what": what, "plan": plan} | ({"commit": commit} if commit else {})
        if choice and any(choice.values()):
            facts["choice"] = json.dumps({name: list(patterns) for name, patterns in choice.items()})
        self._append(run, Kind.STARTED, facts)

    def host(self, run: str, host: str, outcome: str, *, reason: str = "", generation: int | None = None) -> None:
        """Note what became of `host`."""
        facts = {"host": host, "outcome": outcome} | ({"reason": reason} if reason else {})
        if generation is not None:
            facts["generation"] = str(generation)
        self._append(run, Kind.HOST, facts)

    def end(self, run: str, outcome: str) -> None:
        """Note that `run` is over."""
        self._append(run, Kind.ENDED, {"outcome": outcome})

    def read(self) -> History:
        """All that is in it. Raises `StateDamaged` (code `state-unreadable`) when the file cannot be opened."""
        events: list[Event] = []
        damaged: list[int] = []
        for number, line in enumerate(self._content().split(b"\n"), 1):
            event = _parse(line)
            if event is not None:
                events.append(event)
            elif line.strip():
                damaged.append(number)
        return History(tuple(events), tuple(damaged))

    def _content(self) -> bytes:
        if self.path is None:
            return bytes(self._memory)
        try:
            return read_regular(self.path)
        except FileNotFoundError:
            return b""
        except OSError as problem:
            detail = f"{(problem.strerror or type(problem).__name__).lower()}. Make it readable for yourself."
            place = Place(str(self.path))
            raise StateDamaged.of("state-unreadable", "the journal cannot be read", detail, place=place) from None

    def _append(self, run: str, kind: Kind, facts: Mapping[str, str]) -> None:
        entry = {"at": self._clock(), "run": run, "event": kind.value, **facts}
        line = json.dumps(entry).encode("ascii") + b"\n"
        with self._turn:
            if self.path is None:
                self._memory += line
            else:
                _append(self.path, line)


def _append(path: Path, line: bytes) -> None:
    ensure_folder(path.parent)
    with writing(path):
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, _MODE)
        try:
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            write_all(descriptor, b"\n" + line if torn else line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _parse(line: bytes) -> Event | None:
    try:
        entry = json.loads(line)
        facts = {name: value for name, value in entry.items() if isinstance(value, str)}
        return Event(at=facts.pop("at"), run=facts.pop("run"), kind=facts.pop("event"), facts=facts)
    except (ValueError, KeyError, AttributeError, RecursionError):
        return None
