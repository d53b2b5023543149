"""`pmtaform warm`: the connections that `--keep-warm` keeps."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from pmtaform.cli.context import Format
from pmtaform.cli.options import FormatOption

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

app = typer.Typer(
    help="Connections kept by `plan --keep-warm`.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
)

KeepWarm = Annotated[
    bool,
    typer.Option(
        "--keep-warm", help="Keep the connections to the hosts for ten minutes, and use those that are kept already."
    ),
]


@app.command("status")
def status(format: FormatOption = Format.TEXT) -> None:
    """Show the hosts whose connections are kept: since when, and how long they were not used."""
    from pmtaform.cli.output import show
    from pmtaform.host.warm.client import status as status_of
    from pmtaform.report.warm import WarmTable, kept_of

    answer = status_of()
    show(WarmTable(kept_of(answer), answer["idle"] if answer else None), format)


@app.command("stop")
def stop() -> None:
    """Close the kept connections, and end the process that keeps them."""
    from pmtaform.host.warm.client import stop as stop_it

    answer = stop_it()
    print("No connection is kept." if answer is None else f"Kept connections closed: {len(answer['hosts'])}.")


def keeping(wanted: bool) -> AbstractContextManager[None]:
    """Kept connections in the block, if they are wanted. Raises `UsageError`."""
    if not wanted:
        return contextlib.nullcontext()
    from pmtaform.host.warm.client import keeping_warm

    return keeping_warm()
