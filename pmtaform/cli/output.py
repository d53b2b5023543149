"""What commands put out: data on stdout, talk on stderr. How it looks is `pmtaform.report`'s business."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pmtaform.cli.context import Format, settings
from pmtaform.cli.streams import let_go
from pmtaform.diagnostics import Diagnostic, Place
from pmtaform.errors import UsageError
from pmtaform.report import style

if TYPE_CHECKING:
    from pmtaform.api import DriftReport, HistoryReport, HostRow, Planned, Recovered
    from pmtaform.host import Generation
    from pmtaform.plan.model import HostPlan, Plan
    from pmtaform.report.progress import Progress
    from pmtaform.rollout.model import RunResult
    from pmtaform.state import StateDocument


def colour_of(stream: TextIO) -> bool:
    """Whether what goes there may be coloured."""
    return not settings.no_color and style.wants_colour(stream)


def width() -> int:
    """How wide text may be."""
    return max(60, min(shutil.get_terminal_size((100, 24)).columns, 140))


def out(text: str, *, exact: bool = False) -> None:
    """Write data to stdout; `exact`: it is no report, but for another program.

    When its reader has gone (`| head`), the command goes on and ends as it would. Where the disk is full it goes on as
    well, since a host may be in the middle of a change; the end tells of it.
    """
    write(sys.stdout, text, exact=exact)


def write(stream: TextIO, text: str, *, exact: bool = False) -> None:
    """Write to a standard stream; what it cannot take is let go."""
    try:
        style.write(stream, text, exact=exact)
        stream.flush()
    except OSError as problem:
        let_go(stream, problem)


def tell(diagnostics: Iterable[Diagnostic]) -> None:
    """Write diagnostics to stderr, each with the line that it is about."""
    found = list(diagnostics)
    if found:
        from pmtaform.report.problems import diagnostics_text

        write(sys.stderr, diagnostics_text(found, colour=colour_of(sys.stderr), source=source_line, width=width()))


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


def print_json(diagnostics: Iterable[Diagnostic]) -> None:
    """Diagnostics as a JSON document on stdout."""
    from pmtaform.report.documents import json_diagnostics

    out(json_diagnostics(diagnostics))


@contextmanager
def watching(
    hosts: Sequence[str] = (),
    *,
    quiet: bool = True,
    format: Format = Format.TEXT,  # noqa: A002
) -> Iterator[Progress]:
    """Something that is told what happens, and shows it on a terminal (in a pipe only when not `quiet`).

    With `format` JSON every event is a line of JSON on stdout instead.
    """
    from pmtaform.report.progress import JsonLines, PlainLines, progress

    if format is Format.JSON:
        yield JsonLines(out)
    elif style.is_terminal(sys.stderr):
        with progress(sys.stderr, hosts) as watch:
            yield watch
    else:
        yield PlainLines(sys.stderr, quiet=quiet)


# -- plans ----


def print_plan(
    planned: Planned,
    format: Format,  # noqa: A002
    *,
    diff: bool,
    effective: bool = False,
    ahead: bool = False,
) -> None:
    """A plan with the keys that rotate, and with its text diffs and its effects on queues if they are wanted.

    `ahead`: it is of a moment to come.
    """
    if format is Format.JSON:
        from pmtaform.report.documents import json_plan

        rows = None
        if effective:
            from pmtaform.api import effects_of
            from pmtaform.report.effects import effect_rows

            rows = effect_rows(effects_of(planned))
        out(json_plan(planned.plan, rows, _rotation_rows(planned), sealer=planned.key.seal_plan))
        return
    from pmtaform.report.diffs import diff_lines

    diffs = {}
    if diff:
        diffs = {name: diff_lines(survey.difference.edits) for name, survey in planned.fleet.surveys.items()}
    _plan_text(planned.plan, diffs)
    if planned.statuses:
        from pmtaform.report.rotations import rotations_text

        out(rotations_text(planned.statuses, ahead=ahead, colour=colour_of(sys.stdout), width=width()))
    if effective:
        from pmtaform.api import effects_of
        from pmtaform.report.effects import effects_text

        out(effects_text(effects_of(planned), colour=colour_of(sys.stdout), width=width()))


def _rotation_rows(planned: Planned) -> list[dict[str, Any]] | None:
    """What the JSON of a plan says of keys that rotate; None where no key does."""
    if not planned.statuses:
        return None
    from pmtaform.report.rotations import rotation_rows

    return rotation_rows(planned.statuses)


def print_saved_plan(plan: Plan, format: Format) -> None:  # noqa: A002
    """A plan from a file. Its JSON is to be read: what `apply` takes is the file itself."""
    if format is Format.JSON:
        from pmtaform.report.documents import json_plan

        out(json_plan(plan))
    else:
        _plan_text(plan, {})


def print_verdict(plan: Plan) -> None:
    """The plan in one line, for those who have read it."""
    from pmtaform.report.verdict import verdict

    out(verdict(plan) + "\n")


def _plan_text(plan: Plan, diffs: Mapping[str, list[str]]) -> None:
    from pmtaform.report.plans import plan_text

    out(plan_text(plan, colour=colour_of(sys.stdout), width=width(), diffs=diffs))


# -- runs ----


def print_run(result: RunResult, format: Format) -> None:  # noqa: A002
    """What became of every host."""
    if format is Format.JSON:
        from pmtaform.report.documents import json_run

        out(json_run(result))
        return
    from pmtaform.report.runs import run_text

    out(run_text(result, colour=colour_of(sys.stdout), width=width()))


def print_drift(planned: Planned, found: Mapping[str, DriftReport], format: Format) -> None:  # noqa: A002
    """What changed on hosts since the last apply."""
    from pmtaform.report.drifts import drift_text, json_drift

    if format is Format.JSON:
        out(json_drift(found, planned.plan.failures))
    else:
        out(drift_text(found, planned.plan.failures, colour=colour_of(sys.stdout), width=width()))


def print_hosts(stack: str, rows: Sequence[HostRow], format: Format) -> None:  # noqa: A002
    """The fleet, one row a host."""
    from pmtaform.report.hosts import hosts_text, json_hosts

    if format is Format.JSON:
        out(json_hosts(stack, rows))
    else:
        out(hosts_text(rows, colour=colour_of(sys.stdout), width=width()))


def print_history(report: HistoryReport, format: Format) -> None:  # noqa: A002
    """The runs of a stack; what cannot be read of its journal is told beside it."""
    from pmtaform.report.history import damaged_lines, history_text, json_history

    tell(damaged_lines(report))
    out(json_history(report) if format is Format.JSON else history_text(report, colour=colour_of(sys.stdout)))


def print_generations(host: str, kept: Sequence[Generation], format: Format) -> None:  # noqa: A002
    """The generations that a host keeps."""
    from pmtaform.report.states import generations_text, json_generations

    out(json_generations(host, kept) if format is Format.JSON else generations_text(host, kept))


def print_undone(host: str, undone: Sequence[Generation], plan: HostPlan, format: Format) -> None:  # noqa: A002
    """What a rollback undoes, and the dangers of what comes back."""
    from pmtaform.report.events import undo_json
    from pmtaform.report.returns import return_text
    from pmtaform.report.states import undone_text

    if format is Format.JSON:
        out(undo_json(host, undone, plan))
        return
    out(undone_text(host, undone))
    out(return_text(plan, colour=colour_of(sys.stdout), width=width()))


def print_state_list(document: StateDocument | None, format: Format) -> None:  # noqa: A002
    """Every block and key file that is ours."""
    from pmtaform.report.states import json_state, state_list_text

    out(json_state(document) if format is Format.JSON else state_list_text(document))


def print_state_host(document: StateDocument | None, host: str, format: Format) -> None:  # noqa: A002
    """What is known of one host from the last apply. Raises `UsageError` when nothing is."""
    from pmtaform.report.states import json_state, state_host_text

    if document is None or host not in document.hosts:
        known = ", ".join(document.hosts) if document else ""
        raise UsageError.of(
            "host-not-in-state",
            "Nothing was applied to this host",
            f'The state has nothing of "{host}".' + (f" It has: {known}." if known else ""),
        )
    out(json_state(document, host) if format is Format.JSON else state_host_text(document, host))


def print_recovered(found: Sequence[Recovered], format: Format) -> None:  # noqa: A002
    """What was left half done on hosts, and what was done about it."""
    from pmtaform.report.recoveries import json_recovered, recovered_text

    if format is Format.JSON:
        out(json_recovered(found))
    else:
        out(recovered_text(found, colour=colour_of(sys.stdout), width=width()))
