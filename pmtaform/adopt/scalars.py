"""Texts as YAML scalars: plain where YAML takes the text as it is, quoted where it would not.

Values are written as they are meant for `pmtaform.stack`, which keeps every scalar's text (`no`, `1:30`, `010`): only
what YAML itself would take apart, or read as "nothing", is quoted.
"""

from __future__ import annotations

import re
from typing import Final

_FIRST: Final = re.compile(r"[^\s!&*|>'\"#%@`{}\[\],?:-]|-(?=[^\s-])")
_FLOW: Final = re.compile(r"[,\[\]{}?]|:(?![A-Za-z0-9/._])")
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL", "<<"})
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# Line ends to YAML, or characters that it does not take as they are; a person would not see them either.
_ESCAPED: Final = re.compile("[\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")


class UnwritableError(ValueError):
    """A text that no YAML scalar can hold (a byte that is not UTF-8)."""


def scalar(text: str, *, flow: bool = False) -> str:
    """`text` as one scalar on one line. `flow`: it is inside `[ ]` or `{ }`. Raises `UnwritableError`."""
    if _SURROGATE.search(text):
        raise UnwritableError(text)
    if _is_plain(text) and not (flow and _FLOW.search(text)):
        return text
    if _ESCAPED.search(text) or not text.isprintable():
        return '"' + "".join(map(_escaped, text)) + '"'
    if "\\" in text or '"' in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def fits_literal(line: str) -> bool:
    """Whether a line fits into a text block (`|`) as it is."""
    return not _SURROGATE.search(line) and not _ESCAPED.search(line.replace("\t", " "))


def comment(text: str) -> str:
    """A comment, from its `#` on, that YAML takes: what it would not is shown as `?`."""
    return "".join("?" if not char.isprintable() and char != "\t" else char for char in text).rstrip()


def _is_plain(text: str) -> bool:
    if text in _NULLS or not _FIRST.match(text) or not text.isprintable() or text != text.strip():
        return False
    return not (": " in text or " #" in text or text.endswith(":") or text.startswith(("---", "...")))


def _escaped(char: str) -> str:
    if char in '\\"':
        return "\\" + char
    if char.isprintable() and not _ESCAPED.match(char):
        return char
    named = {"\t": "\\t", "\n": "\\n"}.get(char)
    if named:
        return named
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
