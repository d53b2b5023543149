"""Suggestions for a word that PowerMTA does not know. `lint` and `explain` share them.

A wrong suggestion is worse than none: it leads to the next error, or to another meaning. So a word is only
taken for a misspelling, never for something that merely looks alike: `min-smtp-out` is not `max-smtp-out`. A suggestion
is a current directive that accepts the value; its places are named where it belongs into another section.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final, NamedTuple

from pmtaform.lang import values
from pmtaform.lang.catalogue import GLOBAL, DirectiveSpec, catalogue
from pmtaform.lang.inventions import inventions

_SAME: Final = (
    frozenset({"msg", "message"}),
    frozenset({"rcpt", "recipient"}),
    frozenset({"rcpts", "recipients"}),
    frozenset({"conn", "connect", "connection"}),
    frozenset({"addr", "address"}),
    frozenset({"cert", "certificate"}),
    frozenset({"passwd", "password"}),
    frozenset({"vmta", "virtual-mta"}),
)
_SHORT: Final = 6  # a shorter word has one slip at most
_LONG: Final = 8  # a shorter name is not compared without its hyphens
_LONGEST: Final = 60


class Suggestion(NamedTuple):
    """A directive that was intended; `scopes` are where it may be, when that is not where the word is."""

    name: str
    scopes: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def suggestion(word: str, scope: str | None = None, value: str = "") -> Suggestion | None:
    """The directive of which `word` is a misspelling; None when there is none, or several.

    `scope` None: any scope will do, and is named. An empty `value` fits everything.
    """
    if len(word) > _LONGEST:
        return None
    near = [spec for spec in catalogue().directives if _slips(word.lower(), spec.name) and _is_fit(spec, value)]
    here = {spec.name for spec in near if scope is None or scope in spec.scopes}
    if len(here) == 1 and scope is not None:
        return Suggestion(here.pop())
    names = {spec.name for spec in near}
    if (here and scope is not None) or len(names) != 1:
        return None
    return Suggestion(names.pop(), tuple(dict.fromkeys(place for spec in near for place in spec.scopes)))


def _is_fit(spec: DirectiveSpec, value: str) -> bool:
    return spec.status == "current" and (not value or values.problem(spec, value) is None)


def remedy(word: str, scope: str | None = None, value: str = "") -> str:
    """Sentences on what to write instead of a word; empty when that is not known."""
    known = inventions().directive(word) or inventions().section(word)
    if known is not None:
        return known.remedy
    advice = suggestion(word, scope, value)
    if advice is None:
        return ""
    return f'Did you mean "{advice.name}"?' + (f" It belongs {places(advice.scopes)}." if advice.scopes else "")


def places(scopes: Sequence[str]) -> str:
    """`in <domain> or in <source>`."""
    return " or ".join("at top level" if scope == GLOBAL else f"in <{scope}>" for scope in scopes[:4])


def section_remedy(tag: str) -> str:
    """What to write instead of a section's tag; empty when that is not known."""
    known = inventions().section(tag)
    if known is not None:
        return known.remedy
    near = [name for name in catalogue().sections if len(tag) <= _LONGEST and _slips(tag.lower(), name)]
    return f'Did you mean "{near[0]}"?' if len(near) == 1 else ""


# -- misspellings ------------------------------------------------------------------------------------------------------


def _slips(word: str, name: str) -> bool:
    """Whether `word` is `name` with slips of the pen: letters, hyphens, the order or the short form of its parts."""
    if abs(len(word) - len(name)) > _SHORT:
        return False
    mine, theirs = _parts(word), _parts(name)
    if "".join(mine) == "".join(theirs) or sorted(map(_long, mine)) == sorted(map(_long, theirs)):
        return True
    if len(mine) == len(theirs):
        return all(_is_part(a, b) for a, b in zip(mine, theirs, strict=True))
    joined = "".join(mine), "".join(theirs)
    return min(map(len, joined)) >= _LONG and _distance(*joined) == 1 and not _adds_a_word(mine, theirs)


def _adds_a_word(mine: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    return bool(({*mine} - {*theirs}) & _vocabulary())


def _is_part(mine: str, theirs: str) -> bool:
    if mine == theirs or _long(mine) == _long(theirs) or theirs in (mine + "s", mine.removesuffix("s")):
        return True
    if mine in _vocabulary() or not mine.isalnum():
        return False
    return _distance(mine, theirs) <= (1 if len(theirs) < _SHORT else 2)


@lru_cache(maxsize=4096)
def _parts(word: str) -> tuple[str, ...]:
    return tuple(part for part in word.replace("_", "-").split("-") if part)


def _long(part: str) -> str:
    return next((max(same, key=len) for same in _SAME if part in same), part)


@cache
def _vocabulary() -> frozenset[str]:
    """Every part of a directive's name. A part that means something is no slip for another."""
    return frozenset(part for name in catalogue().all_names for part in _parts(name)) | {"deny", "min", "incoming"}


def _distance(left: str, right: str) -> int:
    """How many letters are missing, too many, wrong, or swapped with the next; 3 stands for all above 2."""
    if abs(len(left) - len(right)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        above, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                best = min(best, above[j - 2] + 1)
            row.append(best)
    return min(row[-1], 3)
