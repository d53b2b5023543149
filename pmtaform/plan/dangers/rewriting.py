"""Addresses that PowerMTA rewrites: senders by rewrite lists, recipients by aliases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.effective import Effective
from pmtaform.lang.values.text import lower_address, unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.sections import Sections
from pmtaform.plan.dangers.selection import ROUTING_CHANGED, SelectionClient, clients
from pmtaform.plan.dangers.sides import Sides

_LIST: Final = "rewrite-list"
_ALIAS: Final = "alias"


@reports(ROUTING_CHANGED)
def addresses_rewritten(sides: Sides) -> Iterator[DangerFinding]:
    """Sources and virtual MTAs whose mail is rewritten by other rules than before, and aliases with another target."""
    if not sides.are_same("source", _LIST):
        yield from _of_sources(sides)
    yield from _of_virtual_mtas(sides)
    yield from _aliases(sides)


def _of_sources(sides: Sides) -> Iterator[DangerFinding]:
    groups: dict[tuple[str, str], list[str]] = {}
    for client in clients(sides):
        if client.is_known(sides.before) and client.is_known(sides.after):
            names = _named(sides.before, client), _named(sides.after, client)
            groups.setdefault(names, []).append(client.shown)
    for (was, now), sources in groups.items():
        yield from _finding(sides, f"Mail from {words.several(sources)}", was, now)


def _named(effective: Effective, client: SelectionClient) -> str:
    line = effective.sources.line(_LIST, *client.key)
    return unquoted(line.value.strip()) if line is not None else ""


def _of_virtual_mtas(sides: Sides) -> Iterator[DangerFinding]:
    for queue in sides.queues:
        move = None if queue.domain else queue.move(_LIST)
        if move is not None and move.before is not None and move.after is not None:
            was, now = (unquoted(side.values[-1]) if side.values else "" for side in (move.before, move.after))
            yield from _finding(sides, f"Mail over {words.virtual_mtas(queue.vmtas, sides.virtual_mtas)}", was, now)
    if not sides.are_same(_LIST):
        groups: dict[str, list[str]] = {}
        for vmta in sides.virtual_mtas:
            named = [side.owner_meaning(vmta, (_LIST,)).get(_LIST, ()) for side in (sides.before, sides.after)]
            for name in named[1]:
                if name in named[0]:
                    groups.setdefault(name, []).append(vmta)
        for name, vmtas in groups.items():
            yield from _finding(sides, f"Mail over {words.virtual_mtas(vmtas, sides.virtual_mtas)}", name, name)


def _finding(sides: Sides, who: str, was: str, now: str) -> Iterator[DangerFinding]:
    before, after = _rules(sides.sections_before, was), _rules(sides.sections_after, now)
    if before == after:
        return
    address = Address(_LIST, now or was)
    cause = address if address in sides.changed else sides.cause_of_lines(())
    gone = [rule for rule in before if rule not in after]
    new = [rule for rule in after if rule not in before]
    parts = [f"gains {_shown(new)}"] * bool(new) + [f"loses {_shown(gone)}"] * bool(gone)
    what = " and ".join(parts) or "applies its rules in a different order"
    detail = f"{who}: the rewriting of sender addresses {what}; replies and bounces follow the sender"
    yield DangerFinding(kind=ROUTING_CHANGED, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _shown(rules: list[str]) -> str:
    return words.several([f"`{values.shown(rule)}`" for rule in rules])


def _rules(sections: Sections, name: str) -> tuple[str, ...]:
    body = sections.of(_LIST).get(name)
    entries = body.entries if body is not None else ()
    return tuple(f"{e.line.name} {' '.join(lower_address(w) for w in e.line.value.split())}" for e in entries)


def _aliases(sides: Sides) -> Iterator[DangerFinding]:
    """Aliases of both sides whose target changes."""
    was, now = _targets(sides.before, sides.sections_before), _targets(sides.after, sides.sections_after)
    for source, targets in was.items():
        if source in now and now[source] != targets:
            detail = f"Mail for {values.shown(source)} goes to {values.shown(now[source])}, and before to "
            cause = sides.cause_named("setting", _ALIAS)
            yield DangerFinding(
                kind=ROUTING_CHANGED, detail=f"{detail}{values.shown(targets)}{sides.because(cause)}.", cause=cause
            )


def _targets(effective: Effective, sections: Sections) -> dict[str, str]:
    lines = list(effective.reading.lines.get(_ALIAS, ()))
    lines += [line for body in sections.of("aliases").values() for line in body.lines(_ALIAS)]
    pairs = (line.value.split(None, 1) for line in lines)
    return {
        lower_address(pair[0]): ",".join(sorted(lower_address(part.strip()) for part in pair[1].split(",")))
        for pair in pairs
        if len(pair) == 2
    }
