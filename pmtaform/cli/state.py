"""`pmtaform state`: what was applied last."""

from __future__ import annotations

from typing import Annotated

import typer

from pmtaform.cli.context import Format, settings

app = typer.Typer(
    help="What was applied last, host by host.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
)

_Stack = Annotated[str | None, typer.Argument(help="The stack's name or folder; the only one if left out.")]
_Format = Annotated[Format, typer.Option("--format", help="Output format.")]


@app.command("list")
def list_(stack: _Stack = None, format: _Format = Format.TEXT) -> None:  # noqa: A002
    """List every block and key file that is pmtaform's, as HOST:ADDRESS."""
    from pmtaform.cli.output import show
    from pmtaform.report.states import StateTable

    project = settings.project()
    name = project.stack_folder(stack).name
    show(StateTable(project.backend(name).load()), format)


@app.command("show")
def show(
    host: Annotated[str, typer.Argument(help="The host's name.")],
    stack: _Stack = None,
    format: _Format = Format.TEXT,  # noqa: A002
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
        detail = f'The state has nothing of "{host}".' + (f" It has: {known}." if known else "")
        raise UsageError.of(HOST_NOT_IN_STATE, detail)
    show_view(StateOfHost(state, host), format)


@app.command("forget")
def forget(
    host: Annotated[str, typer.Argument(help="The host's name.")],
    stack: _Stack = None,
) -> None:
    """Forget what was applied to a host, for example because it is gone. Nothing is changed on it."""
    from pmtaform.api import forget_host

    project = settings.project()
    name = project.stack_folder(stack).name
    forget_host(project, name, host)
    print(f'The state of stack "{name}" has nothing of {host} any more. The host itself was not touched.')
