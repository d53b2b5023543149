"""Room for the trees of hosts: how many are parsed at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

# Threads share one interpreter, so more hosts that compute at once gain nothing: the third computes while two wait for
# an answer. One of 100,000 lines (3 MB) holds 150 MB of trees, so it computes alone.
_ROOM: Final = 3
_LARGE: Final = 1_000_000  # bytes of a configuration


class Turns:
    """Gives hosts their turns. Safe to use from many threads."""

    def __init__(self) -> None:
        self._taken = 0
        self._changed = threading.Condition()

    @contextmanager
    def one(self, size: int) -> Iterator[Callable[[], None]]:
        """Give a function that waits, once, until there is room for a host of `size` bytes. It ends with the block."""
        units = _ROOM if size > _LARGE else 1
        held = False

        def take() -> None:
            nonlocal held
            if not held:
                self._take(units)
                held = True

        try:
            yield take
        finally:
            if held:
                self._give(units)

    def _take(self, units: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._taken + units <= _ROOM)
            self._taken += units

    def _give(self, units: int) -> None:
        with self._changed:
            self._taken -= units
            self._changed.notify_all()
