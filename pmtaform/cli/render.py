"""`pmtaform render`: the whole configuration that a host would have."""

from __future__ import annotations

from typing import Annotated

import typer

from pmtaform.cli.context import settings
from pmtaform.cli.options import StackOption


def render(
    host: Annotated[str, typer.Argument(help="The host's name.")],
    stack: StackOption = None,
    file: Annotated[str | None, typer.Option(help="Only this file of the host, for example /etc/pmta/config.")] = None,
) -> None:
    """Print the complete configuration that a new HOST gets. Secrets appear as their references."""
    from pmtaform.api import desired_of
    from pmtaform.diagnostics.codes.command_line import NO_SUCH_FILE
    from pmtaform.errors import UsageError
    from pmtaform.report import masked_line
    from pmtaform.stack import render as rendered

    loaded = settings.project().load(stack)
    desired = desired_of(loaded, host, secrets=False)
    files = rendered(desired)
    if file is not None and file not in files:
        raise UsageError.of(NO_SUCH_FILE, f"{host} would have: {', '.join(files)}.")
    several = len(files) > 1 and file is None
    for path, text in files.items():
        if file in (None, path):
            if several:
                print(f"# === {path}")
            print("\n".join(masked_line(line) for line in text.splitlines()))
