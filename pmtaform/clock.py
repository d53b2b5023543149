"""Clocks, which are passed in: rollouts wait by them, windows and rotations are decided by them."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pmtaform.diagnostics.codes.command_line import DATE_IN_THE_PAST
from pmtaform.errors import UsageError


class Clock(Protocol):
    """A source of the time, and a way to wait."""

    def now(self) -> datetime:
        """The time, with its zone."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that is never set back."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for `seconds`, or less if `event` is set meanwhile. Return whether it is set."""
        ...


class SystemClock:
    """The clock of the machine."""

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
    """A clock that only moves when it is moved, for tests and plans for a future date. Waiting moves it and takes no
    time.
    """

    def __init__(self, moment: datetime) -> None:
        self._moment = moment
        self._passed = 0.0
        self._turn = threading.Lock()
        self.waits: list[float] = []

    def now(self) -> datetime:
        """The time that it was set to, plus the seconds that have passed since."""
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
            DATE_IN_THE_PAST,
            (f"{as_of:%Y-%m-%d %H:%M} is before now, {now:%Y-%m-%d %H:%M} UTC. A plan can be for a future date only."),
        )
