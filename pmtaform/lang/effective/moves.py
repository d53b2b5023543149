"""Values that change, as data, and the difference of two sets of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pmtaform.lang.effective.model import Value


@dataclass(frozen=True, slots=True)
class ValueMove:
    """One directive whose effective value changes; None: the virtual MTA is not there on that side."""

    name: str
    before: Value | None
    after: Value | None


@dataclass(frozen=True, slots=True)
class PairChange:
    """A domain whose values change, and the virtual MTAs for which they change in the same way.

    `domain` empty: the virtual MTAs' own values change. A wildcard stands for every domain that it covers and that is
    not named more closely.
    """

    domain: str
    vmtas: tuple[str, ...]
    moves: tuple[ValueMove, ...]


def differing(was: Mapping[str, Value], now: Mapping[str, Value]) -> tuple[ValueMove, ...]:
    """The directives that are another value. A default that a line now says is none."""
    pairs = [(name, was.get(name), now.get(name)) for name in dict.fromkeys((*now, *was))]
    return tuple(
        ValueMove(name, left, right)
        for name, left, right in pairs
        if left is None or right is None or left.normal != right.normal
    )
