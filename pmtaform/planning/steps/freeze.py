"""Frozen hosts: an apply leaves them unchanged."""

from __future__ import annotations

from dataclasses import replace

from pmtaform.diagnostics.codes.plans import FROZEN
from pmtaform.model.operations import Freeze
from pmtaform.plan.model import HostPlan
from pmtaform.planning.draft import Draft
from pmtaform.planning.step import Step
from pmtaform.stack import Stack


class FreezeStep(Step):
    """Marks the plans of frozen hosts, and adds the reason."""

    @staticmethod
    def applies(stack: Stack) -> bool:
        """Whether the stack freezes any host, at whatever time."""
        return any(operations.freeze is not None for operations in stack.operations.values())

    def advise(self, draft: Draft) -> None:
        """Mark the plans of hosts that are frozen at the moment of the plan, and have changes."""
        now = draft.request.moment()
        frozen = {plan.host: draft.stack.operations[plan.host].frozen(now) for plan in draft.hosts if plan.changes}
        draft.hosts = tuple(
            _frozen(plan, freeze) if (freeze := frozen.get(plan.host)) is not None else plan for plan in draft.hosts
        )


def _frozen(plan: HostPlan, freeze: Freeze) -> HostPlan:
    note = FROZEN.diagnostic(
        f"Until {freeze.until:%Y-%m-%d %H:%M %Z}: {freeze.reason}. An apply leaves it unchanged "
        "without --allow frozen.",
        freeze.place,
        host=plan.host,
    )
    return replace(plan, frozen=True, notes=(*plan.notes, note))
