"""`pmtaform init`: a commented starter stack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pmtaform.cli.context import settings


def init(
    name: Annotated[str, typer.Argument(help="The new stack's name: lower-case letters, digits and dashes.")],
) -> None:
    """Write a commented starter stack, stacks/NAME, with safe settings."""
    from pmtaform.stack import write_starter

    root = settings.directory or Path.cwd()
    written = write_starter(root / "stacks" / name, name)
    for path in written:
        print(f"wrote {path}")
    print(f"Read it, put your hosts in, then: pmtaform validate {name} && pmtaform plan {name}")
