"""Report once what many hosts have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from pmtaform.diagnostics import Diagnostic

MOST: Final = 5  # different findings of one kind at one place (a loop shows one for each round)


def unique(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Each finding once, in the order of the files; of those that a loop repeats, the first few."""
    seen: set[tuple[object, ...]] = set()
    counts: dict[tuple[object, ...], list[int]] = {}
    result: list[Diagnostic] = []
    for item in diagnostics:
        whole = (item.code, item.place, item.severity, item.detail)
        if whole in seen:
            continue
        seen.add(whole)
        where = (item.code, item.place)
        known = counts.setdefault(where, [])
        if item.place is None or len(known) < MOST:
            known.append(len(result))
            result.append(item)
        elif len(known) == MOST:
            known.append(-1)
            last = result[known[MOST - 1]]
            result[known[MOST - 1]] = replace(last, detail=f"{last.detail} (And more of the same at this place.)")
    return sorted(result, key=_position)


def _position(item: Diagnostic) -> tuple[str, int, int]:
    place = item.place
    return ("", 0, 0) if place is None else (place.file, place.line or 0, place.column or 0)
