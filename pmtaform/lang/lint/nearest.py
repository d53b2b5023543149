"""What was probably meant, looked for a bounded number of times: it costs milliseconds for each word."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pmtaform.diagnostics import did_you_mean
from pmtaform.lang.lint.facts import Facts

_MOST_ASKED: Final = 100
_MOST_KNOWN: Final = 2000
_LONGEST: Final = 60


def nearest(facts: Facts, word: str, known: Collection[str]) -> str:
    """` Did you mean "x"?`, or nothing: also when it was asked often, or there are too many names to look through."""
    asked = facts.memory.get("words asked")
    if not isinstance(asked, set):
        asked = facts.memory["words asked"] = set[str]()
    if len(word) > _LONGEST or len(known) > _MOST_KNOWN or (word not in asked and len(asked) >= _MOST_ASKED):
        return ""
    asked.add(word)
    return did_you_mean(word, known)
