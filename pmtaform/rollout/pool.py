"""Doing one thing for many hosts at once, bounded, and telling how far each is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pmtaform.rollout.model import Event, Phase, Verdict

T = TypeVar("T")


def run_all(items: Sequence[T], work: Callable[[T], None], *, parallel: int) -> None:
    """Call `work` for every item, at most `parallel` at once; returns when all are done.

    An exception of `work` is a bug: it is raised here once every other item is done.
    """
    if not items:
        return
    with ThreadPoolExecutor(max_workers=max(1, min(parallel, len(items))), thread_name_prefix="host") as pool:
        futures = [pool.submit(work, item) for item in items]
    for future in futures:
        future.result()


class Teller:
    """Tells a watcher what happens, one event at a time, with the seconds since the start."""

    def __init__(self, watch: Callable[[Event], None] | None) -> None:
        self._watch = watch
        self._started = time.monotonic()
        self._turn = threading.Lock()

    def tell(self, host: str, phase: Phase, verdict: Verdict | None = None, detail: str = "") -> None:
        """Say that `host` is in `phase`."""
        if self._watch is None:
            return
        with self._turn:
            seconds = time.monotonic() - self._started
            self._watch(Event(host=host, phase=phase, verdict=verdict, detail=detail, seconds=seconds))
