"""Finding directives and sections by words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.explain.lookup import where
from pmtaform.lang.explain.mistakes import mistakes_about


@dataclass(frozen=True, slots=True)
class WordMatch:
    """A name that a search found."""

    name: str
    summary: str
    score: int


def search(words: str, most: int = 20) -> list[WordMatch]:
    """The directives and sections that words lead to, the best first.

    A name counts most, then the summary, then notes and wrong words that people use for it. What has all the
    words comes alone, if anything has.
    """
    wanted = [_stem(word) for word in re.findall(r"[\w.-]+", words.lower())]
    if not wanted:
        return []
    by_name: dict[str, tuple[int, WordMatch]] = {}
    for name, summary, text in _texts():
        scores = [_score(word, name.lower(), summary.lower(), text.lower()) for word in wanted]
        matched = sum(1 for score in scores if score)
        if matched and (name not in by_name or (matched, sum(scores)) > (by_name[name][0], by_name[name][1].score)):
            by_name[name] = (matched, WordMatch(name, summary, sum(scores)))
    best = max((matched for matched, _ in by_name.values()), default=0)
    hits = [hit for matched, hit in by_name.values() if matched == best]
    return sorted(hits, key=lambda hit: (-hit.score, hit.name))[:most]


@cache
def _texts() -> tuple[tuple[str, str, str], ...]:
    """Every directive and section: its name, its summary, and all else that words may lead to it by."""
    return tuple(_each_text())


def _each_text() -> Iterator[tuple[str, str, str]]:
    known = catalogue()
    for spec in known.directives:
        wrong = " ".join(mistake.name for mistake in mistakes_about(spec.name))
        yield spec.name, spec.summary, f"{spec.notes or ''} {' '.join(spec.enum)} {spec.default or ''} {wrong}"
    for section in known.sections.values():
        summary = f"Section {', '.join(where(parent) for parent in section.parents)}."
        yield f"<{section.tag}>", summary, f"{section.notes or ''} {' '.join(section.precedence)}"


def _score(word: str, name: str, summary: str, text: str) -> int:
    parts = name.strip("<>").split("-")
    if word == name.strip("<>"):
        return 40
    if any(_stem(part) == word for part in parts):
        return 12
    if word in name:
        return 8
    whole = re.search(rf"\b{re.escape(word)}", summary)
    return 4 if whole else 2 if word in summary else 1 if word in text else 0


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
