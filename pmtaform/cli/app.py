"""The commands and what they have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pmtaform.cli import (
    apply,
    diff,
    drift,
    effective,
    explain,
    fmt,
    import_,
    init,
    lint,
    plan,
    render,
    rollback,
    schema,
    show,
    state,
    unlock,
    validate,
)
from pmtaform.cli.context import settings

EXITS = (
    "Exit codes: 0 done or nothing to do; 1 error; 2 changes present (only with --detailed-exitcode); 3 some hosts "
    "failed or were rolled back; 4 stale plan or live target moved; 5 locked; 6 blocked by danger, threshold or "
    "policy; 7 hosts unreachable; 64 usage; 78 stack or configuration invalid; 130 interrupted."
)

app = typer.Typer(
    name="pmtaform",
    help="Terraform for PowerMTA: plan and apply the configuration of PowerMTA servers from Git.",
    epilog=EXITS,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from pmtaform import __version__

        print(f"pmtaform {__version__}")
        raise typer.Exit


@app.callback()
def common(
    directory: Annotated[
        Path | None, typer.Option("-C", "--directory", help="The project's folder, instead of the current one.")
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, also on a terminal.")] = False,
    version: Annotated[  # noqa: ARG001  (its callback has answered it)
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    """Options that every command has."""
    settings.directory = directory
    settings.no_color = no_color


app.command("init")(init.init)
app.command("validate")(validate.validate)
app.command("schema")(schema.schema)
app.command("render")(render.render)
app.command("plan")(plan.plan)
app.command("apply")(apply.apply)
app.command("show")(show.show)
app.command("rollback")(rollback.rollback)
app.command("drift")(drift.drift)
app.command("import")(import_.import_)
app.command("lint")(lint.lint)
app.command("explain")(explain.explain)
app.command("effective")(effective.effective)
app.command("diff")(diff.diff)
app.command("fmt")(fmt.fmt)
app.add_typer(state.app, name="state")
app.command("unlock")(unlock.unlock)
