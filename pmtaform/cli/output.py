"""The output of commands: data on stdout, messages on stderr. `pmtaform.report` formats it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pmtaform.cli.context import Format, settings
from pmtaform.cli.streams import let_go
from pmtaform.diagnostics import Diagnostic, Place
from pmtaform.report import style

if TYPE_CHECKING:
    from pmtaform.api import Planned
    from pmtaform.report.plans import PlanView
    from pmtaform.report.progress import Progress
    from pmtaform.report.views import View


def colour_of(stream: TextIO) -> bool:
    """Whether what goes there may be coloured."""
    return not settings.no_color and style.wants_colour(stream)


def width() -> int:
    """How wide text may be."""
    return max(60, min(shutil.get_terminal_size((100, 24)).columns, 140))


def out(text: str, *, exact: bool = False) -> None:
    """Write data to stdout; `exact`: it is for another program, not a report.

    When its reader has gone (`| head`), the command continues and exits as usual. It also continues on a full disk,
    because a host may be in the middle of a change; the exit code reports it.
    """
    write(sys.stdout, text, exact=exact)


def write(stream: TextIO, text: str, *, exact: bool = False) -> None:
    """Write to a standard stream; what the stream rejects is dropped."""
    try:
        style.write(stream, text, exact=exact)
        stream.flush()
    except OSError as problem:
        let_go(stream, problem)


def tell(diagnostics: Iterable[Diagnostic], *, grouped: bool = False) -> None:
    """Write diagnostics to stderr, each with the line that it is about.

    `grouped`: those that differ only in place are one entry, and no line is shown.
    """
    collected = list(diagnostics)
    if collected:
        from pmtaform.report.problems import diagnostics_text

        lines = None if grouped else source_line
        text = diagnostics_text(collected, colour=colour_of(sys.stderr), source=lines, width=width(), grouped=grouped)
        write(sys.stderr, text)


def source_line(place: Place) -> str | None:
    """The line of a file of this machine that a place names."""
    if place.line is None:
        return None
    root = settings.directory or Path.cwd()
    for base in (Path(), root, *root.absolute().parents):
        path = base / place.file
        with suppress(OSError, UnicodeError):
            if path.is_file():
                lines = path.read_text(encoding="utf-8").split("\n")
                return lines[place.line - 1] if place.line <= len(lines) else None
    return None


def show(view: View, format: Format, *, notes: Iterable[Diagnostic] = ()) -> None:
    """Write a result to stdout. `notes` belong beside its text, on stderr; its JSON has them."""
    if format is Format.JSON:
        out(view.json())
        return
    from pmtaform.report.views import Screen

    out(view.text(Screen(colour_of(sys.stdout), width())))
    tell(notes)


@contextmanager
def refusals(format: Format) -> Iterator[None]:
    """Within it, an error that keeps a run from starting is a line of JSON as well, where JSON is the format."""
    from pmtaform.errors import PmtaformError

    try:
        yield
    except PmtaformError as problem:
        if format is Format.JSON:
            from pmtaform.report.events import refusal_json

            out(refusal_json(problem))
        raise


@contextmanager
def watching(
    hosts: Sequence[str] = (),
    *,
    quiet: bool = True,
    format: Format = Format.TEXT,
) -> Iterator[Progress]:
    """An observer of a run that shows it on a terminal; in a pipe each event only when not `quiet`, and counts of many.

    With `format` JSON every event is a line of JSON on stdout instead.
    """
    from pmtaform.report.progress import JsonLines, progress

    if format is Format.JSON:
        yield JsonLines(out)
    else:
        with progress(sys.stderr, hosts, quiet=quiet and not style.is_terminal(sys.stderr)) as watch:
            yield watch


def plan_view(planned: Planned, *, diff: bool = False, effective: bool = False, ahead: bool = False) -> PlanView:
    """A plan with the keys that rotate, and with its text diffs and its effects on queues if they are wanted."""
    from pmtaform.report.plans import PlanView

    diffs: dict[str, list[str]] = {}
    effects = None
    if diff:
        from pmtaform.report.diffs import diff_lines

        elsewhere: dict[str, list[str]] = getattr(planned, "diffs", {})  # of hosts that workers looked at
        diffs = elsewhere or {
            name: diff_lines(verdict.opened().difference.edits) for name, verdict in planned.fleet.surveys.items()
        }
    if effective:
        from pmtaform.api import effects_of

        effects = effects_of(planned)
    return PlanView(
        plan=planned.plan,
        diffs=diffs,
        statuses=planned.statuses,
        effects=effects,
        ahead=ahead,
        sealer=planned.key.seal_plan,
    )
