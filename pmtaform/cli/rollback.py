"""`pmtaform rollback`: restore a host's earlier files."""

from __future__ import annotations

from typing import Annotated

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import Allowed, AutoApprove, FormatOption, StackOption
from pmtaform.diagnostics import Exit


def rollback(
    host: Annotated[str, typer.Argument(help="The host's name.")],
    stack: StackOption = None,
    to: Annotated[
        int | None,
        typer.Option("--to", help="Restore what this generation replaced (default: the last one).", min=1),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the generations that the host keeps, and exit.")] = False,
    auto_approve: AutoApprove = False,
    allow: Allowed = None,
    format: FormatOption = Format.TEXT,
) -> int:
    """Restore the files that a generation replaced, as one transaction; works from any machine.

    The dangers of what comes back need consent, as in a plan; --allow restart also restarts PowerMTA where needed.
    """
    from pmtaform.api import check_allowed, generations_of, look_back, roll_back, to_undo
    from pmtaform.cli.asking import approved
    from pmtaform.cli.interrupt import stopping
    from pmtaform.cli.output import refusals, show, watching
    from pmtaform.report.events import ReturnView
    from pmtaform.report.runs import RunView
    from pmtaform.report.states import Generations

    allowed = check_allowed(allow or [])
    project = settings.project()
    loaded = project.load(stack)
    if list_:
        show(Generations(host, generations_of(loaded, host)), format)
        return Exit.OK
    with refusals(format), project.lock(loaded.name, f"rollback {host}"):
        undone = to_undo(loaded, host, to)
        show(ReturnView(host, undone, look_back(project, loaded, host, undone[0].number)), format)
        if not auto_approve and not approved("Restore the files that these generations replaced?", format):
            return Exit.ERROR
        with stopping(), watching([host], quiet=False, format=format) as watch:
            result = roll_back(project, loaded, host, undone[0].number, allow=allowed, watch=watch)
    show(RunView(result), format)
    return result.exit_code
