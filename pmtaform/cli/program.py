"""Run a command, and exit with the right code whatever happens.

Usage errors exit 64, not Click's 2, which means "changes present". No traceback reaches a user: a bug is reported as
a bug, and `PMTAFORM_TRACEBACK=1` shows where.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from pmtaform.cli.app import build
from pmtaform.cli.quick import quicken
from pmtaform.cli.streams import end_of_output, let_go
from pmtaform.diagnostics import Exit
from pmtaform.errors import PmtaformError, where_from

# Typer has its own Click inside of late, and needed Click itself before: what both call a problem with the command
# line is found from a class that it has always exported (its bases are UsageError, ClickException).
_PROBLEM = typer.BadParameter.__mro__[2]


def run(arguments: Sequence[str]) -> int:
    """Run one command. Returns its exit code; never raises."""
    code = _run(arguments)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as problem:  # streams of a calling program; those of `open_streams` raise nothing
            let_go(stream, problem)
    return end_of_output(code)


def _run(arguments: Sequence[str]) -> int:
    try:
        command = quicken(typer.main.get_command(build(arguments)))
        result = command.main(list(arguments), prog_name="pmtaform", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        return _interrupted()
    except PmtaformError as problem:
        from pmtaform.cli.output import tell

        tell(problem.diagnostics)
        return problem.exit_code
    except SystemExit as ended:  # Typer's own end when it cannot print; it is no success
        return ended.code if isinstance(ended.code, int) and ended.code else Exit.ERROR
    except Exception as problem:
        if isinstance(problem, _PROBLEM):
            return _usage(problem)
        return _bug(problem)
    if result == Exit.INTERRUPTED and not isinstance(result, Exit):
        return _interrupted()  # Typer's word for Ctrl-C; a command that handles it ends with an `Exit`
    return int(result) if isinstance(result, int) else Exit.OK


def _interrupted() -> int:
    print("\npmtaform: interrupted.", file=sys.stderr)
    return Exit.INTERRUPTED


def _usage(problem: Any) -> int:
    """What is wrong with the command line. A command group without a command is answered with its help."""
    if type(problem).__name__ == "NoArgsIsHelpError":
        print(problem.format_message())
        return Exit.USAGE
    context: Any = getattr(problem, "ctx", None)
    if context is not None:
        print(context.get_usage(), file=sys.stderr)
    print(f"pmtaform: {problem.format_message()}", file=sys.stderr)
    if context is not None:
        print(f"Try `{context.command_path} --help`.", file=sys.stderr)
    return Exit.USAGE


def _bug(problem: Exception) -> int:
    print(
        f"pmtaform: this is a bug in pmtaform: {where_from(problem)}.\n"
        "Nothing more was done. Please report it with the command that you ran; PMTAFORM_TRACEBACK=1 shows the whole "
        "trace.",
        file=sys.stderr,
    )
    if os.environ.get("PMTAFORM_TRACEBACK"):
        traceback.print_exception(problem)
    return Exit.ERROR
