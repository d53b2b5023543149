"""Bounce categories that records no longer have: a program that stops mail to unknown users by category misses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.records import RECORDS_LOST
from pmtaform.plan.dangers.sections import Sections
from pmtaform.plan.dangers.sides import Sides

_TAG: Final = "bounce-category-patterns"


@reports(RECORDS_LOST)
def categories_lost(sides: Sides) -> Iterator[DangerFinding]:
    """Categories that some pattern gave, and none does after the change."""
    if sides.are_same(_TAG):
        return
    after = _categories(sides.sections_after)
    lost = [name for name in _categories(sides.sections_before) if name not in after]
    if lost:
        cause = sides.cause_named(_TAG)
        shown = words.several([values.shown(name) for name in lost])
        detail = (
            f"Bounces are no longer recorded as {shown}, and programs that rely on that category no longer see them"
        )
        yield DangerFinding(kind=RECORDS_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _categories(sections: Sections) -> dict[str, None]:
    """The categories that patterns give: the last word of each line."""
    lines = (entry.line for body in sections.of(_TAG).values() for entry in body.entries)
    return {f"{line.name} {line.value}".split()[-1].strip('"').lower(): None for line in lines}
