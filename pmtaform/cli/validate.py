"""`pmtaform validate`: whether a stack is right, without looking at any host."""

from __future__ import annotations

from pathlib import Path

from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import FormatOption, StackArgument
from pmtaform.diagnostics import Exit, Severity


def validate(
    stack: StackArgument = None,
    format: FormatOption = Format.TEXT,
) -> int:
    """Check a stack: report all errors at once, each with its place. Contacts no host, needs no secret."""
    from pmtaform.cli.output import show, tell
    from pmtaform.stack import check_stack, find_project, stack_folder
    from pmtaform.stack.linting import StackLint

    lint = StackLint()
    loaded, problems = check_stack(stack_folder(find_project(settings.directory or Path.cwd()), stack), lint.add)
    if not any(d.severity is Severity.ERROR for d in problems):
        from pmtaform.clock import SystemClock
        from pmtaform.stack.compile import check_expiry

        problems = (*lint.with_own(loaded, problems), *check_expiry(loaded, SystemClock().now()))
    errors = [d for d in problems if d.severity is Severity.ERROR]
    if format is Format.JSON:
        from pmtaform.report.documents import Problems

        show(Problems(problems), format)
    else:
        tell(problems)
        if not errors:
            hosts = len(loaded.hosts)
            print(f'Stack "{loaded.name}" is valid: {hosts} host{"" if hosts == 1 else "s"}.')
    return Exit.INVALID if errors else Exit.OK
