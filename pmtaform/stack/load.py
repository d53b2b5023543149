"""From a folder to a `Stack` that is checked, its hosts compiled for what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from pmtaform.diagnostics import Diagnostic, Diagnostics
from pmtaform.errors import Invalid
from pmtaform.lang.parsing import gc_paused
from pmtaform.model.desired import Desired
from pmtaform.stack.compile import check_hosts
from pmtaform.stack.findings import unique
from pmtaform.stack.read import read_stack
from pmtaform.stack.stack import Stack


def load_stack(folder: Path) -> Stack:
    """Read the stack in `folder`. Warnings are in its `diagnostics`.

    Raises `Invalid` with every error in the stack's own keys and, if there is one, also with the errors in what hosts
    would be given (otherwise `compile_host` reports these).
    """
    problems = Diagnostics()
    with gc_paused():
        stack = read_stack(folder, problems)
        if problems.has_errors:
            check_hosts(stack, problems)
    if problems.has_errors:
        raise Invalid.all(unique(problems))
    return stack


def check_stack(
    folder: Path, each: Callable[[Stack, Desired], None] | None = None
) -> tuple[Stack, tuple[Diagnostic, ...]]:
    """All errors of a stack: in its own keys, and in the configuration of each host. Does not raise for errors.

    No secret is looked up. The stack has all parts that could be read; it is usable when no finding is an error. `each`
    is called with every host as it is compiled, until there is an error.
    """
    problems = Diagnostics()
    with gc_paused():
        stack = read_stack(folder, problems)
        check_hosts(stack, problems, each=partial(each, stack) if each else None)
    return stack, tuple(unique(problems))
