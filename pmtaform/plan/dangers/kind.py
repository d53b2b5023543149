"""The declaration of a kind of danger."""

from __future__ import annotations

from dataclasses import dataclass

from pmtaform.diagnostics import Definition, Kind


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DangerKind(Definition):
    """One kind of danger, which needs consent by its code. Its `summary` is what it costs.

    `rank` orders the kinds in a plan: the lowest is the worst.
    """

    kind: Kind = Kind.BLOCKED
    rank: int

    __hash__ = object.__hash__  # a kind is declared once; thousands of effects are grouped by it
