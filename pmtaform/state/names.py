"""Which names a stack can have."""

from __future__ import annotations

from pmtaform.diagnostics.codes.command_line import BAD_STACK_NAME
from pmtaform.errors import UsageError


def check_stack_name(stack: str) -> str:
    """`stack`, when it can name files in the state folder. Raises `UsageError` (code `stack-name`)."""
    if stack and stack[0] not in ".-" and stack.isprintable() and not {"/", "\\"} & set(stack):
        return stack
    detail = f"{stack!r} would name its state file: letters, digits, dots, dashes and underscores are for that."
    raise UsageError.of(BAD_STACK_NAME, detail)
