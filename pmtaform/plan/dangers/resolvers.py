"""Name servers that decide where mail goes: `name-server`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective import Effective
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.finding import DangerFinding, reports
from pmtaform.plan.dangers.selection import ROUTING_CHANGED
from pmtaform.plan.dangers.sides import Sides

_SERVER: Final = "name-server"


@reports(ROUTING_CHANGED)
def resolvers_changed(sides: Sides) -> Iterator[DangerFinding]:
    """Name servers of which none was used before. A server that stays still answers for part of the mail."""
    was, now = _name_servers(sides.before), _name_servers(sides.after)
    if set(was) & set(now) or was == now or sides.sections_before.is_blank:
        return
    cause = sides.cause_named("setting", _SERVER)
    detail = (
        f"PowerMTA queries DNS at {_shown(now)} (before: {_shown(was)}): the answers decide where all mail goes, "
        "and mail waits if it "
    )
    yield DangerFinding(kind=ROUTING_CHANGED, detail=f"{detail}does not{sides.because(cause)}.", cause=cause)


def _name_servers(effective: Effective) -> list[str]:
    return [unquoted(line.value.strip()) for line in effective.reading.lines.get(_SERVER, ())]


def _shown(servers: list[str]) -> str:
    return words.several([values.shown(server) for server in servers]) if servers else "the system's own resolvers"
