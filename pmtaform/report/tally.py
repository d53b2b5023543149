"""A run in numbers: how many hosts are in each phase, which have been at work for longest, and which failed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pmtaform.progress import Event, Phase, Verdict
from pmtaform.report.style import counted

GOOD: Final = frozenset({Verdict.APPLIED, Verdict.UNCHANGED})
_RESTING: Final = frozenset({Phase.PLANNED, Phase.STAGED})  # nothing is done to the host until its turn comes
_LOOKING: Final = frozenset({Phase.CONNECTING, Phase.PROBING, Phase.PLANNED})
_FAILED_LOOKS: Final = frozenset({Verdict.UNREACHABLE, Verdict.FAILED})


@dataclass(frozen=True, slots=True)
class HostAtWork:
    """A host at work: its latest event, and since when it is in that phase."""

    event: Event
    since: float


class Tally:
    """The hosts of a run by their latest events. Used by one thread at a time."""

    def __init__(self, total: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._clock = clock
        self._working: dict[str, HostAtWork] = {}
        self._resting: dict[str, Phase] = {}
        self._done: dict[str, Verdict | None] = {}
        self.failed: list[Event] = []  # in their order; a host that is rolled back later is in it then

    def note(self, event: Event) -> None:
        """Count the event. A host that was done may be at work again: it is rolled back with others."""
        before = self._working.pop(event.host, None)
        self._resting.pop(event.host, None)
        self._done.pop(event.host, None)
        if event.phase is Phase.DONE or event.verdict is not None:
            self._done[event.host] = event.verdict
            if event.verdict is not None and event.verdict not in GOOD:
                self.failed.append(event)
        elif event.phase in _RESTING:
            self._resting[event.host] = event.phase
        else:
            is_same = before is not None and before.event.phase is event.phase
            self._working[event.host] = HostAtWork(event, before.since if before and is_same else self._clock())

    @property
    def total(self) -> int:
        """The hosts of the run; those that were seen, where it is not known before."""
        return self._total or len(self._working) + len(self._resting) + len(self._done)

    @property
    def done(self) -> int:
        """The hosts that need no more watching."""
        return len(self._done)

    def slowest(self, most: int) -> list[tuple[Event, float]]:
        """The hosts that are in their phase for longest, and for how many seconds."""
        first = sorted(self._working.values(), key=lambda each: each.since)[:most]
        return [(each.event, self._clock() - each.since) for each in first]

    @property
    def working(self) -> int:
        """The number of hosts at work."""
        return len(self._working)

    def verdicts(self) -> dict[Verdict, int]:
        """The hosts that are done, by their verdicts, in the order in which each came first."""
        return dict(Counter(verdict for verdict in self._done.values() if verdict is not None))

    def phases(self) -> dict[Phase, int]:
        """The hosts that are not done, by their phases, in the order of a run."""
        counts = Counter(each.event.phase for each in self._working.values()) + Counter(self._resting.values())
        return {phase: counts[phase] for phase in Phase if counts[phase]}

    def summary(self) -> str:
        """`29 of 30 hosts done`; `29 of 30 hosts planned` while there is only a plan."""
        number, what = (len(self._resting), Phase.PLANNED.value) if self._is_plan else (self.done, "done")
        return f"{number:,} of {counted(self.total, 'host')} {what}"

    @property
    def _is_plan(self) -> bool:
        """Whether hosts are only looked at as yet."""
        phases, verdicts = self.phases().keys(), set(self._done.values())
        return bool(phases) and phases <= _LOOKING and verdicts <= _FAILED_LOOKS
