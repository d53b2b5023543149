"""Notes on certificates that have expired, or expire soon."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from pmtaform.diagnostics import Diagnostic
from pmtaform.inspection.assess import Adviser
from pmtaform.inspection.survey import Survey
from pmtaform.plan.model import HostPlan
from pmtaform.planning.draft import Draft
from pmtaform.planning.step import Step
from pmtaform.stack import Stack


class ExpiryStep(Step):
    """Adds a note on each certificate of a host that has expired, or expires soon."""

    @staticmethod
    def applies(stack: Stack) -> bool:
        """Whether the stack declares files: a certificate is one."""
        return any(layer.files is not None for layer in (stack.base, *stack.groups.values(), *stack.own.values()))

    def adviser(self, draft: Draft) -> Adviser:
        """The notes on the certificates of a host."""
        return partial(_expiry_of, now=draft.request.moment())

    def advise(self, draft: Draft) -> None:
        """Add the notes, except on a certificate that the plan writes: a danger reports it."""

        def with_notes(plan: HostPlan) -> HostPlan:
            known = {danger.detail for change in plan.changes for danger in change.dangers}
            added = tuple(note for note in self.advice(draft, plan.host) or () if note.detail not in known)
            return replace(plan, notes=(*plan.notes, *added)) if added else plan

        draft.hosts = tuple(with_notes(plan) for plan in draft.hosts)


def _expiry_of(survey: Survey, now: datetime) -> tuple[Diagnostic, ...]:
    from pmtaform.plan.files import expiry_notes

    target = survey.target
    # The certificates of a host that is known by its inputs cause no note at this time.
    return () if target.is_same else expiry_notes(target.desired.managed, target.spec.name, now)
