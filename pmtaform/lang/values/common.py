"""Shared by the checks of values: how they cite a value, and describe what a directive accepts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pmtaform.lang.catalogue import DirectiveSpec
from pmtaform.lang.values.show import shown
from pmtaform.lang.values.text import words

_LONGEST = 80
DIGITS = re.compile("[0-9]{1,18}")


_FORMS = {
    "bool": "yes, no, true or false",
    "int": "a whole number",
    "duration": "a time interval such as 30m or 4d12h",
    "duration-or-never": "a time interval such as 30m or 4d12h, or never",
    "duration-list": "a time interval or a comma list of them, such as 10m,30m,1h",
    "rate": "a rate such as 300/h, or unlimited",
    "volume-rate": "an amount of data in a time, such as 10m/h, or unlimited",
    "size": "a size such as 50M",
    "path": "the path of a file or directory",
    "name-ref": "one name",
    "email": "a mail address",
    "email-list": "mail addresses separated by commas",
    "secret": "a secret",
}


def form(spec: DirectiveSpec) -> str:
    """A description of what the directive accepts, in the words of the guide or plainer ones."""
    if spec.enum and spec.type not in ("rule", "acl"):
        return one_of(spec.enum)
    plain = _FORMS.get(spec.type)
    return plain or (f"the form {spec.format}" if spec.format else "a value")


def one_of(choices: Iterable[str]) -> str:
    """`a, b or c`."""
    *most, last = choices
    return f"{', '.join(most)} or {last}" if most else last


def cited(text: str) -> str:
    """The value in quotes, made visible and cut to a readable length."""
    text = shown(text)
    return f'"{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"}"'


def wrong(spec: DirectiveSpec, text: str) -> str:
    """The general complaint: what the value is not."""
    return f"{cited(text)} is not a value for {spec.name}: it accepts {form(spec)}."


def first(problems: Iterable[str | None]) -> str | None:
    """The first of several findings."""
    return next((problem for problem in problems if problem), None)


def gap(spec: DirectiveSpec) -> str:
    """The complaint about an empty item."""
    return f"A comma in {spec.name} has nothing before or after it; a list is on one line, a,b,c."


def list_item(spec: DirectiveSpec, item: str) -> str | None:
    """An item of a comma list: one word."""
    if not item:
        return gap(spec)
    if len(words(item)) > 1:
        return f"{cited(item)} contains blanks; the items of {spec.name} are separated by commas."
    return None


def open_regex(text: str) -> str:
    """The complaint about a regular expression that does not end."""
    return (
        f"{cited(text)} is not a complete regular expression: write it between slashes, with nothing after the second "
        "one. A # starts a comment anywhere, so write \\x23 for a #."
    )
