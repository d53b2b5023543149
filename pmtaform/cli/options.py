"""Options and arguments that several commands have, with the same words everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmtaform.cli.context import Format

if TYPE_CHECKING:
    from pmtaform.model.choice import Choice

_STACK = "The stack's name or folder; needed only if there are several."

StackArgument = Annotated[str | None, typer.Argument(help=_STACK)]
StackOption = Annotated[str | None, typer.Option("--stack", help=_STACK)]
FormatOption = Annotated[Format, typer.Option("--format", help="Output format.")]
Hosts = Annotated[
    list[str] | None, typer.Option("--host", help="Only hosts or groups that match; * matches any text. Repeatable.")
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target", help="Only blocks whose address matches, as domain[*.com] or mta1:setting[*]. Repeatable."
    ),
]
ShardOption = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="Only part I of N of these hosts, as 2/4, by a hash of their names."),
]
Excludes = Annotated[list[str] | None, typer.Option("--exclude", help="No blocks whose address matches. Repeatable.")]
Allowed = Annotated[list[str] | None, typer.Option("--allow", help="Consent to a danger by its name. Repeatable.")]
AutoApprove = Annotated[bool, typer.Option("--auto-approve", help="Do not ask for approval.")]
DetailedExitCode = Annotated[
    bool, typer.Option("--detailed-exitcode", help="Exit 2 when there are changes, drift or differences.")
]
WithDiff = Annotated[bool, typer.Option("--diff", help="Also show the text that is written, secrets masked.")]
PlanOut = Annotated[Path | None, typer.Option("--out", help="Save the plan to this file, for `apply`.")]
WithEffects = Annotated[
    bool, typer.Option("--effective", help="Also show the queues (domain/virtual MTA) whose effective values change.")
]


def choice_of(
    hosts: Iterable[str] | None,
    shard: str | None = None,
    *,
    targets: Iterable[str] | None = None,
    excludes: Iterable[str] | None = None,
) -> Choice:
    """The choice that the options make. Raises `UsageError`."""
    from pmtaform.model.choice import Choice
    from pmtaform.model.shard import Shard

    part = Shard.parse(shard) if shard is not None else None
    return Choice(hosts=tuple(hosts or ()), targets=tuple(targets or ()), excludes=tuple(excludes or ()), shard=part)
