"""Pools whose mail leaves from fewer addresses, from others, or from none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.exits import Both, Spread, exits_of, growth
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.selection import ROUTING_CHANGED
from pmtaform.plan.dangers.sides import Sides

POOL_EMPTIED: Final = DangerKind(
    code="pool-emptied",
    rank=160,
    summary="a pool has no virtual MTA left, or is removed",
    explanation=(
        "Mail that is sent to the pool cannot be delivered. Give the pool a member, or send its mail elsewhere first."
    ),
)
SHARE_RAISED: Final = DangerKind(
    code="share-raised",
    rank=170,
    summary="an address sends many times its share; receivers throttle or block it",
    explanation=(
        "The members of a pool, and the addresses of a virtual MTA, are used in turn; with fewer of them each sends "
        "more. Receivers throttle or block an address whose volume rises suddenly."
    ),
)

_POOL: Final = "virtual-mta-pool"


@reports(POOL_EMPTIED, SHARE_RAISED, ROUTING_CHANGED)
def pools_narrowed(sides: Sides) -> Iterator[DangerFinding]:
    """Pools without a member left, and pools whose addresses get many times their share of the mail."""
    both = exits_of(sides)
    for pool in _touched(sides, both):
        cause = _cause(sides, both, pool)
        if not both.before.members(pool):
            continue
        if not both.after.members(pool):
            yield _emptied(sides, both, pool, cause)
            continue
        raised = list(_raised(sides, both, pool, cause))
        yield from raised or _replaced(sides, both, pool, cause)


def _touched(sides: Sides, both: Both) -> Iterator[str]:
    """The pools whose members, or whose members' addresses, may differ."""
    was, now = sides.before.reading, sides.after.reading
    touched = {*both.moved, *(was.virtual_mtas.keys() ^ now.virtual_mtas.keys())}
    for pool, owner in was.pools.items():
        other = now.pools.get(pool)
        same = other is not None and owner.written is not None and owner.written == other.written
        if not same or not touched.isdisjoint(both.after.listed(pool)):
            yield pool


def _cause(sides: Sides, both: Both, pool: str) -> Address | None:
    own = Address(_POOL, pool)
    if own in sides.changed:
        return own
    members = (Address("virtual-mta", name) for name in both.before.listed(pool))
    return next((address for address in members if address in sides.changed), sides.cause_of_lines(()))


def _emptied(sides: Sides, both: Both, pool: str, cause: Address | None) -> DangerFinding:
    listed = [values.shown(name) for name in both.after.listed(pool)]
    name = values.shown(pool)
    if not sides.after.knows(pool):
        detail = (
            f"Pool {name} is removed. Mail that is directed to it is rejected (5.5.0), or leaves without a virtual "
            f"MTA; its members were {words.several([values.shown(m) for m in both.before.members(pool)])}."
        )
    elif listed:
        detail = (
            f"Pool {name} has no virtual MTA left that exists ({words.several(listed)}: not defined); mail that is "
            "directed to it cannot be delivered."
        )
    else:
        detail = f"Pool {name} has no virtual MTA left; mail that is directed to it cannot be delivered."
    return DangerFinding(kind=POOL_EMPTIED, detail=detail, cause=cause)


def _raised(sides: Sides, both: Both, pool: str, cause: Address | None) -> Iterator[DangerFinding]:
    before, after = both.before.spread(pool), both.after.spread(pool)
    factors = growth(before, after)
    factors = {address: factor for address, factor in factors.items() if factor > sides.rate_factor}
    if factors and both.before.members(pool) == both.after.members(pool):
        shared = _shared(both, pool)
        factors = {address: factor for address, factor in factors.items() if address in shared}
    groups: dict[tuple[float, float, float], list[str]] = {}
    for address, factor in factors.items():
        key = before.get(address, 0.0), after[address], factor
        groups.setdefault(key, []).append(address)
    gone = _lost_members(both, pool)
    for (was, now, factor), addresses in groups.items():
        shown = words.several([values.shown(address) for address in addresses])
        are_several = len(addresses) > 1
        most = _percent(max(before.values()))
        instead = f"instead of {_percent(was)}" if was else f"and sent none of it; no address sent more than {most}"
        gets = f"get {_percent(now)} of its mail each" if are_several else f"gets {_percent(now)} of its mail"
        detail = f"Pool {values.shown(pool)}: {shown} {gets} {instead}"
        yield DangerFinding(
            kind=SHARE_RAISED,
            detail=f"{detail} ({factor:.3g} times as much){gone}{sides.because(cause)}.",
            cause=cause,
            weight=factor,
        )


def _shared(both: Both, pool: str) -> set[str]:
    """The addresses that more than one member has: growth within one member is that member's."""
    members = both.after.members(pool)
    counts = Counter(address for member in members for address in both.after.spread(member))
    return {address for address, count in counts.items() if count > 1}


def _lost_members(both: Both, pool: str) -> str:
    now = set(both.after.members(pool))
    gone = [values.shown(name) for name in both.before.members(pool) if name not in now]
    return f"; of {len(both.before.members(pool))} virtual MTAs {len(gone)} no longer share it" if gone else ""


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def _replaced(sides: Sides, both: Both, pool: str, cause: Address | None) -> Iterator[DangerFinding]:
    """A pool whose mail leaves mostly from addresses that sent none of it before."""
    before, after = both.before.spread(pool), both.after.spread(pool)
    if both.before.members(pool) == both.after.members(pool) or before.keys() <= after.keys():
        return
    remaining = sum(share for address, share in after.items() if address in before)
    if remaining * sides.rate_factor < 1:
        detail = f"Pool {values.shown(pool)} sends from {_addresses(after)}, and before from {_addresses(before)}"
        yield DangerFinding(
            kind=ROUTING_CHANGED, detail=f"{detail}{sides.because(cause)}.", cause=cause, weight=1 - remaining
        )


def _addresses(spread: Spread) -> str:
    return words.several([values.shown(address) for address in spread])
