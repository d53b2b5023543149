"""Characters that an editor does not show."""

from __future__ import annotations

import re
from typing import Final

from pmtaform.diagnostics.codes.language import BYTE_ORDER_MARK, CONTROL_CHARACTER, NOT_UTF8, ODD_BLANK
from pmtaform.lang.parsing.builder import TreeBuilder

# str.split() accepts these as blanks; PowerMTA is not known to. A file that has one is read carefully.
_ODD_SPACE: Final = re.compile("[\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_PLAIN: Final = bytes([9, 10, 13, *range(32, 127)])
_HIDDEN: Final = (
    (
        NOT_UTF8,
        "PowerMTA reads its configuration as UTF-8. The bytes stay as they are. Save the file as UTF-8.",
        re.compile("[\udc80-\udcff]"),
    ),
    (
        ODD_BLANK,
        "A no-break space or another Unicode blank does not separate words: PowerMTA reads the words around it as "
        "one. Write a plain blank.",
        _ODD_SPACE,
    ),
    (
        CONTROL_CHARACTER,
        "A NUL or another control character is not part of the language, and editors do not show it. Remove it.",
        re.compile("[\0-\x08\x0e-\x1b\x7f]"),
    ),
    (
        BYTE_ORDER_MARK,
        "The mark becomes part of the first word. Save the file as UTF-8 without a byte order mark.",
        re.compile("\\A\ufeff"),
    ),
)


def has_odd_blanks(text: str) -> bool:
    """Whether `str.split` would split the text at characters that are no blanks in PowerMTA's language."""
    return not text.isascii() or any(char in text for char in "\x1c\x1d\x1e\x1f")


def is_hidden(text: str) -> bool:
    """Whether a text has characters that a person would not see."""
    return not _is_plain(text) and ("\ufeff" in text or any(pattern.search(text) for _, _, pattern in _HIDDEN))


def _is_plain(text: str) -> bool:
    return text.isascii() and not text.encode("ascii").translate(None, _PLAIN)


def report_hidden(build: TreeBuilder, text: str) -> None:
    """Report characters that a person would not see: at most one finding of each kind, at its first line."""
    if _is_plain(text):
        return
    for definition, detail, pattern in _HIDDEN:
        if match := pattern.search(text):
            build.report(definition, detail, text.count("\n", 0, match.start()) + 1)
