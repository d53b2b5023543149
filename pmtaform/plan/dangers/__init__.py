"""Dangers: the changes that need consent by name, with the reasons.

    findings = find_dangers(before, after)        # two configurations -> the dangers of the change, worst first
    plan = with_dangers(plan, findings)           # ... at the changes that cause them

Dangers follow from the effect of a change on mail, not from the lines that it touches. A check is one module with
one function from `Sides` to findings, declared with the kinds that it reports, and one line in `table.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from pmtaform.lang.parsing import gc_paused
from pmtaform.lazy import lazily
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.model import Danger, HostPlan

if TYPE_CHECKING:
    from pmtaform.lang.effective import EffectiveChange
    from pmtaform.lang.includes import Configuration
    from pmtaform.plan.dangers.finding import DangerCheck, DangerFinding, reports
    from pmtaform.plan.dangers.sides import Sides
    from pmtaform.plan.dangers.table import checks, consent_kinds, danger_kinds

__all__ = [
    "DangerCheck",
    "DangerFinding",
    "DangerKind",
    "Sides",
    "checks",
    "consent_kinds",
    "danger_kinds",
    "find_dangers",
    "reports",
    "with_dangers",
]


def find_dangers(
    before: Configuration,
    after: Configuration,
    rate_factor: float = 3.0,
    defaults: Configuration | None = None,
    verified: Collection[tuple[str, str]] = (),
    effect: EffectiveChange | None = None,
) -> tuple[DangerFinding, ...]:
    """The dangers of the change from one configuration to another, worst first.

    `rate_factor`: the factor by which a limit may rise before that is a danger. `defaults`: the vendor's
    config-defaults, where it is known. `verified`: (selector, domain) pairs whose records are known to be in DNS, as
    long as they have to be. `effect`: the same change, where it is read already.
    """
    from pmtaform.plan.dangers.sides import Sides
    from pmtaform.plan.dangers.table import checks

    with gc_paused():
        sides = Sides(before, after, rate_factor, defaults, verified, effect)
        findings = dict.fromkeys(finding for check in checks() for finding in check(sides))
        sides.memory.clear()  # a circle, which would keep both configurations until the next collection
    return tuple(sorted(findings, key=lambda finding: (finding.kind.rank, -finding.weight)))


def with_dangers(plan: HostPlan, findings: Iterable[DangerFinding]) -> HostPlan:
    """The plan with each finding at the change that causes it, or at the host where no change does."""
    by_address: dict[str, list[Danger]] = {}
    own: list[Danger] = []
    planned = {change.address for change in plan.changes}
    for finding in findings:
        address = str(finding.cause)
        dangers = by_address.setdefault(address, []) if finding.cause and address in planned else own
        dangers.append(Danger(finding.code, finding.detail, finding.weight))
    changes = tuple(
        replace(change, dangers=(*change.dangers, *by_address[change.address]))
        if change.address in by_address
        else change
        for change in plan.changes
    )
    return replace(plan, changes=changes, dangers=(*plan.dangers, *own))


__getattr__ = lazily(
    __name__,
    {
        "finding": "DangerCheck DangerFinding reports",
        "sides": "Sides",
        "table": "checks consent_kinds danger_kinds",
    },
)
