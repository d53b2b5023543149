"""Danger checks, and the findings that they report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pmtaform.lang.blocks import Address
from pmtaform.plan.dangers.kind import DangerKind

if TYPE_CHECKING:
    from pmtaform.plan.dangers.sides import Sides


@dataclass(frozen=True, slots=True, kw_only=True)
class DangerFinding:
    """One danger of a change.

    `detail` is a complete sentence with numbers: which mail or clients, the value before, the value after, and the line
    that causes it. `cause` is the changed block that causes it; None: the host as a whole. `weight` orders
    findings of one kind, the worst first (for a limit: how many times more it allows).
    """

    kind: DangerKind
    detail: str
    cause: Address | None = None
    weight: float = field(default=1.0, compare=False)

    @property
    def code(self) -> str:
        """The code of its kind."""
        return self.kind.code


@dataclass(frozen=True, slots=True)
class DangerCheck:
    """A function from the two sides of a change to its dangers, with the kinds that it reports."""

    kinds: tuple[DangerKind, ...]
    find: Callable[[Sides], Iterator[DangerFinding]]

    def __call__(self, sides: Sides) -> Iterator[DangerFinding]:
        """The dangers of a change."""
        return self.find(sides)


def reports(*kinds: DangerKind) -> Callable[[Callable[[Sides], Iterator[DangerFinding]]], DangerCheck]:
    """Declare a function as a check that reports these kinds of danger."""
    return lambda find: DangerCheck(kinds, find)
