"""Undo a change that a host has applied: as a new generation that restores the old files."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pmtaform.errors import HostError, PmtaformError
from pmtaform.host import Known, Outcome, Rollback, Session, Status, Transaction, confirm, probe, reconnect, rollback
from pmtaform.inspection.doubts import as_undone
from pmtaform.inspection.prepared import Prepared, PreparedChange
from pmtaform.lang.includes import absolute_includes
from pmtaform.progress import Verdict
from pmtaform.rollout.connections import Connections
from pmtaform.rollout.model import HostResult
from pmtaform.rollout.outcomes import failed, not_undone
from pmtaform.rollout.redact import redacted
from pmtaform.rollout.run import Context
from pmtaform.rollout.transactions import files_of, undo_id
from pmtaform.state import HostState, utc_now


@dataclass(frozen=True, slots=True)
class Applied:
    """A change that a host has applied, and the generation that it became."""

    prepared: Prepared
    change: PreparedChange
    tx: Transaction
    generation: int


@dataclass(frozen=True, slots=True)
class Undo:
    """The record of an undo on the host. `confirm_within` is in seconds; 0: it needs no confirmation."""

    what: str
    started: str
    confirm_within: float = 0.0


def undo_unconfirmed(connections: Connections, applied: Applied, outcome: Outcome) -> Outcome:
    """Undo a change that needs no confirmation. If the host refuses, the result keeps the `outcome` of the change."""
    tx = applied.tx
    try:
        return _roll_back(connections, connections.current(), applied, Undo(f"undo {tx.id}", tx.started))
    except HostError as problem:
        return replace(outcome, status=Status.REFUSED, reason=problem.diagnostics[0].summary)


def roll_back_applied(context: Context, applied: Applied, before: HostState | None, why: str) -> HostResult:
    """Undo a change that was confirmed, because other hosts failed; the state becomes what it was `before`."""
    spec, texts = applied.prepared.spec, applied.change.texts
    with Connections(spec) as connections:
        undone = False
        try:
            outcome = _roll_back_confirmed(connections, applied, why)
            if outcome.status is not Status.APPLIED:
                return failed(spec, redacted(not_undone(outcome, why, "rollout"), texts))
            undone = True
            _restore_state(context, applied.prepared, connections.newest, before)
            rolled_back = as_undone(replace(outcome, status=Status.ROLLED_BACK, step="rollout", reason=why))
            result = failed(spec, redacted(rolled_back, texts))
            return replace(result, verdict=Verdict.ROLLED_BACK, generation=outcome.generation)
        except PmtaformError as problem:
            if undone:
                return HostResult(host=spec.name, verdict=Verdict.FAILED, problem=problem.diagnostics[0])
            lost = Outcome(host=spec.name, status=Status.REFUSED, reason=problem.diagnostics[0].summary)
            return failed(spec, not_undone(lost, why, "rollout"))


def _roll_back_confirmed(connections: Connections, applied: Applied, why: str) -> Outcome:
    spec, tx = applied.prepared.spec, applied.tx
    session = connections.reopen()
    undo = Undo(f"undo {tx.id}: {why}", utc_now(), tx.confirm_within)
    outcome = _roll_back(connections, session, applied, undo)
    if outcome.status is Status.PENDING:
        fresh = reconnect(connections.reopen)
        outcome, _ = confirm(fresh, spec, replace(tx, id=undo_id(tx.id)), connections.reopen)
    return outcome


def _roll_back(connections: Connections, session: Session, applied: Applied, undo: Undo) -> Outcome:
    """Have the host restore what the change replaced; not if another run has changed the host since."""
    tx, before = applied.tx, applied.change.before
    wanted = Rollback(
        generation=applied.generation,
        id=undo_id(tx.id),
        who=tx.who,
        started=undo.started,
        what=undo.what,
        activation=tx.activation,
        test_config=tx.test_config,
        restart_web=tx.restart_web,
        confirm_within=undo.confirm_within,
        logs=tx.logs,
        only_newest=True,
        record=before.record,
        base=before.base,
    )
    return rollback(session, applied.prepared.spec, wanted, connections.reopen)


def _restore_state(context: Context, prepared: Prepared, session: Session, before: HostState | None) -> None:
    spec = prepared.spec
    if before is None:
        context.records.state(lambda: context.keeper.remove_host(spec.name))
        return
    known = Known(files=dict.fromkeys(before.files), patterns=tuple(before.patterns))
    after = probe(session, spec, known, absolute_includes)
    files = {path: state for path, state in files_of(after, prepared.seal).items() if path in before.files}
    state = replace(before, files=files, generation=after.generation)
    context.records.state(lambda: context.keeper.update_host(spec.name, state))
