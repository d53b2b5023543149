"""What a plan's changes cost: the dangers of their effect, beside those that each change shows by itself."""

from __future__ import annotations

from pmtaform.plan.dangers import with_dangers
from pmtaform.plan.model import HostPlan
from pmtaform.plan.signing import Signer
from pmtaform.rollout.survey import Survey
from pmtaform.rollout.transactions import edited, reading_of


def with_effects(plan: HostPlan, survey: Survey, verified: frozenset[Signer] = frozenset()) -> HostPlan:
    """The plan with the dangers of what its changes do to mail, reputation and access.

    `verified` are the keys whose rotation has found their records.
    """
    if not edited(survey):
        return plan
    factor = survey.target.desired.limits.rate_factor
    return with_dangers(plan, reading_of(survey).dangers(factor, verified))
