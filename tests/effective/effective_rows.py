"""Reads `rules.txt`, the rules of precedence as a table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_CASE = re.compile(
    r"-- (?P<queue>\S+) (?P<own>vmta )?(?P<directive>\S+) = (?P<value>.*?)"
    r"(?: \| by (?P<by>[\d ]+?))?(?: \| over (?P<over>[\d ]+?))?(?: \| assumes (?P<assumes>[a-z -]+?))?"
    r"(?: \| (?P<source>default|fallback|none))?"
)


@dataclass(frozen=True)
class Row:
    """One case: a configuration, a queue, a directive, and what is expected of it."""

    name: str
    text: str
    queue: str
    own: bool
    directive: str
    value: str
    lines: tuple[int, ...]
    overruled: tuple[int, ...]
    assumes: tuple[str, ...]
    source: str


def rows() -> list[Row]:
    """Every case of the table."""
    _, *cases = Path(__file__).with_name("rules.txt").read_text(encoding="utf-8").split("\n== ")
    return [_row(case) for case in cases]


def _row(case: str) -> Row:
    name, *lines = case.rstrip("\n").split("\n")
    match = _CASE.fullmatch(lines[-1])
    assert match, lines[-1]
    return Row(
        name=name,
        text="\n".join(lines[:-1]),
        queue=match["queue"],
        own=bool(match["own"]),
        directive=match["directive"],
        value=match["value"],
        lines=tuple(map(int, (match["by"] or "").split())),
        overruled=tuple(map(int, (match["over"] or "").split())),
        assumes=tuple((match["assumes"] or "").split()),
        source=match["source"] or "set",
    )
