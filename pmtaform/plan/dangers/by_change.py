"""Dangers that the changes of a plan show by themselves, without their effect on mail."""

from __future__ import annotations

from pmtaform.lang.blocks import Address
from pmtaform.lang.catalogue import Impact
from pmtaform.plan.dangers.kinds import MANY_DELETIONS, RESTART
from pmtaform.plan.model import Danger


def restart_needed(address: Address, impact: Impact) -> tuple[Danger, ...]:
    """The danger of a change that takes effect only after a restart."""
    if impact is not Impact.RESTART:
        return ()
    return (
        Danger(
            RESTART.code,
            f"{address} takes effect only after a restart. A restart ends connections, returns every queue to "
            "normal mode and starts retry lists over; a failed start stops all mail.",
        ),
    )


def many_deletions(deleted: int, total: int, percent: float, free: int) -> tuple[Danger, ...]:
    """The danger that a host loses a large part of its blocks at once."""
    if deleted <= free or total == 0 or deleted * 100 <= percent * total:
        return ()
    return (
        Danger(
            MANY_DELETIONS.code,
            f"{deleted} of {total} blocks would be deleted, more than {percent:g} %. If that is intended, allow it. "
            "Otherwise look for a missing layer, group or file in the stack.",
        ),
    )
