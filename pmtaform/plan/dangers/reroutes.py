"""Mail that is moved to another virtual MTA in the queue, and names of virtual MTAs that do not exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective import ValueMove
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.exits import Both, Exits, exits_of
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.loss import MAIL_LOST
from pmtaform.plan.dangers.queues import QueueChange
from pmtaform.plan.dangers.selection import ROUTING_CHANGED
from pmtaform.plan.dangers.sides import Sides

_WHEN: Final = {"reroute-to-virtual-mta": "mail", "backoff-reroute-to-virtual-mta": "mail in back-off"}
_COLD: Final = "cold-virtual-mta"
_FALLBACK: Final = "invalid-virtual-mta-fallback"


@reports(MAIL_LOST, ROUTING_CHANGED)
def reroutes_changed(sides: Sides) -> Iterator[DangerFinding]:
    """Queues whose mail is moved to another virtual MTA than before, or no longer moved."""
    both = exits_of(sides)
    for queue in sides.queues:
        for move in queue.moves:
            if move.name in _WHEN and queue.domain:
                yield from _rerouted(sides, both, queue, move)


def _rerouted(sides: Sides, both: Both, queue: QueueChange, move: ValueMove) -> Iterator[DangerFinding]:
    was, now = _name(move.before), _name(move.after)
    cause = sides.cause(move.before, move.after)
    who = f"{words.domains([queue.domain], mx=queue.mx)} over {words.virtual_mtas(queue.vmtas, sides.virtual_mtas)}"
    if now and not both.after.exists(now):
        detail = f"{_WHEN[move.name]} is moved to {values.shown(now)}, which does not exist. The result is "
        yield DangerFinding(
            kind=MAIL_LOST,
            detail=f"{who}: {detail}not documented; it may bounce (5.3.5){sides.because(cause)}.",
            cause=cause,
        )
    elif any(not both.is_same_way(was or vmta, now or vmta) for vmta in queue.vmtas):
        target = f"to {both.after.shown(now)}" if now else "to no other virtual MTA"
        before = f", and before to {both.before.shown(was)}" if was and both.before.exists(was) else ""
        yield DangerFinding(
            kind=ROUTING_CHANGED,
            detail=f"{who}: {_WHEN[move.name]} is moved {target}{before}{sides.because(cause)}.",
            cause=cause,
        )


def _name(value: object) -> str:
    names = getattr(value, "values", ())
    return unquoted(names[-1].strip()) if names else ""


@reports(MAIL_LOST, ROUTING_CHANGED)
def fallback_changed(sides: Sides) -> Iterator[DangerFinding]:
    """Another virtual MTA, or none, for mail that names one that does not exist."""
    both = exits_of(sides)
    was, now = _top(sides.before.reading.lines.get(_FALLBACK)), _top(sides.after.reading.lines.get(_FALLBACK))
    if was == now or not _is_used(sides):
        return
    cause = sides.cause_named("setting", _FALLBACK)
    who = "Mail that names a virtual MTA which does not exist"
    if now and not both.after.exists(now):
        detail = f"{who} falls back to {values.shown(now)}, which does not exist either: it is rejected (5.5.0)"
        yield DangerFinding(kind=MAIL_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)
    elif not now:
        detail = f"{who} has no fallback any more: before, it left over {both.before.shown(was)}"
        yield DangerFinding(kind=MAIL_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)
    elif was and not both.is_same_way(was, now):
        detail = f"{who} leaves over {both.after.shown(now)}, and before over {both.before.shown(was)}"
        yield DangerFinding(kind=ROUTING_CHANGED, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _top(lines: list[SourceLine] | None) -> str:
    return unquoted(lines[-1].value.strip()) if lines else ""


def _is_used(sides: Sides) -> bool:
    """Whether some source lets mail name a virtual MTA that does not exist."""
    return any(
        values.parse_bool(unquoted(line.value)) is False
        for body in sides.sections_after.of("source").values()
        for line in body.lines("reject-invalid-virtual-mta")
    )


@reports(MAIL_LOST)
def names_dead(sides: Sides) -> Iterator[DangerFinding]:
    """Pools and warm-up settings that newly name a virtual MTA that does not exist."""
    both = exits_of(sides)
    removed = sides.before.reading.virtual_mtas.keys() - sides.after.reading.virtual_mtas.keys()
    yield from _dead_members(sides, both)
    yield from _dead_cold(sides, both, removed)
    if removed:
        yield from _dead_reroutes(sides, removed)


def _dead_members(sides: Sides, both: Both) -> Iterator[DangerFinding]:
    for pool, owner in sides.after.reading.pools.items():
        other = sides.before.reading.pools.get(pool)
        same = other is not None and owner.written is not None and owner.written == other.written
        if same and sides.before.reading.virtual_mtas.keys() <= sides.after.reading.virtual_mtas.keys():
            continue
        dead = _dead(both.after, pool)
        new = [name for name in dead if name not in _dead(both.before, pool)]
        if new and both.after.members(pool):
            cause = sides.cause_named("virtual-mta-pool", pool)
            detail = (
                f"Pool {values.shown(pool)} names {words.several([values.shown(name) for name in new])}, which "
                f"{'do' if len(new) > 1 else 'does'} not exist. The handling of its turns is not documented; "
                f"{len(dead)} of {len(both.after.listed(pool))} may bounce (5.3.5), or the load fails"
            )
            yield DangerFinding(kind=MAIL_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _dead(exits: Exits, pool: str) -> list[str]:
    members = set(exits.members(pool))
    return [name for name in exits.listed(pool) if name not in members]


def _dead_cold(sides: Sides, both: Both, removed: set[str]) -> Iterator[DangerFinding]:
    groups: dict[str, list[str]] = {}
    for queue in sides.queues:
        move = None if queue.domain else queue.move(_COLD)
        for name in () if move is None or move.after is None else move.after.values:
            if not both.after.exists(unquoted(name)):
                groups.setdefault(unquoted(name), []).extend(queue.vmtas)
    for vmta, owner in sides.after.reading.virtual_mtas.items() if removed else ():
        for lines in owner.lines:
            names = [unquoted(line.value) for line in lines if line.name == _COLD]
            for name in removed.intersection(names):
                groups.setdefault(name, []).append(vmta)
    for name, vmtas in groups.items():
        cause = sides.cause_named("virtual-mta", name)
        detail = (
            f"{words.virtual_mtas(vmtas)}: the first messages of each day go to {values.shown(name)}, which does not "
            "exist. The result is not documented; they may bounce (5.3.5)"
        )
        yield DangerFinding(kind=MAIL_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)


def _dead_reroutes(sides: Sides, removed: set[str]) -> Iterator[DangerFinding]:
    """Domains that still name a virtual MTA that is removed."""
    groups: dict[tuple[str, str], dict[str, None]] = {}
    for tree in sides.configurations[1].trees.values():
        for _, node in tree.walk() if any("reroute-to-virtual-mta" in line for line in tree.lines) else ():
            name = getattr(node, "name", "").lower()
            if name in _WHEN and unquoted(getattr(node, "value", "").strip()) in removed:
                groups.setdefault((name, unquoted(getattr(node, "value", "").strip())), {})[f"{node.line}"] = None
    for (name, target), lines in groups.items():
        cause = sides.cause_named("virtual-mta", target)
        count = f"{len(lines)} line{'s' if len(lines) > 1 else ''}"
        detail = (
            f"`{name} {values.shown(target)}` ({count}) names a virtual MTA that is removed; mail may bounce (5.3.5)"
        )
        yield DangerFinding(kind=MAIL_LOST, detail=f"{detail}{sides.because(cause)}.", cause=cause)
