"""Compare two lists: which items stay, change, come or go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple, TypeVar

T = TypeVar("T", bound=Hashable)


class Pair(NamedTuple):
    """An item of the left list and its counterpart in the right one; None where there is no counterpart."""

    left: int | None
    right: int | None


def align(left: Sequence[T], right: Sequence[T], *, ordered: bool) -> list[Pair]:
    """Pair the items of two lists so that as many as possible stay as they are.

    Pairs come in the order of the result, items that go included. Where order means nothing, equal items pair up
    wherever they are, and what is left is paired in turn.
    """
    return _ordered(left, right) if ordered else _unordered(left, right)


def _ordered(left: Sequence[T], right: Sequence[T]) -> list[Pair]:
    head = 0
    while head < len(left) and head < len(right) and left[head] == right[head]:
        head += 1
    tail = 0
    while tail < min(len(left), len(right)) - head and left[-1 - tail] == right[-1 - tail]:
        tail += 1
    pairs = [Pair(i, i) for i in range(head)]
    matcher = SequenceMatcher(None, left[head : len(left) - tail], right[head : len(right) - tail], autojunk=False)
    for _, i1, i2, j1, j2 in matcher.get_opcodes():
        common = min(i2 - i1, j2 - j1)
        pairs += [Pair(head + i1 + n, head + j1 + n) for n in range(common)]
        pairs += [Pair(head + i, None) for i in range(i1 + common, i2)]
        pairs += [Pair(None, head + j) for j in range(j1 + common, j2)]
    pairs += [Pair(len(left) - n, len(right) - n) for n in range(tail, 0, -1)]
    return pairs


def _unordered(left: Sequence[T], right: Sequence[T]) -> list[Pair]:
    places: dict[T, list[int]] = {}
    for j, item in enumerate(right):
        places.setdefault(item, []).append(j)
    shared = Counter(left) & Counter(right)
    partner: dict[int, int] = {}
    for i, item in enumerate(left):
        if shared[item] > 0:
            shared[item] -= 1
            partner[i] = places[item].pop(0)
    rest = [j for j in range(len(right)) if j not in set(partner.values())]
    pairs = [Pair(i, partner[i] if i in partner else (rest.pop(0) if rest else None)) for i in range(len(left))]
    return pairs + [Pair(None, j) for j in rest]
