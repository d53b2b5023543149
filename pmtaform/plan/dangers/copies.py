"""Copies of mail that go to another address, or to none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective import Effective
from pmtaform.lang.values.text import lower_address, unquoted
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.queues import QueueChange
from pmtaform.plan.dangers.reach import Effect, findings_of
from pmtaform.plan.dangers.records import RECORDS_LOST
from pmtaform.plan.dangers.selection import SelectionClient, clients
from pmtaform.plan.dangers.sides import Sides

MAIL_COPIED: Final = DangerKind(
    code="mail-copied",
    rank=200,
    summary="copies of mail go to a new address",
    explanation=("Copies contain the complete messages. Check that the receiver of the copies may read them."),
)

_BCC: Final = "bcc"
_DELIVERED: Final = "bcc-upon-delivery"


@reports(MAIL_COPIED, RECORDS_LOST)
def copies_changed(sides: Sides) -> Iterator[DangerFinding]:
    """Sources and queues whose mail is copied to another address than before."""
    if not sides.are_same("source"):
        for client in clients(sides):
            yield from _of_source(sides, client)
    yield from findings_of(sides, _of_queues(sides))


def _of_source(sides: Sides, client: SelectionClient) -> Iterator[DangerFinding]:
    was, now = _bcc(sides.before, client), _bcc(sides.after, client)
    if was == now or (not now and not client.is_known(sides.after)):
        return
    lines = [side.sources.line(_BCC, *client.key) for side in (sides.after, sides.before)]
    cause = sides.cause_of_lines([line for line in lines if line is not None])
    kind, what = _effect(was, now)
    yield DangerFinding(kind=kind, detail=f"Mail from {client.shown}: {what}{sides.because(cause)}.", cause=cause)


def _bcc(effective: Effective, client: SelectionClient) -> str:
    line = effective.sources.line(_BCC, *client.key)
    return _address(line.value) if line is not None else ""


def _address(text: str) -> str:
    return lower_address(unquoted(text.strip()))


def _of_queues(sides: Sides) -> Iterator[tuple[QueueChange, Effect]]:
    for queue in sides.queues:
        move = queue.move(_DELIVERED) if queue.domain else None
        if move is not None:
            was, now = (
                (_address(value.values[-1]) if value and value.values else "") for value in (move.before, move.after)
            )
            kind, what = _effect(was, now, "delivered mail")
            yield queue, Effect(kind, what, sides.cause(move.before, move.after))


def _effect(was: str, now: str, which: str = "every message") -> tuple[DangerKind, str]:
    if not now:
        return RECORDS_LOST, f"{which} is no longer copied to {values.shown(was)}"
    before = f", and before to {values.shown(was)}" if was else ""
    return MAIL_COPIED, f"{which} is copied to {values.shown(now)}{before}"
