"""References to secrets, `scheme:NAME`: they replace secrets in a stack.

The schemes are those of the registered providers (`plugins.SECRET_PROVIDERS`); `docs/secrets.md` lists ours.
A text that is no reference may be a secret that a person pasted in: it is never repeated in a message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pmtaform.diagnostics import Place, did_you_mean
from pmtaform.diagnostics.codes.secrets import SECRET_IN_CLEAR, SECRET_REFERENCE
from pmtaform.errors import Invalid
from pmtaform.plugins import SECRET_PROVIDERS
from pmtaform.secrets.provider import ProviderKind

KEYRING: Final = "keyring"  # the scheme of a bare NAME on the command line
_SCHEME_LIKE = re.compile(r"([A-Za-z]{2,12}):")
_SCHEME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_SUMMARY = "not a usable secret reference"


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a secret is to be found. No secret itself: it is shown, saved in plans and committed to Git."""

    scheme: str
    name: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.name}"

    @property
    def kind(self) -> ProviderKind:
        """Its provider's kind. Raises `PlugInBroken`."""
        return SECRET_PROVIDERS[self.scheme]


def is_scheme(text: str) -> bool:
    """Whether references can begin with `text` and a colon."""
    return _SCHEME.fullmatch(text) is not None and text in SECRET_PROVIDERS


def forms(*, but: str | None = None, writable: bool = False) -> str:
    """The forms that a reference can have, in words: without the scheme `but`, or only those that we write."""
    shown = [
        f"{scheme}:{kind.argument}"
        for scheme, kind in SECRET_PROVIDERS.usable()
        if scheme != but and (kind.is_writable or not writable)
    ]
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def parse_reference(text: str, *, place: Place | None = None) -> Reference | None:
    """The reference that `text` is, or None when it does not begin as one (it is then a value as it stands).

    Raises `Invalid` (code `secret-reference`) for a reference with nothing usable behind its colon.
    """
    scheme, colon, name = text.partition(":")
    if not colon or not is_scheme(scheme):
        return None
    reference = Reference(scheme, name)
    problem = _problem(reference)
    if problem:
        form = f"{scheme}:{reference.kind.argument}"
        raise Invalid.of(SECRET_REFERENCE, f"{problem} Write {form}.", place=place)
    return reference


def require_reference(text: str, *, what: str = "this value", place: Place | None = None) -> Reference:
    """As `parse_reference`, for values that must not be in a stack in clear text (`what`: "a private key").

    Raises `Invalid` (code `secret-in-clear`), without repeating `text`.
    """
    reference = parse_reference(text, place=place)
    if reference is not None:
        return reference
    detail = (
        f"{what} must be a reference, so that it is never in Git, in a plan or in a state file. "
        f"This value is not a reference.{_hint(text)} Write {forms()}."
    )
    raise Invalid.of(SECRET_IN_CLEAR, detail, place=place)


def named_reference(text: str) -> Reference:
    """The reference that a person means on the command line: a bare NAME is an entry of the keyring.

    Raises `Invalid` (code `secret-reference`), without repeating a text that may be a secret.
    """
    return parse_reference(text) or _keyring(text)


def _keyring(name: str) -> Reference:
    reference = Reference(KEYRING, name)
    problem = _problem(reference)
    hint = _hint(name)
    if hint:
        problem = f"There is no such scheme.{hint}"
    if problem:
        raise Invalid.of(SECRET_REFERENCE, f"{problem} Write {forms()}, or the NAME of a keyring's entry.")
    return reference


def _hint(text: str) -> str:
    like = _SCHEME_LIKE.match(text)
    return did_you_mean(like[1], SECRET_PROVIDERS.names()) if like else ""


def _problem(reference: Reference) -> str:
    """What is wrong with the name behind the colon, or the empty string."""
    if not reference.name.strip():
        return f'There is no name after "{reference.scheme}:".'
    if any(ord(char) < 32 or ord(char) == 127 for char in reference.name):
        return f'There is a line break or another control character behind "{reference.scheme}:".'
    return reference.kind.problem(reference.name)
