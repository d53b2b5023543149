"""A run over a fleet, and what every host of it shares."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pmtaform.clock import Clock, SystemClock
from pmtaform.model.operations import Rollout
from pmtaform.progress import Teller, Watch
from pmtaform.rollout.run_records import RunRecords
from pmtaform.state import Journal, StateKeeper


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Who applies what, in which order, and where it is recorded.

    `done` are hosts that the run which this one continues has changed; `unreachable` is how many of the chosen
    hosts could not be looked at. `allow` has the dangers that have consent, also those that only the run finds.
    """

    id: str
    who: str
    what: str
    plan: str
    commit: str | None
    keeper: StateKeeper
    journal: Journal
    rollout: Rollout = field(default_factory=Rollout)
    clock: Clock = field(default_factory=SystemClock)
    allow: frozenset[str] = frozenset()
    done: Collection[str] = ()
    unreachable: int = 0
    choice: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    together: Mapping[str, str] = field(default_factory=dict)  # host -> what it must change at the same time with
    watch: Watch | None = field(default=None, repr=False)
    stop: threading.Event = field(default_factory=threading.Event, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every host of a run shares."""

    id: str
    who: str
    what: str
    plan: str
    commit: str | None
    keeper: StateKeeper
    records: RunRecords
    clock: Clock
    teller: Teller
    allow: frozenset[str] = frozenset()
    stop: threading.Event = field(default_factory=threading.Event, repr=False)
