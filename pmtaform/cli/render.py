"""`pmtaform render`: the whole configuration that a host would have."""

from __future__ import annotations

from typing import Annotated

import typer

from pmtaform.cli.context import settings


def render(
    host: Annotated[str, typer.Argument(help="The host's name.")],
    stack: Annotated[str | None, typer.Option(help="The stack's name or folder; the only one if left out.")] = None,
    file: Annotated[str | None, typer.Option(help="Only this file of the host, for example /etc/pmta/config.")] = None,
) -> None:
    """Print the whole configuration that HOST would have if it had none yet. Secrets appear as their references."""
    from pmtaform.api import desired_of
    from pmtaform.errors import UsageError
    from pmtaform.lang.edit import edit
    from pmtaform.lang.includes import read_configuration
    from pmtaform.report import masked_line

    loaded = settings.project().load(stack)
    desired = desired_of(loaded, host, secrets=False)
    files = edit(read_configuration(desired.config, {}), desired.blocks, files=desired.files)
    if file is not None and file not in files:
        raise UsageError.of(
            "no-such-file",
            "The host would have no such file",
            f"{host} would have: {', '.join(sorted(files)) or 'nothing'}.",
        )
    several = len(files) > 1 and file is None
    for path in sorted(files, key=lambda p: (p != desired.config, p)):
        if file in (None, path):
            if several:
                print(f"# === {path}")
            print("\n".join(masked_line(line) for line in files[path].text.splitlines()))
