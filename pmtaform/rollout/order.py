"""The order in which hosts change: waves, and hosts that must not change at the same time. No I/O."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from pmtaform.model.operations import OnFailure, Rollout, Spread, SpreadBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A host that will be changed, with what decides on its turn.

    `pools` and `groups` are what it shares with others; hosts with one `together` change in one wave.
    """

    name: str
    pools: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    restarts: bool = False
    together: str | None = None


def waves(hosts: Sequence[Candidate], rollout: Rollout, done: Collection[str] = ()) -> list[tuple[str, ...]]:
    """The names in their waves, the canary first, each host once.

    `done` were changed by the run that this one resumes: they count for the size of waves and are in none.
    """
    place: dict[str, int] = {}
    wave, room = 0, list(rollout.sizes(len(hosts)))
    for host in hosts:
        while room and room[0] == 0:
            room.pop(0)
            wave += 1
        room[0] -= 1
        place[host.name] = wave
    last: dict[str, int] = {}
    for host in hosts:
        if host.together is not None:
            last[host.together] = max(last.get(host.together, 0), place[host.name])
    for host in hosts:
        if host.together is not None:
            place[host.name] = last[host.together]
    order = [tuple(h.name for h in hosts if place[h.name] == n and h.name not in done) for n in range(wave + 1)]
    return [names for names in order if names]


class Gate:
    """Lets a host start once the hosts that are being changed allow it. Safe to use from many threads."""

    def __init__(self, spread: Spread | None, hosts: Iterable[Candidate]) -> None:
        self._spread = spread
        self._keys = {host.name: self._shared(host) for host in hosts}
        self._at_work: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._closed = False

    def _shared(self, host: Candidate) -> frozenset[str]:
        if self._spread is None or not host.restarts:
            return frozenset()
        return host.pools if self._spread.by is SpreadBy.POOL else host.groups

    def must_wait(self, host: str) -> bool:
        """Whether `host` would have to wait now."""
        with self._changed:
            return not self._room(host)

    def acquire(self, host: str) -> bool:
        """Wait until `host` may start. False: the gate was closed meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._room(host))
            if self._closed:
                return False
            self._at_work.update(self._keys[host])
            return True

    def release(self, host: str) -> None:
        """Mark `host` as finished."""
        with self._changed:
            self._at_work.subtract(self._keys[host])
            self._changed.notify_all()

    def close(self) -> None:
        """Let no further host start, and release those that wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _room(self, host: str) -> bool:
        at_most = self._spread.at_most if self._spread is not None else 0
        return all(self._at_work[key] < at_most for key in self._keys[host])


@dataclass(slots=True)
class Budget:
    """The number of hosts that may fail in a run. Safe to use from many threads.

    `total` is the number of hosts that the run is about.
    """

    rollout: Rollout
    total: int
    failed: int = 0
    unreachable: int = 0  # of the chosen hosts, those that could not even be looked at among them
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def note_failed(self) -> None:
        """Count one more host that failed or rolled back."""
        with self._turn:
            self.failed += 1

    def note_unreachable(self) -> None:
        """Count one more host that could not be reached."""
        with self._turn:
            self.unreachable += 1

    @property
    def spent(self) -> str:
        """The reason why no further host may be started; empty while there is none."""
        allowed = 0 if self.rollout.on_failure is OnFailure.STOP else self.rollout.max_failures.of(self.total)
        if self.failed > allowed:
            limit = "on-failure is stop" if self.rollout.on_failure is OnFailure.STOP else f"max-failures is {allowed}"
            return f"{self.failed} of {self.total} hosts failed, and {limit}"
        most = self.rollout.max_unreachable
        if most is not None and self.unreachable > most.of(self.total):
            reach = f"{self.unreachable} of {self.total} hosts cannot be reached"
            return f"{reach}, and max-unreachable is {most.of(self.total)}"
        return ""
