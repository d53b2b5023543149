"""Running a command, and ending with the right code whatever happens.

Usage errors exit 64, not Click's 2, which means "changes present". No traceback reaches a user: a bug says that it
is one, and `PMTAFORM_TRACEBACK=1` shows where.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import typer
from click.exceptions import Abort, ClickException, NoArgsIsHelpError, UsageError
from click.exceptions import Exit as ClickExit

from pmtaform.cli.app import app
from pmtaform.errors import Exit, PmtaformError


def run(arguments: Sequence[str]) -> int:
    """Run one command. Returns its exit code; never raises."""
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone (`| head`); what is left has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    return code


def _run(arguments: Sequence[str]) -> int:
    try:
        result = typer.main.get_command(app).main(list(arguments), prog_name="pmtaform", standalone_mode=False)
    except NoArgsIsHelpError as problem:
        print(problem.format_message())
        return Exit.USAGE
    except UsageError as problem:
        return _usage(problem)
    except ClickException as problem:
        print(f"pmtaform: {problem.format_message()}", file=sys.stderr)
        return Exit.USAGE
    except ClickExit as ended:
        return ended.exit_code
    except (Abort, KeyboardInterrupt):
        print("\npmtaform: interrupted.", file=sys.stderr)
        return Exit.INTERRUPTED
    except PmtaformError as problem:
        from pmtaform.cli.output import tell

        tell(problem.diagnostics)
        return problem.exit_code
    except BrokenPipeError:
        raise
    except Exception as problem:
        return _bug(problem)
    return int(result) if isinstance(result, int) else Exit.OK


def _usage(problem: UsageError) -> int:
    if problem.ctx is not None:
        print(problem.ctx.get_usage(), file=sys.stderr)
    print(f"pmtaform: {problem.format_message()}", file=sys.stderr)
    if problem.ctx is not None:
        print(f"Try `{problem.ctx.command_path} --help`.", file=sys.stderr)
    return Exit.USAGE


def _bug(problem: Exception) -> int:
    frames = traceback.extract_tb(problem.__traceback__)
    ours = [f for f in frames if "pmtaform" in f.filename] or list(frames)
    where = f"{ours[-1].name} in {os.path.basename(ours[-1].filename)}:{ours[-1].lineno}" if ours else "?"  # noqa: PTH119
    print(
        f"pmtaform: this is a bug in pmtaform: {type(problem).__name__} at {where}.\n"
        "Nothing more was done. Please report it with the command that you ran; PMTAFORM_TRACEBACK=1 shows the whole "
        "trace.",
        file=sys.stderr,
    )
    if os.environ.get("PMTAFORM_TRACEBACK"):
        traceback.print_exception(problem)
    return Exit.ERROR
