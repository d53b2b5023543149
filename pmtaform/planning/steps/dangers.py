"""The dangers of a plan: what its changes cost, beyond what each change shows by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.plans import NO_EFFECT
from pmtaform.inspection.survey import Survey
from pmtaform.lang.blocks import Address
from pmtaform.plan.model import HostPlan
from pmtaform.planning.draft import Draft
from pmtaform.planning.step import Step
from pmtaform.stack import Stack

if TYPE_CHECKING:
    from pmtaform.plan.signing import Signer


class DangersStep(Step):
    """Adds the dangers of what a host's changes do to mail, reputation and access."""

    @staticmethod
    def applies(stack: Stack) -> bool:  # noqa: ARG004  (the same for all)
        """Any stack may change hosts."""
        return True

    def advise(self, draft: Draft) -> None:
        """Add the dangers to the changes that have them."""
        surveys, verified = draft.fleet.surveys, draft.verified
        draft.hosts = tuple(with_dangers_of(plan, surveys[plan.host], verified) for plan in draft.hosts)


def with_dangers_of(plan: HostPlan, survey: Survey, verified: frozenset[Signer] = frozenset()) -> HostPlan:
    """The plan with the dangers of what its changes do to mail, reputation and access.

    `verified` are selectors whose records are known to be in DNS.
    """
    if not plan.changes:
        return plan
    from pmtaform.inspection.reading import edited, reading_of
    from pmtaform.plan.dangers import with_dangers

    if not edited(survey):
        return plan
    factor = survey.target.desired.limits.rate_factor
    reading = reading_of(survey)
    advised = with_dangers(plan, reading.dangers(factor, verified))
    kinds = frozenset(Address.parse(change.address).kind for change in plan.changes)
    if advised.all_dangers or not reading.has_no_effect(kinds):
        return advised
    return replace(advised, notes=(*advised.notes, _without_effect(plan.host)))


def _without_effect(host: str) -> Diagnostic:
    detail = "No queue, signature, address, submission or access changes: lines only move or are written differently."
    return NO_EFFECT.diagnostic(detail, host=host)
