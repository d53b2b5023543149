"""Common mistakes: words that look like PowerMTA's and are not (`data/inventions.json`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from pmtaform.lang.inventions import inventions

_QUOTED = re.compile(r"`([^`]*)`")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A word that is no word of PowerMTA's, and what to write instead. A section's word is in `<>`."""

    name: str
    remedy: str


@cache
def _table() -> tuple[Mistake, ...]:
    known = inventions()
    directives = [Mistake(row.name, row.remedy) for row in known.directives.values()]
    sections = [Mistake(f"<{row.name}>", row.remedy) for row in known.sections.values()]
    return (*directives, *sections)


def invention(name: str) -> Mistake | None:
    """What is known of a word that PowerMTA does not have."""
    word = name.lower()
    return next((mistake for mistake in _table() if mistake.name.strip("<>").lower() == word), None)


def mistakes_about(name: str) -> Iterator[Mistake]:
    """The wrong words whose remedy is this directive or section."""
    word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
    for mistake in _table():
        if any(word.search(text) for text in _QUOTED.findall(mistake.remedy)):
            yield mistake
