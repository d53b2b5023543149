"""`dkim-keys` as in the stack: the keys that sign, layer over layer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pmtaform.diagnostics import Diagnostics, Place
from pmtaform.diagnostics.codes.keys import DKIM_NAME
from pmtaform.stack import foreach
from pmtaform.stack.entries import EntryForm, StackEntry, merge_entries, read_entries
from pmtaform.stack.nodes import Node
from pmtaform.stack.variables import Variables

FIELDS: Final = (
    "private-key",
    "passphrase",
    "signs",
    "path",
    "mode",
    "owner",
    "group",
    "rotation",
    foreach.KEY,
)
_DOMAIN: Final = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)*[^\W_](?:[\w-]{0,61}[^\W_])?")
_SELECTOR: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9_])?")


@dataclass(slots=True)
class KeyPlan(StackEntry):
    """One key by the stack, under its name `DOMAIN/SELECTOR`."""

    signs: bool = True  # False: its file is there, and no line makes PowerMTA sign with it
    retires: bool = False  # it has signed, and its file is there for mail that waits

    @property
    def domain(self) -> str:
        """The domain that it signs for; `*` for all."""
        return self.name.partition("/")[0]

    @property
    def selector(self) -> str:
        """The selector under which its record is published."""
        return self.name.partition("/")[2]


def name_problem(domain: str, selector: str) -> str:
    """The problem of a key's name; empty: none. The domain may be `*`."""
    if not selector:
        return "Write DOMAIN/SELECTOR, as in example.com/s2026."
    if domain != "*" and (len(domain) > 253 or not _DOMAIN.fullmatch(domain)):
        return f"{domain!r} is not a domain."
    if not _SELECTOR.fullmatch(selector) or ".." in selector:
        return f"{selector!r} is not a selector: letters, digits, `-`, `_` and dots."
    return ""


def _check_name(name: str, place: Place, problems: Diagnostics) -> bool:
    domain, _, selector = name.partition("/")
    problem = name_problem(domain, selector)
    if problem:
        problems.report(DKIM_NAME, f"`{name!r}`: {problem}", place)
    return not problem


_FORM: Final = EntryForm(
    make=KeyPlan,
    noun="A DKIM key",
    fields=FIELDS,
    example="`example.com/s1: {private-key: REFERENCE}`",
    body="{private-key: REFERENCE, signs: [VIRTUAL MTAS]}",
    check=_check_name,
)


def keys_of(node: Node | None, variables: Variables, problems: Diagnostics) -> dict[str, KeyPlan | None]:
    """The keys under a layer's `dkim-keys`, by `domain/selector`; None for one that the layer removes."""
    return read_entries(node, _FORM, "dkim-keys", variables, problems)


def merge_keys(lower: dict[str, KeyPlan], upper: dict[str, KeyPlan | None]) -> dict[str, KeyPlan]:
    """The keys of a higher layer over those of a lower one, field by field."""
    return merge_entries(lower, upper)
