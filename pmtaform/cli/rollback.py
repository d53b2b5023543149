"""`pmtaform rollback`: put a host's earlier files back."""

from __future__ import annotations

from typing import Annotated

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.errors import Exit


def rollback(
    host: Annotated[str, typer.Argument(help="The host's name.")],
    stack: Annotated[str | None, typer.Option(help="The stack's name or folder; the only one if left out.")] = None,
    to: Annotated[
        int | None,
        typer.Option("--to", help="Put back what this generation replaced; the last one if left out.", min=1),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Only list the generations that the host keeps.")] = False,
    allow: Annotated[list[str] | None, typer.Option("--allow", help="Consent to a restart: --allow restart.")] = None,
    format: Annotated[Format, typer.Option(help="How to answer.")] = Format.TEXT,  # noqa: A002
) -> int:
    """Put back the files that a generation replaced, as one transaction; works from any machine."""
    from pmtaform.api import check_allowed, generations_of, roll_back
    from pmtaform.cli.interrupt import stopping
    from pmtaform.cli.output import print_generations, print_run, watching

    may_restart = "restart" in check_allowed(allow or [])
    project = settings.project()
    loaded = project.load(stack)
    if list_:
        print_generations(host, generations_of(loaded, host), format)
        return Exit.OK
    with project.lock(loaded.name, f"rollback {host}"), stopping(), watching() as watch:
        result = roll_back(project, loaded, host, to, may_restart=may_restart, watch=watch)
    print_run(result, format)
    return result.exit_code
