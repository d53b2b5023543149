"""Recipients that a source refuses by its suppression lists: more of them, or some no longer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.effective import Effective
from pmtaform.lang.values.text import split, unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.loss import MAIL_LOST
from pmtaform.plan.dangers.sections import Sections
from pmtaform.plan.dangers.selection import SelectionClient, clients
from pmtaform.plan.dangers.sides import Sides

SUPPRESSION_LIFTED: Final = DangerKind(
    code="suppression-lifted",
    rank=210,
    summary="mail goes to recipients that a suppression list blocked",
    explanation=(
        "Recipients who unsubscribed, complained or bounced get mail again. Keep the list, or the line that names it."
    ),
)

_LISTS: Final = "suppression-lists"
_TAG: Final = "address-list"
_WIDE: Final = ("domain", "address-file")


@reports(MAIL_LOST, SUPPRESSION_LIFTED)
def suppressions_changed(sides: Sides) -> Iterator[DangerFinding]:
    """Sources that use other suppression lists, and lists in use that lose or gain more than single addresses."""
    if sides.are_same("source", _TAG):
        return
    used: dict[str, list[str]] = {}
    for client in clients(sides):
        was, now = _lists(sides.before, client), _lists(sides.after, client)
        for name in was:
            if name in now:
                used.setdefault(name, []).append(client.shown)
        yield from _detached(sides, client, was, now)
    for name, sources in used.items():
        yield from _list_changed(sides, name, sources)


def _lists(effective: Effective, client: SelectionClient) -> tuple[str, ...]:
    line = effective.sources.line(_LISTS, *client.key)
    return tuple(unquoted(name) for name in split(line.value) if name and name != '""') if line is not None else ()


def _detached(
    sides: Sides, client: SelectionClient, was: tuple[str, ...], now: tuple[str, ...]
) -> Iterator[DangerFinding]:
    lines = [side.sources.line(_LISTS, *client.key) for side in (sides.after, sides.before)]
    cause = sides.cause_of_lines([line for line in lines if line is not None]) if was != now else None
    gone = [name for name in was if name not in now and _entries(sides.sections_before, name)]
    new = [name for name in now if name not in was and _entries(sides.sections_after, name)]
    if gone and client.is_known(sides.after):
        yield _lifted(sides, f"Mail from {client.shown}", f"suppression list {_named(gone)} no longer holds", cause)
    if new:
        detail = f"Mail from {client.shown}: recipients of suppression list {_named(new)} are refused"
        yield DangerFinding(kind=MAIL_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _list_changed(sides: Sides, name: str, sources: list[str]) -> Iterator[DangerFinding]:
    was, now = _entries(sides.sections_before, name), _entries(sides.sections_after, name)
    cause = sides.cause_named(_TAG, name)
    who = f"Mail from {words.several(sources)}"
    gone = [entry for entry in was if entry not in now and _is_wide(entry)]
    new = [entry for entry in now if entry not in was and _is_wide(entry)]
    if was and not now:
        yield _lifted(sides, who, f"suppression list {values.shown(name)} is empty, and had {len(was)} lines", cause)
    elif gone:
        yield _lifted(sides, who, f"suppression list {values.shown(name)} no longer has {_named(gone)}", cause)
    if new:
        detail = f"{who}: suppression list {values.shown(name)} refuses {_named(new)}"
        yield DangerFinding(kind=MAIL_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _lifted(sides: Sides, who: str, what: str, cause: Address | None) -> DangerFinding:
    return DangerFinding(kind=SUPPRESSION_LIFTED, detail=f"{who}: {what}{sides.because(cause)}.", cause=cause)


def _named(names: list[str]) -> str:
    return words.several([values.shown(name) for name in names])


def _entries(sections: Sections, name: str) -> tuple[str, ...]:
    body = sections.of(_TAG).get(name)
    return tuple(f"{e.line.name} {e.line.value}".strip() for e in body.entries) if body is not None else ()


def _is_wide(entry: str) -> bool:
    """Whether an entry covers more than one recipient: single addresses come and go every day."""
    name, _, text = entry.partition(" ")
    return name in _WIDE or text.startswith("/")
