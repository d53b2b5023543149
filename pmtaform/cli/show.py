"""`pmtaform show`: a saved plan, as `plan` showed it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pmtaform.cli.context import Format
from pmtaform.cli.options import FormatOption


def show(
    plan: Annotated[Path, typer.Argument(metavar="PLANFILE", help="A plan saved with `plan --out`.")],
    format: FormatOption = Format.TEXT,
) -> None:
    """Show a saved plan. Contacts no host."""
    from pmtaform.api import load_plan
    from pmtaform.cli.output import show as show_view
    from pmtaform.report.plans import PlanView

    show_view(PlanView(plan=load_plan(plan).plan), format)
