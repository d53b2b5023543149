"""What plain lines mean: a directive, a blank line, an opening or a closing tag.

Most lines of a large file occur in it many times, so a meaning is looked up before it is worked out.
"""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import Final

from pmtaform.lang.parsing.words import RULE_KEYWORDS, regex_closed, split_careful, split_rule
from pmtaform.lang.tree import BLANKS


class LineKind(IntEnum):
    """What sort of line it is. `OTHER` lines need a careful look."""

    DIRECTIVE = 0
    BLANK = 1
    OPEN = 2
    CLOSE = 3
    OTHER = 4


_MOST: Final = 4096  # lines that are remembered
Meaning = tuple[int, str, str]  # the kind of the line, the name or tag, the value or argument
DIRECTIVE, BLANK, OPEN, CLOSE, OTHER = (int(kind) for kind in LineKind)  # a plain number is compared faster
_BLANK: Final[Meaning] = (BLANK, "", "")
_GOES_ON: Final = frozenset(",>{}")  # the last characters of values that may be more than one
_OTHER: Final[Meaning] = (OTHER, "", "")


class Meanings:
    """Works out the meanings of a file's lines. `careful`: the text has characters that only look like blanks."""

    def __init__(self, *, careful: bool) -> None:
        self._careful = careful
        self._names: dict[str, str] = {}  # of directives; each is one string, however many lines have it

    def of(self, lines: list[str]) -> list[Meaning]:
        """The meaning of each line."""
        # Runs once per line, so a known line and a known name need no call. The memory of lines is small on purpose: a
        # dictionary of all of them would be slower than working each out.
        known: dict[str, Meaning] = {}
        meanings: list[Meaning] = []
        known_meaning, known_name, add = known.get, self._names.get, meanings.append
        for raw in lines:
            meaning = known_meaning(raw)
            if meaning is None:
                words = raw.split(None, 1) if not self._careful and "#" not in raw else []
                name = known_name(words[0]) if len(words) == 2 else None
                value = words[1].rstrip() if name is not None else ""
                if name is not None and value[-1] not in _GOES_ON:
                    meaning = (DIRECTIVE, name, value)
                else:
                    meaning = self._work_out(raw)
                if len(known) < _MOST:
                    known[raw] = meaning
            add(meaning)
        return meanings

    def _work_out(self, raw: str) -> Meaning:
        text = raw[: raw.index("#")] if "#" in raw else raw
        words = split_careful(text) if self._careful else text.split(None, 1)
        if len(words) != 2:
            return _single(words[0].rstrip(BLANKS)) if words else _BLANK
        value = words[1].rstrip(BLANKS)
        # A new name is looked at once, which shows whether it is a plain one.
        name = self._names.get(words[0])
        if name is None or value[-1] in _GOES_ON:
            return _opening(words[0], value) or self._directive(words[0], value, text)
        return (DIRECTIVE, name, value)

    def _directive(self, name: str, value: str, text: str) -> Meaning:
        """The meaning of a line whose name is new, or whose value may continue on the next line."""
        if name[0] == "/":
            return _expression(text.strip(BLANKS))
        if name[0] in "<{}" or value[-1] in _GOES_ON:
            return _OTHER
        if name in RULE_KEYWORDS:
            return (DIRECTIVE, sys.intern(name), value) if regex_closed(value) else _OTHER
        return (DIRECTIVE, self._names.setdefault(name, name), value)


def _opening(name: str, value: str) -> Meaning | None:
    """The meaning of `<tag argument>`, split into words; None for every other line."""
    if name[0] != "<" or value[-1] != ">":
        return None
    tag, argument = name[1:].lower(), value[:-1].rstrip(BLANKS)
    is_plain = argument and "<" not in argument and ">" not in argument and _is_tag(tag)
    return (OPEN, sys.intern(tag), argument) if is_plain else None


def _single(word: str) -> Meaning:
    """The meaning of `</tag>` in lower case and of `<tag>`; every other single word needs a careful look."""
    if word[0] != "<" or word[-1] != ">":
        return _OTHER
    if word[1] == "/":
        return (CLOSE, sys.intern(word[2:-1]), "")
    tag = word[1:-1].lower()
    return (OPEN, sys.intern(tag), "") if _is_tag(tag) else _OTHER


def _is_tag(text: str) -> bool:
    return text.replace("-", "").isalnum()


def _expression(text: str) -> Meaning:
    """The meaning of `/regex/ value`, the rule of a list; one that may continue needs a careful look."""
    regex, value = split_rule(text)
    return (DIRECTIVE, regex, value) if value and value[-1] not in _GOES_ON and regex_closed(text) else _OTHER
