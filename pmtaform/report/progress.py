"""Who watches the work on hosts: a table on a terminal, plain lines in a pipe, JSON lines for programs.

The output is bounded, however many hosts there are: on a terminal the slowest hosts and counts, in a pipe a line for
each event of a few hosts, and of many a line for each twentieth of them. Failures are named at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Protocol, Self

from pmtaform.progress import Event, Phase
from pmtaform.report.runs import colour_of, event_line
from pmtaform.report.style import clean, counted, is_terminal, wants_colour, write
from pmtaform.report.tally import GOOD, Tally

if TYPE_CHECKING:
    from rich.console import Group

_MOST_ROWS = 16
_MOST_FAILURES = 5  # below the table
_FEW = 50  # hosts of which every event is a line
_STEPS = 20  # lines of counts for a phase of many hosts
_MOST_NAMED = 20  # failures that are named at once; the result names all


class Progress(Protocol):
    """Told every event, from any thread. A context: when it ends, the terminal is as it was."""

    def __call__(self, event: Event) -> None:
        """Show one event."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def progress(stream: IO[str], hosts: Sequence[str], *, quiet: bool = False) -> Progress:
    """The watcher that fits `stream` (stderr, as a rule): a live table on a terminal, else lines."""
    if not quiet and is_terminal(stream):
        return LiveTable(stream, hosts)
    if len(hosts) > _FEW:
        return CountedLines(stream, len(hosts))
    return PlainLines(stream, quiet=quiet)


class PlainLines:
    """A line for each event; with `quiet` only for hosts that are done and did not end well."""

    def __init__(self, stream: IO[str], *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Write the event's line."""
        if self._quiet and (event.verdict is None or event.verdict in GOOD):
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


class CountedLines:
    """Lines of counts, by the number of hosts and not by time; and a line for each of the first hosts that fail."""

    def __init__(self, stream: IO[str], total: int) -> None:
        self._stream = stream
        self._tally = Tally(total)
        self._step = max(1, total // _STEPS)
        self._reached: dict[Phase, int] = {}
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Count the event; write a line where it is time for one."""
        with self._lock:
            failures = len(self._tally.failed)
            if event.host:
                self._tally.note(event)
            lines = [*self._failure(event, failures), *self._counts(event)]
            if lines:
                write(self._stream, "".join(f"{line}\n" for line in lines))
                self._stream.flush()

    def _failure(self, event: Event, before: int) -> Iterator[str]:
        if not event.host:
            yield event_line(event)  # of the run: a pause between waves
        if len(self._tally.failed) > before:
            if before < _MOST_NAMED:
                yield event_line(event)
            elif before == _MOST_NAMED:
                yield "more hosts failed; they are counted here, and named in the result"

    def _counts(self, event: Event) -> Iterator[str]:
        phase = Phase.DONE if event.verdict is not None else event.phase
        if phase not in {Phase.PLANNED, Phase.STAGED, Phase.DONE}:
            return
        number = self._reached[phase] = self._reached.get(phase, 0) + 1
        if number % self._step and not (phase is Phase.DONE and self._tally.done == self._tally.total):
            return
        verdicts = ", ".join(f"{count:,} {verdict.value}" for verdict, count in self._tally.verdicts().items())
        if phase is Phase.DONE:
            yield f"{self._tally.summary()}: {verdicts} ({event.seconds:.1f} s)"
        else:
            yield f"{number:,} of {counted(self._tally.total, 'host')} {phase.value} ({event.seconds:.1f} s)"

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

    A row: the host, its phase, the seconds that it has been in it, and what is done. Of many, those are shown that have
    been in their phase for longest, and the counts of all by phase.
    """

    def __init__(self, stream: IO[str], hosts: Sequence[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._tally = Tally(len(hosts), clock=clock)
        self._run = ""  # what the run as a whole does
        self._lock = threading.Lock()
        self._live: Any = None

    def __call__(self, event: Event) -> None:
        """Show the event in its host's row."""
        with self._lock:
            if event.host:
                self._tally.note(event)
            self._run = "" if event.host else f"{event.phase.value}: {event.detail}"

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
        for event, seconds in self._tally.slowest(_MOST_ROWS):
            detail = clean(" ".join(event.detail.split()))
            table.add_row(Text(clean(event.host)), Text(event.phase.value), Text(f"{seconds:.0f} s"), Text(detail))
        lines = [Text(line, no_wrap=True, overflow="ellipsis") for line in self._below()]
        summary = Text(self._tally.summary())
        for verdict, number in self._tally.verdicts().items():
            summary.append(f"  {number:,} {verdict.value}", style=colour_of(verdict))
        return Group(table, *lines, summary)

    def _below(self) -> Iterator[str]:
        """The counts by phase where not every host has a row, the latest failures, and what the run does."""
        phases = self._tally.phases()
        if self._tally.working > _MOST_ROWS or sum(phases.values()) > self._tally.working:
            yield "  ".join(f"{number:,} {phase.value}" for phase, number in phases.items())
        failed = self._tally.failed
        if len(failed) > _MOST_FAILURES:
            yield f"{len(failed) - _MOST_FAILURES:,} earlier failures"
        yield from (event_line(event) for event in failed[-_MOST_FAILURES:])
        if self._run:
            yield clean(self._run)
