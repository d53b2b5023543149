"""Taking a host back that a run has changed and confirmed, because others of it failed."""

from __future__ import annotations

from dataclasses import replace

from pmtaform.errors import PmtaformError
from pmtaform.host import Known, Outcome, Rollback, Session, Status, confirm, probe, reach, rollback
from pmtaform.inspection.doubts import as_undone
from pmtaform.lang.includes import absolute_includes
from pmtaform.progress import Verdict
from pmtaform.rollout import recording
from pmtaform.rollout.changing import Context, HostChange
from pmtaform.rollout.model import HostResult
from pmtaform.rollout.outcomes import failed, not_undone
from pmtaform.rollout.transactions import files_of, undo_id
from pmtaform.rollout.unsaid import unsaid
from pmtaform.state import HostState, utc_now


def take_back(context: Context, change: HostChange, generation: int, before: HostState | None, why: str) -> HostResult:
    """Put back what `generation` replaced, by a transaction of its own; the state becomes what it was `before`."""
    spec, tx = change.spec, change.tx
    opened: list[Session] = []
    undone = False

    def reopen() -> Session:
        opened.append(spec.open())
        return opened[-1]

    try:
        back, left = replace(tx, id=undo_id(tx.id)), recording.before(change.survey)
        wanted = Rollback(
            generation=generation,
            id=back.id,
            who=tx.who,
            started=utc_now(),
            what=f"take back {tx.id}: {why}",
            activation=tx.activation,
            test_config=tx.test_config,
            restart_web=tx.restart_web,
            confirm_within=tx.confirm_within,
            logs=tx.logs,
            only_newest=True,
            record=left.record,
            base=left.base,
        )
        outcome = rollback(reopen(), spec, wanted, reopen)
        if outcome.status is Status.PENDING:
            outcome, _ = confirm(reach(reopen), spec, back, reopen)
        if outcome.status is not Status.APPLIED:
            return failed(spec, unsaid(not_undone(outcome, why, "rollout"), change.survey))
        undone = True
        _restore_state(context, change, opened[-1], before)
        done = unsaid(as_undone(replace(outcome, status=Status.ROLLED_BACK, step="rollout", reason=why)), change.survey)
        return replace(failed(spec, done), verdict=Verdict.ROLLED_BACK, generation=outcome.generation)
    except PmtaformError as problem:
        if undone:
            return HostResult(host=spec.name, verdict=Verdict.FAILED, problem=problem.diagnostics[0])
        lost = Outcome(host=spec.name, status=Status.REFUSED, reason=problem.diagnostics[0].summary)
        return failed(spec, not_undone(lost, why, "rollout"))
    finally:
        for session in opened:
            session.close()


def _restore_state(context: Context, change: HostChange, session: Session, before: HostState | None) -> None:
    if before is None:
        context.noting.state(lambda: context.keeper.remove_host(change.name))
        return
    known = Known(files=dict.fromkeys(before.files), patterns=tuple(before.patterns))
    after = probe(session, change.spec, known, absolute_includes)
    kept = {path: state for path, state in files_of(after, change.survey.seal).items() if path in before.files}
    state = replace(before, files=kept, generation=after.generation)
    context.noting.state(lambda: context.keeper.update_host(change.name, state))
