"""A run over a fleet, and what every host of it shares."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pmtaform.clock import Clock, SystemClock
from pmtaform.model.operations import Rollout
from pmtaform.progress import EventReporter, Watch
from pmtaform.rollout.run_records import RunRecords
from pmtaform.state import Journal, StateKeeper


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run: its author, its limits, and where it is recorded.

    `done` are hosts that the resumed run has changed; `unreachable` is the number of chosen hosts that could not be
    inspected. `allow` has the dangers with consent, also those that only the run finds.
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
    """The objects that all hosts of a run share."""

    id: str
    who: str
    what: str
    plan: str
    commit: str | None
    keeper: StateKeeper
    records: RunRecords
    clock: Clock
    teller: EventReporter
    allow: frozenset[str] = frozenset()
    stop: threading.Event = field(default_factory=threading.Event, repr=False)
