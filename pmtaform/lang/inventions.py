"""Invented words that look like PowerMTA's, with their genuine equivalents (data/inventions.json).

They are absent from the directive index and the text of both 5.0 guides, and from every published configuration except
those that invented them (docs/powermta/mistakes.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pmtaform.lang.catalogue import catalogue


@dataclass(frozen=True, slots=True)
class Invention:
    """One word. `exact` is the directive or section that it is another word for, value and all."""

    name: str
    remedy: str
    rows: tuple[int, ...]  # of docs/powermta/mistakes.md
    exact: str | None = None


class Inventions:
    """The table, by name."""

    def __init__(self, directives: Iterable[Invention], sections: Iterable[Invention]) -> None:
        self.directives: Mapping[str, Invention] = {i.name: i for i in directives}
        self.sections: Mapping[str, Invention] = {i.name: i for i in sections}
        known = catalogue()
        for name in self.directives.keys() & known.all_names:
            raise ValueError(f"inventions: {name} is a directive")
        for name in self.sections.keys() & known.sections.keys():
            raise ValueError(f"inventions: <{name}> is a section")

    def directive(self, name: str) -> Invention | None:
        """What is known of an invented directive."""
        return self.directives.get(name.lower())

    def section(self, tag: str) -> Invention | None:
        """What is known of an invented section."""
        return self.sections.get(tag.lower())


@cache
def inventions() -> Inventions:
    """The table that ships with pmtaform, read once."""
    table = json.loads((Path(__file__).parent / "data" / "inventions.json").read_bytes())

    def rows(kind: str) -> list[Invention]:
        return [Invention(**{**row, "rows": tuple(row["rows"])}) for row in table[kind]]

    return Inventions(rows("directives"), rows("sections"))
