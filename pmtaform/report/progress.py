"""Who watches the work on hosts: a table on a terminal, plain lines in a pipe, JSON lines for programs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Protocol, Self

from pmtaform.progress import Event, Verdict
from pmtaform.report.runs import colour_of, event_line, is_done
from pmtaform.report.style import clean, counted, is_terminal, wants_colour, write

if TYPE_CHECKING:
    from rich.console import Group

_MOST_ROWS = 16


class Progress(Protocol):
    """Told every event, from any thread. A context: when it ends, the terminal is as it was."""

    def __call__(self, event: Event) -> None:
        """Show one event."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def progress(stream: IO[str], hosts: Sequence[str], *, quiet: bool = False) -> Progress:
    """The watcher that fits `stream` (stderr, as a rule): a live table on a terminal, else a line for each event."""
    if not quiet and is_terminal(stream):
        return LiveTable(stream, hosts)
    return PlainLines(stream, quiet=quiet)


class PlainLines:
    """A line for each event; with `quiet` only for hosts that are done and did not end well."""

    def __init__(self, stream: IO[str], *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Write the event's line."""
        if self._quiet and event.verdict in (None, Verdict.APPLIED, Verdict.UNCHANGED):
            return
        with self._lock:
            write(self._stream, event_line(event) + "\n")
            self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class JsonLines:
    """A line of JSON for each event (`report.events`), through `write`, which puts it out at once."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Write the event's line."""
        from pmtaform.report.events import event_json

        with self._lock:
            self._write(event_json(event))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class LiveTable:
    """The hosts at work as a table that is drawn again in place; what is finished is counted.

    A row: the host, its phase, the seconds that it has been in it, and what is done.
    """

    def __init__(self, stream: IO[str], hosts: Sequence[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._since: dict[str, float] = {}
        self._total = len(hosts)
        self._latest: dict[str, Event] = {}
        self._done: dict[Verdict | None, int] = {}
        self._lock = threading.Lock()
        self._live: Any = None

    def __call__(self, event: Event) -> None:
        """Show the event in its host's row."""
        with self._lock:
            before = self._latest.pop(event.host, None)
            if is_done(event):
                self._done[event.verdict] = self._done.get(event.verdict, 0) + 1
                return
            if before is None or before.phase is not event.phase:
                self._since[event.host] = self._clock()
            self._latest[event.host] = event

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live

        console = Console(
            file=self._stream,
            no_color=not wants_colour(self._stream),
            markup=False,
            highlight=False,
            emoji=False,
        )
        self._live = Live(
            get_renderable=self.rows,
            console=console,
            transient=True,
            refresh_per_second=8,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def rows(self) -> Group:
        """The table as it is now; it is drawn several times a second, so that the seconds count."""
        with self._lock:
            return self._rows()

    def _rows(self) -> Group:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for _ in range(4):
            table.add_column(no_wrap=True, overflow="ellipsis")
        at_work = list(self._latest.values())
        for event in at_work[:_MOST_ROWS]:
            detail = clean(" ".join(event.detail.split()))
            seconds = f"{self._clock() - self._since[event.host]:.0f} s"
            table.add_row(Text(clean(event.host)), Text(event.phase.value), Text(seconds), Text(detail))
        if len(at_work) > _MOST_ROWS:
            table.add_row(Text(f"... {len(at_work) - _MOST_ROWS} more"))
        summary = Text(f"{sum(self._done.values())} of {counted(self._total, 'host')} done")
        for verdict, number in self._done.items():
            if verdict is not None:
                summary.append(f"  {number} {verdict.value}", style=colour_of(verdict))
        return Group(table, summary)
