"""Asking for approval: on a terminal, and nowhere else."""

from __future__ import annotations

import sys

from pmtaform.cli.context import Format
from pmtaform.errors import UsageError


def approved(question: str, format: Format) -> bool:  # noqa: A002
    """Ask; only `yes` is taken. Without a terminal nothing is done that nobody approved: raises `UsageError`."""
    if format is Format.JSON:
        raise UsageError.of(
            "no-approval",
            "Nobody has approved this",
            "With --format json there is no question. Nothing was changed. Add --auto-approve, or apply a saved plan.",
        )
    if not sys.stdin.isatty():
        raise UsageError.of(
            "no-approval",
            "Nobody is there to approve this",
            "There is no terminal to ask on. Nothing was changed. Add --auto-approve, or apply a saved plan.",
        )
    print(f"\n{question} Only `yes` is taken: ", end="", flush=True)
    if sys.stdin.readline().strip() == "yes":
        return True
    print("Nothing was changed.")
    return False
