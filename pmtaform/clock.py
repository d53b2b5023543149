"""The time, as something that is given: rollouts wait by it, windows and rotations are decided by it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pmtaform.diagnostics.codes.command_line import AS_OF_PASSED
from pmtaform.errors import UsageError


class Clock(Protocol):
    """What tells the time, and lets it pass."""

    def now(self) -> datetime:
        """The time, with its zone."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that nobody sets."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let `seconds` pass, or less if `event` is set meanwhile; whether it is."""
        ...


class SystemClock:
    """The machine's own."""

    def now(self) -> datetime:
        """The time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for real."""
        return event.wait(seconds)


class SetClock:
    """A clock that stands until it is moved: for tests and for looking ahead. Waiting moves it, and takes no time."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment
        self._passed = 0.0
        self._turn = threading.Lock()
        self.waits: list[float] = []

    def now(self) -> datetime:
        """The moment that it was set to, and what has passed since."""
        with self._turn:
            return self._moment + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds that have passed."""
        with self._turn:
            return self._passed

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let the time pass at once."""
        if not event.is_set():
            self.advance(seconds)
            with self._turn:
                self.waits.append(seconds)
        return event.is_set()

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        with self._turn:
            self._passed += seconds


def check_ahead(as_of: datetime | None, now: datetime) -> None:
    """Raise `UsageError` when `as_of` has passed."""
    if as_of is not None and as_of < now:
        raise UsageError.of(
            AS_OF_PASSED, f"{as_of:%Y-%m-%d %H:%M} is before now, {now:%Y-%m-%d %H:%M} UTC. A plan can look ahead only."
        )
