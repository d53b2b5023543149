"""The progress of the work on hosts, as events for a watcher."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pmtaform.diagnostics import Kind


class Phase(StrEnum):
    """The phase of the work on one host."""

    CONNECTING = "connecting"
    PROBING = "probing"
    PLANNED = "planned"
    STAGING = "staging"  # the files are written beside their places, and tested
    STAGED = "staged"
    WAITING = "waiting"  # for hosts that must not change at the same time
    ACTIVATING = "activating"  # the files are moved into place, and PowerMTA loads them
    CHECKING = "checking"
    OBSERVING = "observing"
    CONFIRMING = "confirming"  # over a new connection
    REVERTING = "reverting"
    SOAKING = "soaking"  # between waves; of the run, not of a host
    RECORDING = "recording"
    DONE = "done"


class Verdict(StrEnum):
    """The result of one host in a run."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    ROLLED_BACK = "rolled back"
    FAILED = "failed"
    STALE = "stale"
    LOCKED = "locked"
    UNREACHABLE = "unreachable"
    FROZEN = "frozen"
    NOT_STARTED = "not started"

    @classmethod
    def of_failure(cls, kind: Kind) -> Verdict:
        """The verdict on a host that failed before anything was changed, by the kind of the failure."""
        return cls.UNREACHABLE if kind is Kind.HOST_UNREACHABLE else cls.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step of one host, for a watcher. `seconds` count from the start of the run."""

    host: str
    phase: Phase
    verdict: Verdict | None = None
    detail: str = ""
    seconds: float = 0.0


Watch = Callable[[Event], None]


class EventReporter:
    """Reports events to a watcher, one at a time, with the seconds since the start."""

    def __init__(self, watch: Callable[[Event], None] | None) -> None:
        self._watch = watch
        self._started = time.monotonic()
        self._turn = threading.Lock()

    def tell(self, host: str, phase: Phase, verdict: Verdict | None = None, detail: str = "") -> None:
        """Report that `host` is in `phase`."""
        if self._watch is None:
            return
        with self._turn:
            seconds = time.monotonic() - self._started
            self._watch(Event(host=host, phase=phase, verdict=verdict, detail=detail, seconds=seconds))
