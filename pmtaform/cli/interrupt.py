"""Ctrl-C during an apply: the first starts no new host, the second leaves at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pmtaform.errors import Exit

_FIRST = (
    "\npmtaform: stopping: no further host is begun; those at work finish or go back. Ctrl-C again leaves at once.\n"
)
_SECOND = (
    "\npmtaform: left. Transactions that were begun run to their end on their hosts by themselves. "
    "`pmtaform plan` says what each host has, and finishes or undoes what was left half done.\n"
)


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; the second ends the process with code 130."""
    stop = threading.Event()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os.write(sys.stderr.fileno(), _SECOND.encode())
            os._exit(Exit.INTERRUPTED)
        stop.set()
        os.write(sys.stderr.fileno(), _FIRST.encode())

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
