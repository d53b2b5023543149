"""`pmtaform diff`: two configurations compared as PowerMTA would see them."""

from __future__ import annotations

from typing import Annotated

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import DetailedExitCode, FormatOption, StackOption
from pmtaform.diagnostics import Exit

_SIDE = "A file, a folder, a host of a stack, or REV:STACK[:HOST]: a stack at a Git revision (empty: as it is now)."


def diff(
    left: Annotated[str, typer.Argument(metavar="A", help=_SIDE)],
    right: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    effective: Annotated[
        bool, typer.Option("--effective", help="Also the queues whose effective values differ.")
    ] = False,
    stack: StackOption = None,
    format: FormatOption = Format.TEXT,
    detailed_exitcode: DetailedExitCode = False,
) -> int:
    """Compare two configurations as PowerMTA would see them: not as text, but block by block. Changes nothing."""
    from pmtaform.api.comparing import compare, paired
    from pmtaform.api.targets import project_if_any, read_side
    from pmtaform.cli.output import show, tell
    from pmtaform.report.differences import Differences

    project = project_if_any(settings.directory)
    sides = [read_side(text, project, stack) for text in (left, right)]
    pairs = paired(*sides)
    tell({str(d): d for side in sides for loaded in side.values() for d in loaded.problems}.values())
    comparisons = [compare(*pair, effective=effective) for pair in pairs]
    show(Differences(comparisons), format)
    if detailed_exitcode and any(each.differ for each in comparisons):
        return Exit.CHANGES
    return Exit.ERROR if any(each.is_unsure for each in comparisons) else Exit.OK
