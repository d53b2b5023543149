"""The arguments of `pmtaform dkim`: names of keys, and a key's file."""

from __future__ import annotations

import sys
from pathlib import Path

from pmtaform.cli.context import settings
from pmtaform.diagnostics.codes.key_commands import KEY_FILE_UNREADABLE, KEY_ON_TERMINAL, TOO_MANY_ARGUMENTS
from pmtaform.errors import UsageError
from pmtaform.stack import Stack

_MOST = (1 << 20) + 1


def chosen(words: list[str]) -> tuple[Stack, tuple[str, ...]]:
    """The stack, and the patterns of keys. One word alone is a stack if there is one of that name, else a key.

    Raises `UsageError`, `Invalid`.
    """
    project = settings.project()
    if len(words) > 2:
        detail = "Write DOMAIN or DOMAIN/SELECTOR, and then the stack if there are several."
        raise UsageError.of(TOO_MANY_ARGUMENTS, detail)
    if len(words) == 2:
        return project.load(words[1]), (words[0],)
    if words and settings.has_stack(words[0]):
        return project.load(words[0]), ()
    return project.load(None), tuple(words)


def read_key_file(name: str) -> bytes:
    """What is in a file, or on standard input. Raises `UsageError`."""
    if name == "-":
        if sys.stdin.isatty():
            detail = "Standard input is a terminal, which would show the key that is pasted into it. Name the private "
            detail += "key's PEM file, or pipe it in: SOME-TOOL | pmtaform dkim import - DOMAIN/SELECTOR."
            raise UsageError.of(KEY_ON_TERMINAL, detail)
        return sys.stdin.buffer.read(_MOST)
    try:
        with Path(name).expanduser().open("rb") as file:
            return file.read(_MOST)
    except OSError as problem:
        why = (problem.strerror or "it cannot be read").lower()
        detail = f"{name}: {why}. Name the private key's PEM file, or - for standard input."
        raise UsageError.of(KEY_FILE_UNREADABLE, detail) from None
