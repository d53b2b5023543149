"""Virtual MTAs that are removed, and virtual MTAs that send from other or from fewer addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.exits import Both, covered, exits_of, growth, is_range
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.pools import SHARE_RAISED
from pmtaform.plan.dangers.sides import Sides

VIRTUAL_MTA_REMOVED: Final = DangerKind(
    code="virtual-mta-removed",
    rank=140,
    summary="mail that is queued for a virtual MTA bounces",
    explanation=(
        "PowerMTA bounces mail that is queued for a virtual MTA that no longer exists. Let its queues drain first."
    ),
)
SOURCE_ADDRESS_REMOVED: Final = DangerKind(
    code="source-address-removed",
    rank=180,
    summary="mail leaves from other addresses than before",
    explanation=(
        "Mail leaves from other addresses, which have another reputation and other records in DNS. Warm up new "
        "addresses before they replace old ones."
    ),
)


@reports(VIRTUAL_MTA_REMOVED)
def virtual_mtas_gone(sides: Sides) -> Iterator[DangerFinding]:
    """Virtual MTAs that the change removes."""
    after = sides.after.reading.virtual_mtas
    for name in sides.before.reading.virtual_mtas:
        if name not in after:
            yield DangerFinding(
                kind=VIRTUAL_MTA_REMOVED,
                detail=f"Mail queued for virtual MTA {values.shown(name)} bounces (5.3.5) once it is gone. Drain, "
                "reroute or pause its queues first.",
                cause=sides.cause_named("virtual-mta", name),
            )


@reports(SOURCE_ADDRESS_REMOVED)
def addresses_lost(sides: Sides) -> Iterator[DangerFinding]:
    """Virtual MTAs that no longer send from an address, in groups that lose the same for one cause."""
    both = exits_of(sides)
    groups: dict[tuple[str, Address | None], list[str]] = {}
    for vmta in both.moved:
        what = _lost(sides, both, vmta)
        if what:
            groups.setdefault((what, both.cause(vmta)), []).append(vmta)
    for (what, cause), vmtas in groups.items():
        who = words.virtual_mtas(vmtas, sides.virtual_mtas)
        yield DangerFinding(
            kind=SOURCE_ADDRESS_REMOVED, detail=f"{who}: {what}{sides.because(cause)}.", cause=cause, weight=len(vmtas)
        )


def _lost(sides: Sides, both: Both, vmta: str) -> str:
    """The addresses that a virtual MTA loses, in words; empty if none."""
    was, now = both.before.of(vmta), both.after.of(vmta)
    lost = [address for address in dict.fromkeys(was) if not covered(address, now)]
    if lost:
        return f"mail no longer leaves from {_named(lost)}, but {_from(now)}"
    if not was and now and not sides.sections_before.is_blank:
        return f"mail leaves {_from(now)}, and before from the address that the system chose"
    return ""


def _from(addresses: tuple[str, ...]) -> str:
    return f"from {_named(list(dict.fromkeys(addresses)))}" if addresses else "from the address that the system chooses"


def _named(addresses: list[str]) -> str:
    return words.several([values.shown(address) for address in addresses])


@reports(SHARE_RAISED)
def shares_raised(sides: Sides) -> Iterator[DangerFinding]:
    """Virtual MTAs that lose addresses, so that each of those left sends many times its share."""
    both = exits_of(sides)
    for vmta in both.moved:
        was, now = both.before.of(vmta), both.after.of(vmta)
        if not was or not now or any(map(is_range, (*was, *now))):
            continue
        factor = max(growth(both.before.spread(vmta), both.after.spread(vmta)).values())
        if factor > sides.rate_factor:
            cause = both.cause(vmta)
            left = list(dict.fromkeys(now))
            detail = (
                f"{words.virtual_mtas([vmta])}: {len(set(was))} addresses shared its mail, and now {_named(left)} "
                f"{'share' if len(left) > 1 else 'sends'} all of it (up to {factor:.3g} times as much for one)"
            )
            yield DangerFinding(
                kind=SHARE_RAISED, detail=f"{detail}{sides.because(cause)}.", cause=cause, weight=factor
            )
