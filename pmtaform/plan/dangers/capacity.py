"""Limits on the clients that the server serves at once, where they shrink many times over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.effective import Effective
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.sides import Sides
from pmtaform.plan.dangers.submission_cut_off import SUBMISSION_CUT_OFF

_GROUP: Final = "source-group"
_IN_GROUP: Final = "max-smtp-in"
# What is refused for a while once the number is reached. A number where there was none is a choice, and no danger.
_SERVER: Final = {
    "total-max-smtp-in": "connections of clients at once",
    "spool-max-recipients": "recipients in its spools",
}


@reports(SUBMISSION_CUT_OFF)
def capacity_lost(sides: Sides) -> Iterator[DangerFinding]:
    """Limits on what the server accepts that are many times lower than before."""
    for name, what in _SERVER.items():
        was, now = _setting(sides.before, name), _setting(sides.after, name)
        if _shrinks(sides, was, now):
            cause = sides.cause_named("setting", name)
            detail = f"The server as a whole limits {what} to {now} (before: {was}); beyond that, clients must wait"
            yield _finding(sides, detail, cause)
    after = sides.sections_after.of(_GROUP)
    for name, group in sides.sections_before.of(_GROUP).items() if sides.touches(_GROUP) else ():
        was, now = group.value(_IN_GROUP), after[name].value(_IN_GROUP) if name in after else ""
        if _shrinks(sides, was, now):
            detail = f"<{_GROUP} {values.shown(name)}> limits connections of its clients to {now} (before: {was})"
            yield _finding(sides, detail, sides.cause_named(_GROUP, name))


def _setting(effective: Effective, name: str) -> str:
    spec = catalogue().directive(GLOBAL, name)
    lines = effective.reading.lines.get(name)
    return unquoted(lines[-1].value.strip()) if lines else (spec.default or "" if spec is not None else "")


def _shrinks(sides: Sides, was: str, now: str) -> bool:
    return was.isdigit() and now.isdigit() and int(now) * sides.rate_factor < int(was)


def _finding(sides: Sides, detail: str, cause: Address | None) -> DangerFinding:
    return DangerFinding(kind=SUBMISSION_CUT_OFF, detail=f"{detail}{sides.because(cause)}.", cause=cause)
