"""`pmtaform state`: the last apply of each host."""

from __future__ import annotations

from typing import Annotated

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import FormatOption, StackArgument

app = typer.Typer(
    help="What was applied last, host by host.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
)


@app.command("list")
def list_(stack: StackArgument = None, format: FormatOption = Format.TEXT) -> None:
    """List every block and key file that is pmtaform's, as HOST:ADDRESS."""
    from pmtaform.cli.output import show
    from pmtaform.report.states import StateTable

    project = settings.project()
    name = project.stack_folder(stack).name
    show(StateTable(project.backend(name).load()), format)


@app.command("show")
def show(
    host: Annotated[str, typer.Argument(help="The host's name.")],
    stack: StackArgument = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Show what is known of a host from the last apply: when, by whom, from which commit, which files."""
    from pmtaform.cli.output import show as show_view
    from pmtaform.diagnostics.codes.command_line import HOST_NOT_IN_STATE
    from pmtaform.errors import UsageError
    from pmtaform.report.states import StateOfHost

    project = settings.project()
    name = project.stack_folder(stack).name
    state = project.backend(name).load()
    if state is None or host not in state.hosts:
        known = ", ".join(state.hosts) if state else ""
        detail = f'The state has no entry for "{host}".' + (f" It has: {known}." if known else "")
        raise UsageError.of(HOST_NOT_IN_STATE, detail)
    show_view(StateOfHost(state, host), format)


@app.command("forget")
def forget(
    host: Annotated[str, typer.Argument(help="The host's name.")],
    stack: StackArgument = None,
) -> None:
    """Forget what was applied to a host, for example because it is gone. Nothing is changed on it."""
    from pmtaform.api import forget_host

    project = settings.project()
    name = project.stack_folder(stack).name
    forget_host(project, name, host)
    print(f'The state of stack "{name}" has no entry for {host} any more. The host itself was not changed.')
