"""`pmtaform recover`: finish or undo what something left half done on hosts, and nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import FormatOption, ShardOption, StackOption, choice_of
from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.command_line import CONTRADICTORY_OPTIONS
from pmtaform.errors import UsageError


def recover(
    host: Annotated[list[str] | None, typer.Argument(help="Hosts or groups; * matches any text. Default: all.")] = None,
    stack: StackOption = None,
    shard: ShardOption = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="Confirm a change that awaits it.")] = False,
    revert: Annotated[
        bool, typer.Option("--revert", help="Revert a change that awaits confirmation now, not when its time ends.")
    ] = False,
    allow: Annotated[
        list[str] | None, typer.Option("--allow", help="With --confirm: consent to a danger by its name. Repeatable.")
    ] = None,
    format: FormatOption = Format.TEXT,
) -> int:
    """Finish or undo what a killed run, a lost connection or a reboot left unfinished. Changes nothing else.

    A change that awaits its confirmation rolls back by itself in time; --confirm and --revert decide sooner.
    """
    from pmtaform.api import recover_hosts
    from pmtaform.cli.output import show, tell
    from pmtaform.planning.notes import of_shard
    from pmtaform.report.recoveries import RecoveryTable

    if confirm and revert:
        raise UsageError.of(CONTRADICTORY_OPTIONS, "Say one of them.")
    project = settings.project()
    loaded = project.load(stack)
    decide = "confirm" if confirm else "revert" if revert else ""
    choice = choice_of(host, shard)
    tell(of_shard(choice, loaded, choice.select(loaded)))
    with project.lock(loaded.name, "recover") as held:
        tell(held.notices)
        results = recover_hosts(project, loaded, choice, decide=decide, allow=allow or ())
    show(RecoveryTable(results), format)
    codes = {each.code for each in results}
    return next(
        (code for code in (Exit.SOME_FAILED, Exit.BLOCKED, Exit.LOCKED, Exit.UNREACHABLE) if code in codes), Exit.OK
    )
