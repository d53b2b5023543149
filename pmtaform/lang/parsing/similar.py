"""The tree of a file that is nearly the same as one that is parsed: a host's file beside the stack's.

Only the lines that differ are parsed, and the nodes of the others are shared. With five changes in 5,000 lines that
takes 1 ms instead of 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pmtaform.lang.parsing.spliced import Replacement, spliced
from pmtaform.lang.tree import Tree, decode, split_lines

_CHUNK: Final = 64  # lines that are compared at once
_NEAR: Final = 24  # lines that one difference may have
_SAME: Final = 3  # lines in a row that show the end of a difference
_MOST: Final = 64  # differences; beyond them, parsing is as fast


def parse_similar(tree: Tree, content: bytes, path: str) -> Tree | None:
    """The tree that parsing a file makes, from the tree of another; None where they differ in too much."""
    if tree.plain is None or tree.origins is not None:
        return None
    replacements = _replacements(tree.lines, split_lines(decode(content)))
    after = spliced(tree, replacements) if replacements is not None else None
    if after is not None:
        after.path = path
    return after


def _replacements(left: list[str], right: list[str]) -> list[Replacement] | None:
    """What makes one text of the other, not always with the fewest lines."""
    found: list[Replacement] = []
    at, to = _common(left, right, 0, 0)
    while at < len(left) or to < len(right):
        ends = _next_same(left, right, at, to)
        if ends is None or len(found) == _MOST:
            return None
        found.append(Replacement(at, ends[0], "".join(right[to : ends[1]])))
        at, to = _common(left, right, *ends)
    return found


def _common(left: Sequence[str], right: Sequence[str], at: int, to: int) -> tuple[int, int]:
    """The first lines that differ, from these on."""
    end = min(len(left) - at, len(right) - to) + at
    while at < end and left[at : at + _CHUNK] == right[to : to + _CHUNK]:
        step = min(_CHUNK, end - at)
        at, to = at + step, to + step
    while at < end and left[at] == right[to]:
        at, to = at + 1, to + 1
    return at, to


def _next_same(left: Sequence[str], right: Sequence[str], at: int, to: int) -> tuple[int, int] | None:
    """Where a difference ends: the next lines that are the same in both, or the end of both."""
    for skipped in range(1, 2 * _NEAR + 1):
        for one, other in _split(skipped):
            here, there = at + one, to + other
            if here <= len(left) and there <= len(right) and _continues(left, right, here, there):
                return here, there
    rest = len(left) - at, len(right) - to
    return (len(left), len(right)) if max(rest) <= _NEAR else None


def _split(lines: int) -> Iterator[tuple[int, int]]:
    """The ways to take that many lines from two sides, the most even first."""
    yield from sorted(((one, lines - one) for one in range(lines + 1)), key=lambda pair: abs(pair[0] - pair[1]))


def _continues(left: Sequence[str], right: Sequence[str], at: int, to: int) -> bool:
    """Whether both texts go on with the same lines. Those at the end may be fewer."""
    ours, others = left[at : at + _SAME], right[to : to + _SAME]
    return ours == others and (bool(ours) or (at == len(left) and to == len(right)))
