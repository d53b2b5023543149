"""References to secrets: what a stack holds in place of a secret.

    keyring:NAME    the entry NAME of the service `pmtaform` in the system's keyring
    env:NAME        an environment variable
    file:PATH       a file that only its owner may read; relative paths are relative to the stack's folder
    command:ARGV    what a program prints; split into words as a shell would, but no shell is run

A text that is no reference may be a secret that somebody pasted in: it is never repeated in a message.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum

from pmtaform.diagnostics import Place, did_you_mean
from pmtaform.errors import Invalid

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCHEME_LIKE = re.compile(r"([A-Za-z]{2,12}):")
_SUMMARY = "not a usable secret reference"


class Scheme(StrEnum):
    """Where a secret comes from."""

    KEYRING = "keyring"
    ENV = "env"
    FILE = "file"
    COMMAND = "command"


FORMS = {
    Scheme.KEYRING: "keyring:NAME",
    Scheme.ENV: "env:NAME",
    Scheme.FILE: "file:PATH",
    Scheme.COMMAND: "command:PROGRAM ARGUMENTS",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a secret is to be found. No secret itself: it is shown, saved in plans and committed to Git."""

    scheme: Scheme
    name: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.name}"

    @property
    def argv(self) -> list[str]:
        """The words of a `command:` reference."""
        return shlex.split(self.name)


def forms(*, but: Scheme | None = None) -> str:
    """The forms that a reference can have, in words, but for one."""
    shown = [form for scheme, form in FORMS.items() if scheme is not but]
    return ", ".join(shown[:-1]) + " or " + shown[-1]


def parse_reference(text: str, *, place: Place | None = None) -> Reference | None:
    """The reference that `text` is, or None when it does not begin as one (it is then a value as it stands).

    Raises `Invalid` (code `secret-reference`) for a reference with nothing usable behind its colon.
    """
    scheme_text, colon, name = text.partition(":")
    if not colon or scheme_text not in set(Scheme):
        return None
    scheme = Scheme(scheme_text)
    problem = _problem(scheme, name)
    if problem:
        raise Invalid.of("secret-reference", _SUMMARY, f"{problem} Write {FORMS[scheme]}.", place=place)
    return Reference(scheme, name)


def require_reference(text: str, *, what: str = "this value", place: Place | None = None) -> Reference:
    """As `parse_reference`, for values that must not stand in a stack as they are (`what`: "a private key").

    Raises `Invalid` (code `secret-in-clear`), without repeating `text`.
    """
    reference = parse_reference(text, place=place)
    if reference is not None:
        return reference
    like = _SCHEME_LIKE.match(text)
    hint = did_you_mean(like[1], list(Scheme)) if like else ""
    detail = (
        f"{what} must be a reference, so that it never lies in Git, in a plan or in a state file; "
        f"what stands here is none.{hint} Write {forms()}."
    )
    raise Invalid.of("secret-in-clear", "a secret must be given by reference", detail, place=place)


def named_reference(text: str) -> Reference:
    """The reference that a person means on the command line: a bare NAME is an entry of the keyring.

    Raises `Invalid` (code `secret-reference`), without repeating a text that may be a secret.
    """
    return parse_reference(text) or _keyring(text)


def _keyring(name: str) -> Reference:
    problem = _problem(Scheme.KEYRING, name)
    like = _SCHEME_LIKE.match(name)
    hint = did_you_mean(like[1], list(Scheme)) if like else ""
    if hint:
        problem = f"There is no such scheme.{hint}"
    if problem:
        raise Invalid.of("secret-reference", _SUMMARY, f"{problem} Write {forms()}, or the NAME of a keyring's entry.")
    return Reference(Scheme.KEYRING, name)


def _problem(scheme: Scheme, name: str) -> str:
    """What is wrong with `name` behind `scheme:`, or the empty string."""
    if not name.strip():
        return f'There is nothing behind "{scheme}:".'
    if any(ord(char) < 32 or ord(char) == 127 for char in name):
        return f'There is a line break or another control character behind "{scheme}:".'
    if scheme is Scheme.ENV and not _VARIABLE.fullmatch(name):
        return "The name of an environment variable has letters, digits and underscores only."
    if scheme is Scheme.COMMAND:
        return _command_problem(name)
    if name != name.strip():
        return f'There are spaces around the name behind "{scheme}:".'
    return ""


def _command_problem(name: str) -> str:
    try:
        argv = shlex.split(name)
    except ValueError:
        return "The command has a quotation mark or a backslash without its partner."
    return "" if argv and argv[0] else "The command has no program."
