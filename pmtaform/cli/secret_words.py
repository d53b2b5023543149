"""The arguments of `pmtaform secrets`, and a value, which is never one of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pmtaform.cli.context import settings
from pmtaform.diagnostics.codes.command_line import NO_SUCH_STACK
from pmtaform.diagnostics.codes.key_commands import AMBIGUOUS_SECRET, NO_VALUE, VALUE_MISTYPED
from pmtaform.errors import PmtaformError, UsageError
from pmtaform.pem import is_pem
from pmtaform.secrets import Reference, named_reference, parse_reference
from pmtaform.stack import Stack, stack_names

_MOST = (1 << 20) + 2
_NEVER = (
    "A value is never taken from the command line, where every user of the machine can see it and a shell's history "
    "keeps it: it is asked for, or read from standard input."
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A reference, and the folder of the stack that it is relative to."""

    reference: Reference
    folder: Path
    stack: str | None = None

    def load(self) -> Stack | None:
        """The stack that is meant, as far as that is clear and it can be read: only for remarks."""
        with suppress(PmtaformError):
            return settings.project().load(self.stack)
        return None


def chosen(words: list[str]) -> Chosen:
    """The meaning of the words: a reference (or the NAME of a keyring's entry), and a stack if there is a second one.

    The order does not matter where it is clear which is which. Raises `UsageError`, `Invalid`; what may be a secret
    is not repeated.
    """
    if not words or len(words) > 2:
        problem = "There are too many words." if words else "No secret is named."
        raise UsageError.of(AMBIGUOUS_SECRET, f"{problem} {_ORDER} {_NEVER}")
    name, stack = (words[0], None) if len(words) == 1 else _parted(words[0], words[1])
    reference = named_reference(name)
    return Chosen(reference, _folder(reference, stack), stack)


_ORDER = "Write a reference (such as keyring:NAME or file:PATH), and the stack after it if there are several."


def _parted(first: str, second: str) -> tuple[str, str]:
    """(the secret's name, the stack)."""
    references = [parse_reference(word) is not None for word in (first, second)]
    if references == [True, False]:
        return first, second
    if references == [False, True]:
        return second, first
    if references == [False, False]:
        known = [settings.has_stack(word) for word in (first, second)]
        if known[1]:
            return first, second
        if known[0]:
            return second, first
    detail = f"Two words are a secret and a stack, and here it is not clear which is which. {_ORDER} {_NEVER}"
    raise UsageError.of(AMBIGUOUS_SECRET, detail)


def _folder(reference: Reference, stack: str | None) -> Path:
    from pmtaform.api import needs_folder

    if stack is not None and not settings.has_stack(stack):
        known = stack_names(settings.project().root)
        stacks = f" There are: {', '.join(known)}." if known else ""
        detail = f"The word beside the reference is not a stack of this project.{stacks} {_NEVER}"
        raise UsageError.of(NO_SUCH_STACK, detail)
    if stack is None and not needs_folder(reference):
        return Path.cwd()
    return settings.project().stack_folder(stack).absolute()


def read_value(reference: Reference) -> bytes:
    """The new value: hidden and twice on a terminal, else all of standard input. Raises `UsageError`."""
    if not sys.stdin.isatty():
        return sys.stdin.buffer.read(_MOST)
    with _unseen():
        first = _typed(f"Value for {reference}: ")
        if is_pem(first.encode("utf-8", "surrogateescape")):
            first = _rest_of_pem(first)
        elif _typed("Again: ") != first:
            detail = "The two values are not the same. Nothing was changed."
            raise UsageError.of(VALUE_MISTYPED, detail)
    return first.encode("utf-8", "surrogateescape")


def _rest_of_pem(first: str) -> str:
    """A key that was pasted: its lines up to the last are taken, or a shell would be given them."""
    lines = [first]
    while not lines[-1].startswith("-----END "):
        lines.append(_typed(""))
    return "\n".join(lines) + "\n"


@contextmanager
def _unseen() -> Iterator[None]:
    """The terminal shows nothing of what is typed, from the first line to the last.

    `getpass` would show the lines between two questions, and throw away those that were pasted ahead of a question.
    What is typed too much is thrown away at the end, or a shell would be given it.
    """
    import termios

    terminal = sys.stdin.fileno()
    try:
        before = termios.tcgetattr(terminal)
        silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
        termios.tcsetattr(terminal, termios.TCSADRAIN, silent)
    except termios.error:
        detail = "This terminal cannot hide what is typed. Give the value on standard input instead."
        raise UsageError.of(NO_VALUE, detail) from None
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)


def _typed(prompt: str) -> str:
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if prompt:
        print(file=sys.stderr, flush=True)
    if not line.endswith("\n"):
        raise UsageError.of(NO_VALUE, "The input ended. Nothing was changed.")
    return line[:-1]
