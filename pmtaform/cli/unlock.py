"""`pmtaform unlock`: take a dead lock away."""

from __future__ import annotations

from typing import Annotated

import typer

from pmtaform.cli.context import settings
from pmtaform.cli.options import StackArgument
from pmtaform.diagnostics import Exit


def unlock(
    stack: StackArgument = None,
    host: Annotated[str | None, typer.Option("--host", help="A host's lock instead of the stack's state's.")] = None,
) -> int:
    """Take a lock away whose holder is known to be dead: the state's, or with --host the one on a host."""
    project = settings.project()
    if host is not None:
        from pmtaform.api import release_host

        message = release_host(project.load(stack), host)
        print(message)
        return Exit.OK
    name = project.stack_folder(stack).name
    info = project.backend(name).unlock()
    if info is None:
        print(f'The state of stack "{name}" is not locked.')
    else:
        print(f'Removed the lock of {info.who} ({info.what}, since {info.since}) on the state of stack "{name}".')
    return Exit.OK
