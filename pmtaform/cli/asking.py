"""Asking for approval: on a terminal, and nowhere else."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO

from pmtaform.cli.context import Format
from pmtaform.diagnostics.codes.command_line import NO_APPROVAL
from pmtaform.errors import UsageError

_INSTEAD = "Add --auto-approve, or apply a saved plan."


def approved(question: str, format: Format, *, instead: str = _INSTEAD) -> bool:
    """Ask for approval; only `yes` is accepted. Raises `UsageError` without a terminal.

    `instead` is how to approve it without a question.
    """
    if format is Format.JSON:
        raise UsageError.of(NO_APPROVAL, f"With --format json there is no question. Nothing was changed. {instead}")
    if not sys.stdin.isatty():
        raise UsageError.of(NO_APPROVAL, f"There is no terminal to ask on. Nothing was changed. {instead}")
    _discard_typed_ahead(sys.stdin)
    print(f"\n{question} Only `yes` is accepted: ", end="", flush=True)
    if sys.stdin.readline().strip() == "yes":
        return True
    print("Nothing was changed.")
    return False


def _discard_typed_ahead(stream: TextIO) -> None:
    """Discard input from before the question: it is not an answer to it."""
    if os.name == "posix":
        import termios

        with suppress(termios.error):  # a terminal that cannot discard is asked all the same
            termios.tcflush(stream.fileno(), termios.TCIFLUSH)
