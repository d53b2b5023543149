"""Ctrl-C while hosts change: the first one starts no new host, the second one exits at once and reports what to do."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING

from pmtaform.diagnostics import Exit

if TYPE_CHECKING:
    from pmtaform.progress import Event

_FIRST = (
    "\npmtaform: stopping: no further host is started; hosts at work finish or roll back. Ctrl-C again exits at once.\n"
)
_SECOND = (
    "\npmtaform: exited. Each started transaction ends on its host by itself, and rolls back unless it was confirmed. "
    "The next plan shows what each host has, and finishes or undoes what was left unfinished:\n    pmtaform plan\n"
)


class AtWork:
    """The hosts whose change is under way, by the events of the run. Passes every event on."""

    def __init__(self, watch: Callable[[Event], None]) -> None:
        self._watch = watch
        self._hosts: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        """Note the phase of the host."""
        if event.verdict is not None:
            self._hosts.pop(event.host, None)
        elif event.host:
            self._hosts[event.host] = event.phase.value
        self._watch(event)

    def told(self) -> str:
        """The hosts at work and the commands that go on from there, in lines; empty: there are none."""
        hosts = dict(self._hosts)
        if not hosts:
            return ""
        lines = [f"  {host}: {phase}\n" for host, phase in hosts.items()]
        command = "pmtaform recover " + " ".join(hosts)
        return f"At work were:\n{''.join(lines)}To settle them now: {command}\n"


def end_programs() -> None:
    """End the programs that secrets were asked of (`command:`), before the process is left at once."""
    asked = sys.modules.get("pmtaform.secrets.command")
    if asked is not None:
        asked.end_all()


def _write(text: str) -> None:
    """Write to standard error at once, past its buffer. A reader that has gone does not keep a run from stopping."""
    with suppress(OSError):
        os.write(sys.stderr.fileno(), text.encode())


@contextmanager
def stopping(stack: str = "", at_work: Callable[[], str] = lambda: "") -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; the second ends the process with code 130.

    `at_work` returns the hosts whose change is under way, and what to do about them.
    """
    stop = threading.Event()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            unfinished = at_work()
            more = f" --stack {stack}" if stack and unfinished else ""
            _write(_SECOND + unfinished.rstrip("\n") + more + "\n" * bool(unfinished))
            end_programs()
            os._exit(Exit.INTERRUPTED)
        stop.set()
        _write(_FIRST)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
