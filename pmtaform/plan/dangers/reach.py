"""Queues with the same effect for the same cause, as one finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from pmtaform.lang.blocks import Address
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.queues import QueueChange
from pmtaform.plan.dangers.sides import Sides


@dataclass(slots=True)
class Reach:
    """The domains and the virtual MTAs of queues with the same effect.

    Thousands of virtual MTAs come with each of hundreds of domains, and mostly as the very same tuple: it is kept once.
    """

    domains: dict[str, None] = field(default_factory=dict)
    _vmtas: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def add(self, domain: str, vmtas: tuple[str, ...]) -> None:
        """Take in a domain over these virtual MTAs."""
        self.domains[domain] = None
        self._vmtas[id(vmtas)] = vmtas

    def count(self) -> int:
        """How many virtual MTAs there are."""
        return len(set(chain.from_iterable(self._vmtas.values())))

    def over(self, sides: Sides) -> str:
        """The virtual MTAs in words, in the order of the configuration."""
        return sides.over(self._vmtas.values())


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect on a queue, in words that follow its name; effects with the same words are one finding."""

    kind: DangerKind
    what: str
    cause: Address | None = None
    weight: float = 1.0


def findings_of(sides: Sides, effects: Iterable[tuple[QueueChange, Effect]]) -> Iterator[DangerFinding]:
    """One finding for each effect, with all the queues that it happens in."""
    reaches: dict[tuple[Effect, bool], Reach] = {}
    for queue, effect in effects:
        reaches.setdefault((effect, queue.mx), Reach()).add(queue.domain, queue.vmtas)
    for (effect, mx), reach in reaches.items():
        who = f"{words.domains(reach.domains, mx=mx)} over {reach.over(sides)}"
        yield DangerFinding(
            kind=effect.kind,
            detail=f"{who}: {effect.what}{sides.because(effect.cause)}.",
            cause=effect.cause,
            weight=effect.weight,
        )
