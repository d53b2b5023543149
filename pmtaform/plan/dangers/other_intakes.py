"""Submission other than by SMTP: the transmissions API, and the pickup folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective import Effective
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.listeners import API_LISTENER, Exposure, Listener, sections
from pmtaform.plan.dangers.sides import Sides
from pmtaform.plan.dangers.submission_cut_off import SUBMISSION_CUT_OFF
from pmtaform.plan.dangers.submission_opened import SUBMISSION_OPENED

_PICKUP: Final = "pickup"


@reports(SUBMISSION_OPENED, SUBMISSION_CUT_OFF)
def api_listeners_changed(sides: Sides) -> Iterator[DangerFinding]:
    """Listeners of the API that go, or that can be reached from further away."""
    if not sides.touches(API_LISTENER):
        return
    before, after = sections(sides.before, API_LISTENER), sections(sides.after, API_LISTENER)
    places = words.several([one.name for one in after])
    for listener in before:
        if not any(other.covers(listener) for other in after):
            left = f"the API listens on {places} only" if after else "nothing listens for the API any more"
            who = f"Programs that submit mail to {listener.name} (transmissions API) are cut off"
            yield _finding(sides, SUBMISSION_CUT_OFF, f"{who}: {left}", [listener, *after])
    was, now = _furthest(before), _furthest(after)
    if now > max(was, Exposure.INSIDE):
        # How the API tells its clients apart is not in the guides, so that each that reaches it counts.
        which = [one for one in after if one.reach is now]
        detail = "The transmissions API can be reached from outside, and mail may be submitted there: it listens on "
        yield _finding(sides, SUBMISSION_OPENED, detail + places, which)


@reports(SUBMISSION_CUT_OFF)
def pickup_lost(sides: Sides) -> Iterator[DangerFinding]:
    """A pickup folder that PowerMTA no longer reads."""
    after = _folders(sides.after)
    folders = [values.shown(folder) for folder in _folders(sides.before) if folder not in after]
    if folders:
        cause = sides.cause_named("setting", _PICKUP)
        detail = f"Mail that programs put into {words.several(folders)} is no longer picked up, and stays there"
        yield DangerFinding(kind=SUBMISSION_CUT_OFF, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _furthest(listeners: list[Listener]) -> Exposure:
    return max((listener.reach for listener in listeners), default=Exposure.NONE)


def _finding(sides: Sides, kind: DangerKind, detail: str, listeners: list[Listener]) -> DangerFinding:
    cause = sides.cause_of_lines(listener.line for listener in listeners if listener.line is not None)
    return DangerFinding(kind=kind, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _folders(effective: Effective) -> list[str]:
    """The folders that mail is picked up from; the second of each line is for what cannot be read."""
    lines = effective.reading.lines.get(_PICKUP, ())
    return [unquoted(line.value.strip()).split()[0].rstrip("/") for line in lines if line.value.strip('" ')]
