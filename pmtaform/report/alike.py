"""The same finding at many places: one entry with the first place, and the others listed briefly."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Final, TypeVar

from pmtaform.diagnostics import Place
from pmtaform.report.style import clean

T = TypeVar("T")

_MOST_LISTED: Final = 8
_NUMBER: Final = re.compile(r"""[^\s,;:"<>]*[0-9][^\s,;:"<>]*""")
_PARTICULAR: Final = re.compile(r"""<[^<>]*>|`[^`]*`|"[^"]*"|\$\w+|[^\s,;:]*[0-9./@*][^\s,;:]*""")


def in_groups(items: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """The items that have one key together, in the order of the first of each."""
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())


def without_particulars(detail: str) -> str:
    """A detail without its names, numbers and paths: what is left is the same for the same finding elsewhere."""
    return _PARTICULAR.sub("…", detail)


def without_numbers(detail: str) -> str:
    """A detail without its numbers, and the words that they are in."""
    return _NUMBER.sub("…", detail)


def other_places(first: Place | None, others: Sequence[tuple[str, Place | None, str]], hosts: int = 1) -> str:
    """`The same at 12 more places: lines 7, 9, …`, of (host, place, mark); a mark distinguishes places.

    `hosts` is the number of hosts that all places together are on.
    """
    count = len(others)
    listed = [_listed(first, *other) for other in others[:_MOST_LISTED]]
    more = f" and {count - _MOST_LISTED} more" if count > _MOST_LISTED else ""
    where = f", on {hosts} hosts" if hosts > 1 else ""
    return f"The same at {count} more {'place' if count == 1 else 'places'}{where}: {', '.join(listed)}{more}."


def _listed(first: Place | None, host: str, place: Place | None, mark: str) -> str:
    text = "the whole" if place is None else str(place)
    if place is not None and first is not None and place.file == first.file and place.line is not None and not host:
        text = f"line {place.line}"
    return clean(f"{host}:{text}" if host and place is not None else host or text) + (
        f" ({clean(mark)})" if mark else ""
    )
