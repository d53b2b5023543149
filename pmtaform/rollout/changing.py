"""One host's change from staging to confirmation.

    stage ─▶ activate ─▶ check ─▶ confirm        a step that fails rolls back, by the host itself
                           └▶ revert

The host's own record decides what happened. The state is written from what the host has afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.project_files import BUG
from pmtaform.diagnostics.codes.runs import SPOOL_TOO_DEEP
from pmtaform.errors import PmtaformError, Unreachable, where_from
from pmtaform.host import (
    Activation,
    Answer,
    HostSpec,
    Outcome,
    Question,
    Snapshot,
    Status,
    Transaction,
    apply,
    commit,
    confirm,
    examine,
    probe,
    reconnect,
    revert,
    stage,
)
from pmtaform.inspection import doubts
from pmtaform.inspection.activation import release
from pmtaform.inspection.prepared import Prepared, PreparedChange
from pmtaform.inspection.same_machine import locked_by, locked_out
from pmtaform.plan.dangers.kinds import UNDRAINED
from pmtaform.progress import Phase, Verdict
from pmtaform.rollout import transactions
from pmtaform.rollout.connections import Connections
from pmtaform.rollout.model import HostResult
from pmtaform.rollout.outcomes import failed, not_started, not_undone, notes_of
from pmtaform.rollout.redact import redacted
from pmtaform.rollout.run import Context
from pmtaform.rollout.trial import Contact, Trial
from pmtaform.rollout.undo import Applied, undo_unconfirmed


class HostChange:
    """The change of one host. Each step returns whether the next may follow; if not, `result` has the reason.

    Its steps may run in different threads, one after the other. Close it at the end.
    """

    def __init__(self, context: Context, prepared: Prepared, change: PreparedChange) -> None:
        self.context = context
        self.prepared = prepared
        self.change = change
        self.spec: HostSpec = prepared.spec
        self.operations = prepared.operations
        self.result: HostResult | None = None
        self.staged = False
        self.pending = False
        self._notes: tuple[Diagnostic, ...] = ()
        self._connections = Connections(self.spec, prepared.session)
        self._outcome: Outcome | None = None
        contact = Contact(clock=context.clock, ask=self._examine, tell=self._tell, remark=self._remark)
        self._trial = Trial(self.spec, self.operations, release(prepared.snapshot.version), contact)
        self._tx: Transaction | None = None

    @property
    def name(self) -> str:
        """The host's name."""
        return self.spec.name

    @property
    def tx(self) -> Transaction:
        """The transaction, made once."""
        if self._tx is None:
            context = self.context
            self._tx = transactions.transaction(
                self.prepared,
                self.change,
                run=context.id,
                who=context.who,
                what=context.what,
                plan=context.plan,
                commit=context.commit,
            )
        return self._tx

    # -- steps ---------------------------------------------------------------------------------------------------------

    def stage(self) -> bool:
        """Write every file beside its place, and test the configuration. No live file changes."""

        def work() -> bool:
            self._tell(Phase.STAGING)
            outcome = stage(self._connections.current(), self.spec, self.tx, self._connections.reopen)
            self._note(outcome)
            self.staged = outcome.status is Status.STAGED
            if not self.staged:
                self._fail(outcome)
            else:
                self._tell(Phase.STAGED)
            return self.staged

        return self._guarded(work)

    def activate(self) -> bool:
        """Put every file in its place, and have PowerMTA read the configuration."""

        def work() -> bool:
            if not self._may_start():
                return False
            self._tell(Phase.ACTIVATING)
            make = commit if self.staged else apply
            outcome = make(self._connections.current(), self.spec, self.tx, self._connections.reopen)
            outcome = redacted(outcome, self.change.texts)
            self._note(outcome)
            self._outcome = outcome
            self.staged = False
            self.pending = outcome.status is Status.PENDING
            if outcome.status not in {Status.PENDING, Status.APPLIED}:
                self._fail(outcome)
                return False
            return True

        return self._guarded(work)

    def check(self) -> bool:
        """Check the host with the new configuration; a check that fails rolls it back."""
        return self._guarded(lambda: self._passes(self._checked, "check"))

    def observe(self) -> bool:
        """Watch the host as long as its stack requires; past the tolerance it rolls back."""
        return self._guarded(lambda: self._passes(self._trial.observed, "observe"))

    def confirm(self) -> bool:
        """Confirm over a new connection, and read the host's final record back."""
        return self._guarded(self._confirm)

    def revert(self, why: str, step: str = "confirm") -> None:
        """Have the host roll back what is pending, or clear what is staged."""

        def work() -> bool:
            if not (self.staged or self.pending):
                return False
            self._tell(Phase.REVERTING)
            # It is asked once: if the host cannot do it now, its own timer does it later.
            was_staged, self.staged, self.pending = self.staged, False, False
            outcome = revert(self._connections.newest, self.spec, self.tx, self._connections.reopen, why)
            self._note(outcome)
            if was_staged and outcome.status is Status.REFUSED:
                self.result = not_started(self.name, why)
            elif outcome.status is Status.APPLIED:
                self._fail(not_undone(replace(outcome, reason="another run confirmed it meanwhile"), why, step))
            elif outcome.status is Status.UNKNOWN:
                self._fail(not_undone(outcome, why, step))
            else:
                self._fail(replace(outcome, step=step) if outcome.status is Status.ROLLED_BACK else outcome)
            return False

        self._guarded(work)

    def still_pending(self) -> bool:
        """Whether the host still waits for its confirmation; its time starts again."""
        tx = self.tx
        if not self.pending:
            return self._outcome is not None and self._outcome.status is Status.APPLIED
        is_waiting = self._guarded(
            lambda: (
                examine(
                    self._connections.current(), self.spec, (), transaction=tx.id, confirm_within=tx.confirm_within
                )[1]
                > 0
            )
        )
        return bool(is_waiting)

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    # -- before --------------------------------------------------------------------------------------------------------

    def _may_start(self) -> bool:
        """Look at the spool before a restart, and at queues that are observed. Return whether to start."""
        most = self.operations.drain_below
        if self.tx.activation is Activation.RESTART and most is not None and UNDRAINED.code not in self.context.allow:
            why = self._trial.drained(most)
            if why:
                detail = f"{why}. Drain it, wait, or add --allow undrained."
                self.revert(detail)
                self.result = not_started(self.name, detail, SPOOL_TOO_DEEP)
                return False
        if self.operations.observe and self.tx.activation is not Activation.NONE:
            self._trial.remember()
        return True

    # -- checks --------------------------------------------------------------------------------------------------------

    def _checked(self) -> str:
        """Return the first problem as a sentence; empty if there is none."""
        if self.tx.activation is Activation.NONE:
            return ""
        self._tell(Phase.CHECKING)
        outcome = self._outcome
        assert outcome is not None
        unknown = doubts.of_new(outcome)
        texts = self.change.texts
        asked = doubts.proofs(texts.before(), texts.after()) if unknown else ()
        return self._trial.checked(self.change.predictions, outcome.answers, unknown, asked)

    def _passes(self, look: Callable[[], str], step: str) -> bool:
        """Return whether `look` finds no problem. A problem or a lost connection rolls the host back."""
        if self._is_confirmed:
            return True
        try:
            why = look()
        except Unreachable as problem:
            why = f"the connection was lost ({problem.diagnostics[0].summary})"
        if not why:
            return True
        if self.pending:
            self.revert(why, step)
        else:
            self._undo_applied(why, step)
        return False

    @property
    def _is_confirmed(self) -> bool:
        """Whether another process made this very transaction, checked it, and confirmed it: only it is recorded."""
        applied = self._outcome is not None and self._outcome.status is Status.APPLIED
        return applied and self.tx.confirm_within > 0

    def _undo_applied(self, why: str, step: str) -> None:
        """Undo a failed change that needs no confirmation: roll it back as a new generation."""
        assert self._outcome is not None
        self._tell(Phase.REVERTING)
        applied = Applied(self.prepared, self.change, self.tx, self._outcome.generation)
        outcome = undo_unconfirmed(self._connections, applied, self._outcome)
        if outcome.status is Status.APPLIED:
            context, generation = self.context, outcome.generation
            context.records.state(lambda: context.keeper.note_generation(self.name, generation))
            self._fail(doubts.as_undone(replace(outcome, status=Status.ROLLED_BACK, step=step, reason=why)))
        else:
            self._fail(not_undone(outcome, why, step))

    # -- the end -------------------------------------------------------------------------------------------------------

    def _confirm(self) -> bool:
        known = self.prepared.to_look_at
        outcome, snapshot = self._outcome, None
        assert outcome is not None
        if self.pending:
            self._tell(Phase.CONFIRMING)
            try:
                fresh = reconnect(self._connections.reopen)
            except Unreachable as problem:
                why = f"the host could not be reached over a new connection: {problem.diagnostics[0].summary}"
                self.revert(why)
                return False
            outcome, snapshot = confirm(fresh, self.spec, self.tx, self._connections.reopen, known)
            self._note(outcome)
            self.pending = False
        if outcome.status is not Status.APPLIED:
            self._fail(outcome)
            return False
        self._tell(Phase.RECORDING)
        if snapshot is None:
            snapshot = probe(self._connections.current(), self.spec, known, lambda *_: ())
        self._record(snapshot, outcome)
        return True

    def _record(self, snapshot: Snapshot, outcome: Outcome) -> None:
        context = self.context
        transactions.check_written(self.prepared, snapshot)
        state = transactions.host_state(
            self.prepared, snapshot, outcome.generation, plan=context.plan, commit=context.commit, who=context.who
        )
        context.records.state(lambda: context.keeper.update_host(self.name, state))
        self.result = HostResult(
            host=self.name, verdict=Verdict.APPLIED, generation=outcome.generation, notes=self._notes
        )

    def _examine(self, questions: Sequence[Question]) -> tuple[Answer, ...]:
        """Query the host; the time limit of a pending change starts again."""
        tx = self.tx
        pending = tx.id if self.pending else ""
        return examine(
            self._connections.current(), self.spec, questions, transaction=pending, confirm_within=tx.confirm_within
        )[0]

    # -- results -------------------------------------------------------------------------------------------------------

    def _tell(self, phase: Phase, detail: str = "") -> None:
        self.context.teller.tell(self.name, phase, detail=detail)

    def _note(self, outcome: Outcome) -> None:
        self._notes += notes_of(self.spec, outcome)

    def _remark(self, note: Diagnostic) -> None:
        self._notes += (note.for_host(self.name),)

    def _without_proven_doubts(self, outcome: Outcome) -> Outcome:
        """The outcome without doubts on the old configuration, if PowerMTA shows that it is in force."""
        if outcome.status is not Status.ROLLED_BACK or not doubts.of_old(outcome):
            return outcome
        try:
            before, after = self.change.texts.before(), self.change.texts.after()
            proven = doubts.is_proven(self._connections.current(), self.spec, after, before)
        except PmtaformError:
            return outcome
        return replace(outcome, doubts=doubts.of_new(outcome)) if proven else outcome

    def _fail(self, outcome: Outcome) -> None:
        other = locked_by(outcome, self.context.id)
        if other is not None:
            problem = locked_out(self.name, other)
            self.result = HostResult(host=self.name, verdict=Verdict.LOCKED, problem=problem, notes=self._notes)
            return
        outcome = self._without_proven_doubts(outcome)
        result = failed(self.spec, redacted(outcome, self.change.texts))
        own = tuple(note for note in self._notes if note not in result.notes)
        self.result = replace(result, notes=(*own, *result.notes))

    def _guarded(self, work: Callable[[], bool]) -> bool:
        """Turn an exception into the host's result: it does not end the run."""
        try:
            return work()
        except Unreachable as problem:
            if self.pending:
                # The host's own timer would roll it back, too; this is sooner, if the host can be reached again.
                self.revert(f"the connection was lost ({problem.diagnostics[0].summary})")
                return False
            self.result = HostResult(
                host=self.name, verdict=Verdict.UNREACHABLE, problem=problem.diagnostics[0], notes=self._notes
            )
        except PmtaformError as problem:
            self.result = HostResult(
                host=self.name, verdict=Verdict.FAILED, problem=problem.diagnostics[0], notes=self._notes
            )
        except Exception as problem:
            # The other hosts go on or roll back and are reported; this one is not left to its timer either.
            what = f"a bug in pmtaform: {where_from(problem)}"
            if self.pending:
                self.revert(what)
                return False
            bug = BUG.diagnostic(f"This is {what}. Please report it.", host=self.name)
            self.result = HostResult(host=self.name, verdict=Verdict.FAILED, problem=bug, notes=self._notes)
        return False
