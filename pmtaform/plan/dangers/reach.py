"""Queues in which the same happens for the same cause, as one finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pmtaform.lang.blocks import Address
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import Finding
from pmtaform.plan.dangers.queues import QueueChange
from pmtaform.plan.dangers.sides import Sides


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens in a queue, in words that follow its name; effects with the same words are one finding."""

    code: str
    what: str
    cause: Address | None = None
    weight: float = 1.0


def findings_of(sides: Sides, effects: Iterable[tuple[QueueChange, Effect]]) -> Iterator[Finding]:
    """One finding for each effect, with all the queues that it happens in."""
    reach: dict[tuple[Effect, bool], tuple[dict[str, None], dict[str, None]]] = {}
    for queue, effect in effects:
        domains, vmtas = reach.setdefault((effect, queue.mx), ({}, {}))
        domains[queue.domain] = None
        vmtas |= dict.fromkeys(queue.vmtas)
    for (effect, mx), (domains, vmtas) in reach.items():
        who = f"{words.domains(domains, mx=mx)} over {words.virtual_mtas(vmtas, sides.virtual_mtas)}"
        yield Finding(
            code=effect.code,
            detail=f"{who}: {effect.what}{sides.because(effect.cause)}.",
            cause=effect.cause,
            weight=effect.weight,
        )
