"""Limits that a change raises or lifts, for whichever queue, virtual MTA or server.

A limit is a directive whose type in the catalogue is a rate, a volume, a count or an interval between tries. The counts
that are limits are listed here, since the catalogue calls them numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.effective import Value, ValueMove
from pmtaform.lang.effective.model import Source
from pmtaform.lang.effective.patterns import plain
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.levels import factor_of, is_limit
from pmtaform.plan.dangers.queues import QueueChange
from pmtaform.plan.dangers.reach import Effect, Reach, findings_of
from pmtaform.plan.dangers.sides import Sides

RATE_RAISED: Final = DangerKind(
    code="rate-raised",
    rank=220,
    summary="a limit is raised many times over; receivers throttle or block an address that sends a burst",
    explanation=(
        "A limit allows many times more than before (`limits.rate-factor`), or no longer exists. Receivers throttle "
        "or block an address that sends a burst; raise limits in steps."
    ),
)

_WAKE: Final = "retry-upon-new-mail"
_NO_ROLLUP: Final = "disable-mx-rollup"
_COLD: Final = "max-cold-virtual-mta-msg"
_SHARED: Final = ("max-msg-rate", "max-smtp-out", "max-connect-rate", "max-data-volume-rate")


@dataclass(frozen=True, slots=True)
class _Key:
    """Raised limits that share a sentence: the same directive, the same values, the same cause."""

    name: str
    before: str
    after: str
    cause: Address | None
    mx: bool
    queues: tuple[str, str]


@dataclass(slots=True)
class _Raise:
    factor: float = 0.0
    reach: Reach = field(default_factory=Reach)


@reports(RATE_RAISED)
def limits_raised(sides: Sides) -> Iterator[DangerFinding]:
    """Limits of queues and of virtual MTAs that allow more than `rate_factor` times as much as before."""
    raises: dict[_Key, _Raise] = {}
    for queue in sides.queues:
        for move in queue.moves:
            factor = _raised(sides, queue, move)
            if factor is not None and factor > sides.rate_factor:
                known = raises.setdefault(_key(sides, queue, move), _Raise())
                known.factor = max(known.factor, factor)
                known.reach.add(queue.domain, queue.vmtas)
    for key, raised in raises.items():
        free = ", which is no limit" * (raised.factor == float("inf") and key.after.split()[0] == "0")
        detail = (
            f"{_who(sides, key, raised.reach)}: {key.name} {key.before} -> {key.after}{free}{_times(raised.factor)}"
        )
        yield DangerFinding(
            kind=RATE_RAISED, detail=f"{detail}{sides.because(key.cause)}.", cause=key.cause, weight=raised.factor
        )


def _raised(sides: Sides, queue: QueueChange, move: ValueMove) -> float | None:
    if move.before is None or move.after is None or not is_limit(move.after.spec or move.before.spec):
        return None
    if move.before.source is move.after.source is Source.FALLBACK:
        return None  # its normal counterpart is reported
    if move.before.source is Source.DEFAULT and not (_is_configured(sides, queue) or _is_filled(sides, queue, move)):
        return None
    if move.name == _COLD and not any(_is_warmed(sides, vmta) for vmta in queue.vmtas):
        return None
    return factor_of(move.before, move.after)


def _is_configured(sides: Sides, queue: QueueChange) -> bool:
    """Whether any section applied to the queue before, or sent its mail there.

    Where none did, PowerMTA's defaults applied and no one had chosen them: a new server's first limits raise nothing.
    """
    if not queue.domain or (queue.queue_before and not queue.mx):
        return True
    return bool(sides.before.matches("*" if queue.mx else queue.domain, queue.vmtas[0]))


def _is_filled(sides: Sides, queue: QueueChange, move: ValueMove) -> bool:
    """Whether `queue-to` put mail in a queue that no section was written for, and whose limit changes like this."""
    names = [name for name in _filled_queues(sides) if queue.domain.startswith(("*", "[")) or name == queue.domain]
    if not names or move.before is None or move.after is None:
        return False
    by_shape = {sides.before.shape(vmta): vmta for vmta in queue.vmtas}
    return any(
        sides.before.values(name, vmta, (move.name,))[move.name].normal == move.before.normal
        and sides.after.values(name, vmta, (move.name,))[move.name].normal == move.after.normal
        for vmta in by_shape.values()
        for name in names
    )


def _filled_queues(sides: Sides) -> frozenset[str]:
    """The queues that `queue-to` names, by the lines: 10,000 virtual MTAs may have 200 domains each."""
    known = sides.memory.get("filled queues")
    if not isinstance(known, frozenset):
        lines = (line.split() for tree in sides.configurations[0].trees.values() for line in tree.lines)
        known = frozenset(plain(line[1]) for line in lines if len(line) > 1 and line[0].lower() == "queue-to")
        sides.memory["filled queues"] = known
    return known


def _is_warmed(sides: Sides, vmta: str) -> bool:
    """Whether a virtual MTA has a cold one. Without it, the number of messages for the cold one has no effect."""
    return bool(sides.after.owner_meaning(vmta, ("cold-virtual-mta",)))


def _key(sides: Sides, queue: QueueChange, move: ValueMove) -> _Key:
    return _Key(
        move.name,
        words.value(move.before),
        words.value(move.after),
        sides.cause(move.before, move.after),
        queue.mx,
        (queue.queue_before, queue.queue_after),
    )


def _who(sides: Sides, key: _Key, reach: Reach) -> str:
    vmtas = reach.over(sides)
    domains = [name for name in reach.domains if name]
    if not domains:
        return f"{vmtas}, all mail together"
    return f"{words.domains(domains, mx=key.mx)} over {vmtas}"


def _times(factor: float) -> str:
    return (
        ""
        if factor == float("inf")
        else f" ({factor:,.0f} times as much)"
        if factor >= 10
        else f" ({factor:.2g} times as much)"
    )


@reports(RATE_RAISED)
def retries_woken(sides: Sides) -> Iterator[DangerFinding]:
    """Queues that no longer wait for the next retry."""
    return findings_of(sides, _retried_queues(sides))


def _retried_queues(sides: Sides) -> Iterator[tuple[QueueChange, Effect]]:
    for queue in sides.queues:
        move = queue.move(_WAKE) if queue.domain else None
        if move is not None and _is_on(move.after) and not _is_on(move.before):
            what = f"new mail ends the wait for the next try, so `retry-after` has no effect (`{_WAKE}`)"
            yield queue, Effect(RATE_RAISED, what, sides.cause(move.before, move.after))


def _is_on(value: Value | None) -> bool:
    return value is not None and bool(value.values) and values.parse_bool(unquoted(value.values[-1])) is True


# -- one limit for many domains ----------------------------------------------------------------------------------------


@reports(RATE_RAISED)
def queues_parted(sides: Sides) -> Iterator[DangerFinding]:
    """Domains that shared one limit, and get one each.

    The limit of a shared queue (`queue-to`, MX rollup) holds for all its domains; out of it, each counts by itself.
    """
    for shared, queues in _leaving(sides).items():
        for name in _SHARED:
            yield from _separated(sides, shared, queues, name)


def _leaving(sides: Sides) -> Mapping[str, list[QueueChange]]:
    leaving: dict[str, list[QueueChange]] = {}
    for queue in sides.queues:
        if queue.queue_before and not queue.queue_after:
            leaving.setdefault(queue.queue_before, []).append(queue)
    return leaving


def _separated(sides: Sides, shared: str, queues: list[QueueChange], name: str) -> Iterator[DangerFinding]:
    vmta = queues[0].vmtas[0]
    had = sides.before.settings(shared, vmta).values[name]
    if not had.is_set:
        return
    mx = queues[0].mx
    domains = list(dict.fromkeys(queue.domain for queue in queues))
    many = mx or any(domain.startswith("*") for domain in domains)
    alone = [sides.after.settings("*" if mx else domain, vmta).values[name] for domain in domains]
    factors = [factor for value in alone if (factor := factor_of(had, value)) is not None]
    if not many and sum(factors) <= sides.rate_factor:
        return
    if any(factor > sides.rate_factor for factor in factors):
        return  # each by itself is reported as a raised limit
    cause = sides.cause(had)
    limit = words.value(alone[0])
    yield DangerFinding(
        kind=RATE_RAISED,
        detail=f"{words.domains(domains, mx=mx)} had one {name} of {words.value(had)} together (queue {shared}), and "
        f"now each domain has {limit} for itself{sides.because(cause)}.",
        cause=cause,
        weight=sum(factors),
    )


@reports(RATE_RAISED)
def rollups_left(sides: Sides) -> Iterator[DangerFinding]:
    """Domains that leave the queues of their MX (`disable-mx-rollup`), and the limits that they had there together."""
    return findings_of(sides, _left(sides)) if sides.before.reading.rollups else iter(())


def _left(sides: Sides) -> Iterator[tuple[QueueChange, Effect]]:
    for queue in sides.queues:
        move = queue.move(_NO_ROLLUP) if queue.domain and not queue.mx else None
        if move is None or not _is_on(move.after) or _is_on(move.before):
            continue
        left = [name for name in dict.fromkeys(sides.before.reading.rollups.values()) if _frees(sides, queue, name)]
        if left:
            what = f"mail no longer counts towards the limits that its MX has in {words.several(left)}, which hold for "
            what += f"many domains together; each has its own limits (`{_NO_ROLLUP}`)"
            yield queue, Effect(RATE_RAISED, what, sides.cause(move.before, move.after))


def _frees(sides: Sides, queue: QueueChange, rollup: str) -> bool:
    """Whether much more may be sent when the queue's mail does not count towards a rollup queue's limits."""
    vmta = queue.vmtas[0]
    had, alone = sides.before.settings(rollup, vmta).values, sides.after.settings(queue.domain, vmta).values
    factors = [factor_of(had[name], alone[name]) for name in _SHARED if had[name].is_set]
    many = queue.domain.startswith("*")
    return any(factor is not None and (many or 1 + factor > sides.rate_factor) for factor in factors)
