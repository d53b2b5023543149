"""Unfinished work of an earlier run on a host: a transaction to finish or undo, an intent without a known result."""

from __future__ import annotations

from dataclasses import replace

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.runs import RECOVERED, RECOVERED_REJECTED, RECOVERY_FAILED, RUN_ENDED_EARLY
from pmtaform.errors import HostError
from pmtaform.host import HostSpec, LeftRecord, Outcome, Session, Snapshot, Status, recover
from pmtaform.inspection import doubts
from pmtaform.inspection.basis import left_files
from pmtaform.inspection.survey import Target
from pmtaform.state import HostState, Seal, who


def resolve_intent(
    target: Target, snapshot: Snapshot, left: LeftRecord | None, seal: Seal
) -> tuple[Target, tuple[Diagnostic, ...]]:
    """Resolve the change of a run that was killed by the host's own record: adopt it, or drop it.

    `left` is what the last transaction left: the files of the state come from there, not from what is there now, which
    may have changed since.
    """
    intent, past = target.intent, snapshot.past
    if intent is None or past is None or past.status in {"unsettled", "running"}:
        return target, ()
    spec = target.spec
    if past.status == Status.APPLIED:
        state = HostState(
            machine_id=snapshot.machine_id,
            generation=past.generation,
            version=snapshot.version,
            version_stamp=snapshot.version_stamp,
            files=left_files(left, snapshot, seal) if left else target.previous.files if target.previous else {},
            patterns=left.patterns if left else target.previous.patterns if target.previous else {},
            blocks=intent.blocks,
            keys=intent.keys,
            unmanaged=left.unmanaged if left else 0,
            applied_at=intent.at,
            plan=intent.plan,
            commit=intent.commit,
            who=intent.who,
        )
        what = f"{spec.name} applied the change (generation {past.generation})"
        target = replace(target, previous=state)
    elif past.status == "none":
        what = f"{spec.name} was not changed"
    else:
        what = f"{spec.name} was rolled back: {past.reason or past.status}"
    detail = f"{intent.who} started the run {intent.plan} at {intent.at}, and it was killed: {what}."
    note = RUN_ENDED_EARLY.diagnostic(detail, host=spec.name)
    return replace(target, intent=None), (note,)


def recover_unfinished(session: Session, spec: HostSpec, pending: str) -> tuple[Diagnostic, ...]:
    """Finish or undo what a dead transaction left, and return notes on it. Leave a running transaction alone."""
    outcome = recover(session, spec, who=who(), reopen=spec.open)
    unsure: tuple[Diagnostic, ...] = ()
    definition = RECOVERED
    if outcome.status is Status.LOCKED and outcome.lock is not None:
        return ()  # another run has recovered it meanwhile; the next probe shows that
    if outcome.status is Status.APPLIED:
        detail = outcome.recovered or f"transaction {pending} left nothing to finish or undo"
        unsure = doubts.recovered(spec, outcome)
    elif is_not_running(outcome):
        definition = RECOVERED_REJECTED
        detail = (
            f"{outcome.reason}. The next change that PowerMTA accepts resolves this. To try again now:\n    "
            f"pmtaform recover {spec.name}"
        )
    else:
        raise HostError(unrecovered(spec, outcome, pending))
    note = definition.diagnostic(detail, host=spec.name)
    return (note, *unsure)


def is_not_running(outcome: Outcome) -> bool:
    """Whether a recovery restored all files, and only PowerMTA does not run them."""
    return outcome.status is Status.REFUSED and outcome.step == "undo-activate"


def unrecovered(spec: HostSpec, outcome: Outcome, pending: str) -> Diagnostic:
    """The diagnostic for a recovery that failed."""
    until = (
        "A change that PowerMTA accepts ends it too" if is_not_running(outcome) else "Until then no run can change it"
    )
    return RECOVERY_FAILED.diagnostic(
        f"{outcome.reason or f'{pending}: {outcome.status}'}. Log in to {spec.name} and fix the "
        f"cause; `pmtaform recover {spec.name}` tries again. {until}.",
        host=spec.name,
    )
