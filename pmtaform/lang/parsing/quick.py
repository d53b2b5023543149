"""What plain lines mean: a directive, a blank line, an opening or a closing tag.

Most lines of a large file occur in it many times, so a meaning is looked up before it is worked out.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from pmtaform.lang.parsing.words import RULE_KEYWORDS, split_careful
from pmtaform.lang.tree import BLANKS

_MOST: Final = 4096  # lines and names that are remembered


class LineKind(IntEnum):
    """What sort of line it is. `OTHER` lines need a careful look."""

    DIRECTIVE = 0
    BLANK = 1
    OPEN = 2
    CLOSE = 3
    OTHER = 4


Meaning = tuple[int, str, str]  # the kind of the line, the name or tag, the value or argument
DIRECTIVE, BLANK, OPEN, CLOSE, OTHER = (int(kind) for kind in LineKind)  # a plain number is compared faster
_BLANK: Final[Meaning] = (BLANK, "", "")
_OTHER: Final[Meaning] = (OTHER, "", "")


class Meanings:
    """The meaning of each line of a file. `careful`: the text has characters that only look like blanks."""

    def __init__(self, *, careful: bool) -> None:
        self.known: dict[str, Meaning] = {}
        self._careful = careful
        self._names: dict[str, str] = {}  # of directives; each is one string, however many lines have it

    def work_out(self, raw: str) -> Meaning:
        """The meaning of a line that is not among the known ones. It is known afterwards."""
        text = raw[: raw.index("#")] if "#" in raw else raw
        words = split_careful(text) if self._careful else text.split(None, 1)
        if len(words) == 2:
            value = words[1].rstrip(BLANKS)
            # A new name is looked at once, which shows whether it is a plain one.
            name = self._names.get(words[0])
            if name is None or value[-1] in ",>{}":
                meaning = _opening(words[0], value) or self._directive(words[0], value)
            else:
                meaning = (DIRECTIVE, name, value)
        else:
            meaning = _closing(words[0].rstrip(BLANKS)) if words else _BLANK
        if len(self.known) < _MOST and meaning[0] != OTHER:
            self.known[raw] = meaning
        return meaning

    def _directive(self, name: str, value: str) -> Meaning:
        """The meaning of a line whose name is new, or whose value may continue on the next line."""
        if name[0] in "</{}" or name in RULE_KEYWORDS:
            return _OTHER
        if len(self._names) < _MOST:
            name = self._names.setdefault(name, name)
        return _OTHER if value[-1] in ",>{}" else (DIRECTIVE, name, value)


def _opening(name: str, value: str) -> Meaning | None:
    """The meaning of `<tag argument>`, split into words; None for every other line."""
    tag, argument = name[1:].lower(), value[:-1].rstrip(BLANKS)
    is_plain = argument and "<" not in argument and ">" not in argument and tag.replace("-", "").isalnum()
    return (OPEN, tag, argument) if name[0] == "<" and value[-1] == ">" and is_plain else None


def _closing(word: str) -> Meaning:
    """The meaning of `</tag>` in lower case; every other single word needs a careful look."""
    return (CLOSE, word[2:-1], "") if word.startswith("</") and word.endswith(">") else _OTHER
