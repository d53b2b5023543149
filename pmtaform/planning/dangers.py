"""What a plan's changes cost: the dangers of their effect, beside those that each change shows by itself."""

from __future__ import annotations

from dataclasses import replace

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.inspection.reading import edited, reading_of
from pmtaform.inspection.survey import Survey
from pmtaform.lang.blocks import Address
from pmtaform.plan.dangers import with_dangers
from pmtaform.plan.model import HostPlan
from pmtaform.plan.signing import Signer


def with_effects(plan: HostPlan, survey: Survey, verified: frozenset[Signer] = frozenset()) -> HostPlan:
    """The plan with the dangers of what its changes do to mail, reputation and access.

    `verified` are the keys whose rotation has found their records.
    """
    if not edited(survey):
        return plan
    factor = survey.target.desired.limits.rate_factor
    reading = reading_of(survey)
    told = with_dangers(plan, reading.dangers(factor, verified))
    kinds = frozenset(Address.parse(change.address).kind for change in plan.changes)
    if told.all_dangers or not reading.has_no_effect(kinds):
        return told
    return replace(told, notes=(*told.notes, _without_effect(plan.host)))


def _without_effect(host: str) -> Diagnostic:
    detail = "No queue, signature, address, submission or access changes: lines only move or are written another way."
    return Diagnostic(
        code="no-effect", summary="Changes without effect on mail", detail=detail, severity=Severity.INFO, host=host
    )
