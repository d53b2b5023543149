"""`pmtaform history`: the runs of a stack and their outcomes."""

from __future__ import annotations

from typing import Annotated

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import FormatOption, StackOption
from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.command_line import LIVE_NEEDS_HOST
from pmtaform.errors import UsageError


def history(
    host: Annotated[str | None, typer.Argument(help="Only runs that involve this host.")] = None,
    stack: StackOption = None,
    limit: Annotated[int, typer.Option("--limit", help="Only the last N runs; 0: all.", min=0)] = 20,
    live: Annotated[
        bool, typer.Option("--live", help="Also show what the host recorded, including runs from other machines.")
    ] = False,
    format: FormatOption = Format.TEXT,
) -> int:
    """Show the runs of a stack: when, who, commit, plan and outcome. The newest is last."""
    from pmtaform.api import history_of
    from pmtaform.cli.output import show, tell
    from pmtaform.report.history import RunTable, damaged_lines

    if live and host is None:
        raise UsageError.of(
            LIVE_NEEDS_HOST,
            "Name it: `pmtaform history HOST --live`. Without a host, only this project's journal is read.",
        )
    project = settings.project()
    name = project.stack_folder(stack).name
    report = history_of(project, name, host, limit=limit or None, live=live)
    tell(damaged_lines(report))
    show(RunTable(report), format)
    return Exit.OK
