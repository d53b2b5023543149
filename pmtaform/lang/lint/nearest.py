"""What was probably meant, looked for a bounded number of times: it costs milliseconds for each word."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from pmtaform.diagnostics import did_you_mean
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.suggest import remedy, section_remedy
from pmtaform.lang.values import parse_cidr

_NUMBERS: Final = re.compile(r"[0-9]+")
_MOST_ASKED: Final = 100
_MOST_KNOWN: Final = 2000
_LONGEST: Final = 60


def nearest(facts: Facts, word: str, known: Collection[str]) -> str:
    """` Did you mean "x"?`, or nothing: also when it was asked often, or there are too many names to look through."""
    if len(known) > _MOST_KNOWN or not _may_ask(facts, word):
        return ""
    return did_you_mean(word, [name for name in known if _may_be_meant(word, name)])


def _may_be_meant(word: str, name: str) -> bool:
    """Whether a name may be the intended one: `mta2` is not `mta1`, and a network or a reserved name is no name."""
    return _NUMBERS.findall(word) == _NUMBERS.findall(name) and not name.startswith("{") and parse_cidr(name) is None


def _may_ask(facts: Facts, word: str) -> bool:
    asked = facts.memory.get("words asked")
    if not isinstance(asked, set):
        asked = facts.memory["words asked"] = set[str]()
    if len(word) > _LONGEST or (word not in asked and len(asked) >= _MOST_ASKED):
        return False
    asked.add(word)
    return True


def suggested(facts: Facts, word: str, scope: str, value: str) -> str:
    """What to write instead of an unknown directive, with a blank before it; or nothing."""
    text = remedy(word, scope, value) if _may_ask(facts, word) else ""
    return f" {text}" if text else ""


def suggested_section(facts: Facts, tag: str) -> str:
    """What to write instead of an unknown section's tag, with a blank before it; or nothing."""
    text = section_remedy(tag) if _may_ask(facts, tag) else ""
    return f" {text}" if text else ""
