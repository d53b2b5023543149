"""The journal of runs: user, time, command and the outcome of each host. One JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from pmtaform.state.backend import EventLog
from pmtaform.state.identity import utc_now


class JournalKind(StrEnum):
    """The kind of an event."""

    STARTED = "run-started"
    HOST = "host"
    ENDED = "run-ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEvent:
    """One line. `at` is ISO 8601 in UTC; `facts` are texts: of a start `who`, `what`, `plan` and `commit`, of a host
    `host`, `outcome` and `reason`, of an end `outcome`.
    """

    at: str
    run: str
    kind: str
    facts: Mapping[str, str] = field(default_factory=dict)


class JournalHistory(NamedTuple):
    """What a journal holds: its events, oldest first, and the numbers of the lines that could not be read."""

    events: tuple[JournalEvent, ...]
    damaged: tuple[int, ...]

    def unfinished(self) -> tuple[str, ...]:
        """The runs that started and never ended: they were killed, or are at work now."""
        ended = {event.run for event in self.events if event.kind == JournalKind.ENDED}
        started = dict.fromkeys(event.run for event in self.events if event.kind == JournalKind.STARTED)
        return tuple(run for run in started if run not in ended)


class Journal:
    """The journal in `log`. Safe to use from many threads."""

    def __init__(self, log: EventLog, *, clock: Callable[[], str] = utc_now) -> None:
        self._log = log
        self.place = log.place
        self._clock = clock

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
        self._append(run, JournalKind.STARTED, facts)

    def host(self, run: str, host: str, outcome: str, *, reason: str = "", generation: int | None = None) -> None:
        """Note what became of `host`."""
        facts = {"host": host, "outcome": outcome} | ({"reason": reason} if reason else {})
        if generation is not None:
            facts["generation"] = str(generation)
        self._append(run, JournalKind.HOST, facts)

    def end(self, run: str, outcome: str) -> None:
        """Note that `run` is over."""
        self._append(run, JournalKind.ENDED, {"outcome": outcome})

    def read(self) -> JournalHistory:
        """All that is in it. Raises `StateDamaged` (code `state-unreadable`) when the file cannot be opened."""
        events: list[JournalEvent] = []
        damaged: list[int] = []
        for number, line in enumerate(self._log.read().split(b"\n"), 1):
            event = _parse(line)
            if event is not None:
                events.append(event)
            elif line.strip():
                damaged.append(number)
        return JournalHistory(tuple(events), tuple(damaged))

    def _append(self, run: str, kind: JournalKind, facts: Mapping[str, str]) -> None:
        entry = {"at": self._clock(), "run": run, "event": kind.value, **facts}
        self._log.append(json.dumps(entry).encode("ascii") + b"\n")


def _parse(line: bytes) -> JournalEvent | None:
    try:
        entry = json.loads(line)
        facts = {name: value for name, value in entry.items() if isinstance(value, str)}
        return JournalEvent(at=facts.pop("at"), run=facts.pop("run"), kind=facts.pop("event"), facts=facts)
    except (ValueError, KeyError, AttributeError, RecursionError):
        return None
