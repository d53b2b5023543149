"""The dangers of a plan: what its changes cost, beyond what each change shows by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.plans import NO_EFFECT
from pmtaform.inspection.assess import Adviser
from pmtaform.inspection.survey import Survey
from pmtaform.lang.blocks import Address
from pmtaform.plan.model import HostPlan
from pmtaform.planning.draft import Draft
from pmtaform.planning.step import Step
from pmtaform.stack import Stack

if TYPE_CHECKING:
    from pmtaform.plan.dangers import DangerFinding
    from pmtaform.plan.signing import Signer


class DangersStep(Step):
    """Adds the dangers of what a host's changes do to mail, reputation and access."""

    @staticmethod
    def applies(stack: Stack) -> bool:  # noqa: ARG004  (the same for all)
        """Any stack may change hosts."""
        return True

    def adviser(self, draft: Draft) -> Adviser | None:
        """The dangers of a host's changes. Where keys rotate, they depend on DNS and on all hosts: `advise`."""
        return None if any(step.reads_all for step in draft.steps) else dangers_on

    def advise(self, draft: Draft) -> None:
        """Add the dangers to the changes that have them."""
        draft.hosts = tuple(with_advice(plan, self._advice(draft, plan)) for plan in draft.hosts)

    def _advice(self, draft: Draft, plan: HostPlan) -> DangerAdvice | None:
        if plan.changes and any(step.reads_all for step in draft.steps):
            return dangers_on(draft.fleet.surveys[plan.host].opened(), draft.verified)
        advice: DangerAdvice | None = self.advice(draft, plan.host)
        return advice


@dataclass(frozen=True, slots=True)
class DangerAdvice:
    """The dangers of a host's changes. `has_no_effect`: they change nothing for mail."""

    findings: tuple[DangerFinding, ...]
    has_no_effect: bool


def dangers_on(survey: Survey, verified: frozenset[Signer] = frozenset()) -> DangerAdvice | None:
    """What the changes of a host do to mail, reputation and access. The records of `verified` are in DNS."""
    plan = survey.plan
    if not plan.changes:
        return None
    from pmtaform.inspection.reading import edited, reading_of

    if not edited(survey):
        return None
    reading = reading_of(survey)
    findings = reading.dangers(survey.target.desired.limits.rate_factor, verified)
    kinds = frozenset(Address.parse(change.address).kind for change in plan.changes)
    is_safe = not findings and not plan.all_dangers
    return DangerAdvice(findings, is_safe and reading.has_no_effect(kinds))


def with_advice(plan: HostPlan, advice: DangerAdvice | None) -> HostPlan:
    """The plan with the dangers of its changes."""
    if advice is None:
        return plan
    from pmtaform.plan.dangers import with_dangers

    advised = with_dangers(plan, advice.findings)
    if not advice.has_no_effect:
        return advised
    return replace(advised, notes=(*advised.notes, _without_effect(plan.host)))


def _without_effect(host: str) -> Diagnostic:
    detail = "No queue, signature, address, submission or access changes: lines only move or are written differently."
    return NO_EFFECT.diagnostic(detail, host=host)
