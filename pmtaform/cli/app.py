"""The commands and what they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from pmtaform.cli.context import settings

EXITS = (
    "Exit codes: 0 done or nothing to do; 1 error; 2 changes present (only with --detailed-exitcode); 3 some hosts "
    "failed or were rolled back; 4 stale plan or live target moved; 5 locked; 6 blocked by danger, threshold or "
    "policy; 7 hosts unreachable; 64 usage; 78 stack or configuration invalid; 130 interrupted."
)

# Every command, in the order of `--help`: its module, and what is run or, of a group, its Typer.
COMMANDS = {
    "init": ("pmtaform.cli.init", "init"),
    "validate": ("pmtaform.cli.validate", "validate"),
    "schema": ("pmtaform.cli.schema", "schema"),
    "render": ("pmtaform.cli.render", "render"),
    "plan": ("pmtaform.cli.plan", "plan"),
    "apply": ("pmtaform.cli.apply", "apply"),
    "show": ("pmtaform.cli.show", "show"),
    "rollback": ("pmtaform.cli.rollback", "rollback"),
    "recover": ("pmtaform.cli.recover", "recover"),
    "drift": ("pmtaform.cli.drift", "drift"),
    "hosts": ("pmtaform.cli.hosts", "hosts"),
    "history": ("pmtaform.cli.history", "history"),
    "import": ("pmtaform.cli.import_", "import_"),
    "lint": ("pmtaform.cli.lint", "lint"),
    "explain": ("pmtaform.cli.explain", "explain"),
    "effective": ("pmtaform.cli.effective", "effective"),
    "diff": ("pmtaform.cli.diff", "diff"),
    "providers": ("pmtaform.cli.providers", "providers"),
    "replies": ("pmtaform.cli.replies", "replies"),
    "dkim": ("pmtaform.cli.dkim", "app"),
    "dns": ("pmtaform.cli.dns", "app"),
    "fmt": ("pmtaform.cli.fmt", "fmt"),
    "secrets": ("pmtaform.cli.secrets", "app"),
    "state": ("pmtaform.cli.state", "app"),
    "unlock": ("pmtaform.cli.unlock", "unlock"),
    "warm": ("pmtaform.cli.warm", "app"),
}


def build(arguments: Sequence[str]) -> typer.Typer:
    """The command line for these arguments: with the command that they name alone, else with all of them.

    Describing every command to Typer costs more than most commands do.
    """
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
    app.callback()(common)
    named = _named(arguments)
    for name, (module, what) in COMMANDS.items():
        if named in (None, name):
            command = getattr(import_module(module), what)
            if isinstance(command, typer.Typer):
                app.add_typer(command, name=name)
            else:
                app.command(name)(command)
    return app


def _named(arguments: Sequence[str]) -> str | None:
    """The command that the arguments name; None when that is not plain."""
    words = iter(arguments)
    for word in words:
        if word in ("-C", "--directory"):
            next(words, None)
        elif not word.startswith("-"):
            return word if word in COMMANDS else None
        elif word != "--no-color":
            return None
    return None


def _say_version(wanted: bool) -> None:
    if wanted:
        from pmtaform import __version__

        print(f"pmtaform {__version__}")
        raise typer.Exit


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
