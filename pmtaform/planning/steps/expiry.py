"""Notes on certificates that have expired, or expire soon."""

from __future__ import annotations

from dataclasses import replace

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

    def advise(self, draft: Draft) -> None:
        """Add the notes, except on a certificate that the plan writes: a danger reports it."""
        from pmtaform.plan.files import expiry_notes

        now, surveys = draft.request.moment(), draft.fleet.surveys

        def with_notes(plan: HostPlan) -> HostPlan:
            known = {danger.detail for change in plan.changes for danger in change.dangers}
            target = surveys[plan.host].target
            if target.is_same:
                return plan  # it has no certificate
            notes = expiry_notes(target.desired.managed, plan.host, now)
            added = tuple(note for note in notes if note.detail not in known)
            return replace(plan, notes=(*plan.notes, *added)) if added else plan

        draft.hosts = tuple(with_notes(plan) for plan in draft.hosts)
