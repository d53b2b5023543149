"""The options that choose hosts and blocks, the same for every command that has them."""

from __future__ import annotations

from typing import Annotated

import typer

StackArgument = Annotated[
    str | None, typer.Argument(help="The stack's name or folder; the only one there is if left out.")
]
Hosts = Annotated[
    list[str] | None, typer.Option("--host", help="Only hosts or groups that match; * stands for any text. Repeatable.")
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target", help="Only blocks whose address matches, as domain[*.com] or mta1:setting[*]. Repeatable."
    ),
]
Excludes = Annotated[list[str] | None, typer.Option("--exclude", help="No blocks whose address matches. Repeatable.")]
