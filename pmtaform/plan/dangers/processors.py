"""Bounces and complaints that a processor no longer reads: it reads only addresses of an `<address-list>`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.records import RECORDS_LOST
from pmtaform.plan.dangers.sections import Sections
from pmtaform.plan.dangers.sides import Sides

_READ: Final = {"bounce-processor": "bounces", "feedback-loop-processor": "complaints"}
_NAMES: Final = ("address", "domain", "address-file")


@reports(RECORDS_LOST)
def processors_narrowed(sides: Sides) -> Iterator[DangerFinding]:
    """Addresses that a processor no longer looks at."""
    for tag, what in _READ.items():
        if sides.are_same(tag):
            continue
        after = _addresses(sides.sections_after, tag)
        lost = [address for address in _addresses(sides.sections_before, tag) if address not in after]
        if lost:
            cause = sides.cause_named(tag)
            shown = words.several([f"`{values.shown(address)}`" for address in lost])
            detail = f"Mail to {shown} is no longer read by <{tag}>: {what} that arrive there are not recorded"
            yield DangerFinding(kind=RECORDS_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _addresses(sections: Sections, tag: str) -> dict[str, None]:
    """The lines of its address lists. Files are taken as named, and may hold the same under another name."""
    lines = (line for body in sections.of(tag).values() for line in body.lines(*_NAMES))
    texts = ((line.name, unquoted(line.value.strip())) for line in lines)
    return {f"{name} {text if text.startswith('/') else text.lower()}": None for name, text in texts}
