"""Words of a line: names, values, regexes and comments."""

from __future__ import annotations

import re
from typing import Final

from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.tree import BLANKS

RULE_KEYWORDS: Final = frozenset({"reply", "mail-from", "rcpt-to", "header"})
WORD: Final = re.compile(r"[^ \t\r\n\x0b\x0c]+")


def split_careful(text: str) -> list[str]:
    """The first word, and the rest if any, without outer blanks; only ASCII blanks are blanks."""
    text = text.strip(BLANKS)
    word = WORD.match(text)
    if word is None:
        return []
    rest = text[word.end() :].lstrip(BLANKS)
    return [word.group(), rest] if rest else [word.group()]


_REGEX: Final = re.compile(r"/(?:[^/\\]|\\.)*/", re.DOTALL)


def split_rule(text: str) -> tuple[str, str]:
    """The regex that `text` starts with, and the rest. A regex may hold blanks."""
    match = _REGEX.match(text)
    if match is None:
        words = text.split(None, 1)
        return words[0], words[1] if len(words) == 2 else ""
    return match.group(), text[match.end() :].strip(BLANKS)


def regex_closed(text: str) -> bool:
    """Whether a text has no regex, or one that ends."""
    start = text.find("/")
    return start < 0 or _REGEX.match(text, start) is not None


def without_comment(raw: str) -> str:
    """A line without its comment and outer blanks."""
    cut = raw.find("#")
    return (raw if cut < 0 else raw[:cut]).strip(BLANKS)


def is_keyword(word: str) -> bool:
    """Whether a directive has this name, in whatever section."""
    return word.lower() in catalogue().all_names
