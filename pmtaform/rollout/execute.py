"""Apply a plan to a fleet: stage all hosts, then change them wave by wave; save the state after each host.

stage all ─▶ canary ─▶ soak ─▶ wave ─▶ … ─▶ results
each host: activate ─▶ check ─▶ observe ─▶ confirm
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace

from pmtaform.diagnostics.codes.plans import FROZEN
from pmtaform.diagnostics.codes.runs import REFUSED
from pmtaform.model.operations import OnFailure, Rollout
from pmtaform.parallel import run_all
from pmtaform.progress import EventReporter, Phase, Verdict
from pmtaform.rollout.hosts import ChangeSteps, RunHost
from pmtaform.rollout.model import HostResult, RunResult
from pmtaform.rollout.order import Budget, Candidate, Gate, waves
from pmtaform.rollout.outcomes import not_started
from pmtaform.rollout.run import Context, Run
from pmtaform.rollout.run_records import RunRecords
from pmtaform.state import HostState

INTERRUPTED = "the run was interrupted"
NOT_RECORDED = "the state could not be written"


def execute(run: Run, hosts: Iterable[RunHost]) -> RunResult:
    """Apply the change of every host. Never raises for a host: its result has the outcome.

    Once `run.stop` is set no further host is started; hosts that are being changed finish or roll back.
    """
    return _Execution(run, list(hosts)).execute()


class _Execution:
    def __init__(self, run: Run, hosts: list[RunHost]) -> None:
        self.run = run
        self.hosts = hosts
        self.teller = EventReporter(run.watch)
        self.records = RunRecords(run.keeper)
        self.context = Context(
            id=run.id,
            who=run.who,
            what=run.what,
            plan=run.plan,
            commit=run.commit,
            keeper=run.keeper,
            records=self.records,
            clock=run.clock,
            teller=self.teller,
            allow=run.allow,
            stop=run.stop,
        )
        self.results: dict[str, HostResult] = {}
        self.changes: dict[str, ChangeSteps] = {}
        self.before: dict[str, HostState | None] = {}
        self.stopped = ""
        self._turn = threading.Lock()

    def execute(self) -> RunResult:
        run = self.run
        run.journal.start(run.id, who=run.who, what=run.what, plan=run.plan, commit=run.commit, choice=run.choice)
        settled = [host for host in self.hosts if not host.has_changes]
        run_all(settled, self._record_settled, parallel=run.rollout.changing)
        for host in self.hosts:
            if host.has_changes:
                self._triage(host)
        try:
            self._roll_out()
        finally:
            for change in self.changes.values():
                change.close()
        ordered = {host.name: self.results[host.name] for host in self.hosts}
        result = RunResult(run=run.id, hosts=ordered, interrupted=run.stop.is_set(), stopped=self.stopped)
        end = "interrupted" if result.interrupted else result.exit_code.name.lower()
        self.records.journal(lambda: run.journal.end(run.id, end))
        return replace(result, unsaved=self.records.finish())

    def _record_settled(self, host: RunHost) -> None:
        """Record a host that needs no change."""
        self._set_result(host.name, host.settle(self.run, self.records))

    def _triage(self, host: RunHost) -> None:
        """Decide what happens to a host that needs a change: it is frozen, or it waits for its turn."""
        name = host.name
        freeze = host.operations.frozen(self.run.clock.now())
        if freeze is not None and "frozen" not in self.run.allow:
            why = f"it is frozen until {freeze.until:%Y-%m-%d %H:%M %Z}: {freeze.reason}. It stays unchanged"
            result = not_started(name, f"{why}; --allow frozen changes it anyway.", FROZEN)
            self._set_result(name, replace(result, verdict=Verdict.FROZEN))
            return
        self.changes[name] = host.start(self.context)
        self.before[name] = self.run.keeper.document.hosts.get(name)

    def _roll_out(self) -> None:
        run, rollout = self.run, self.run.rollout
        candidates = [self._candidate(host) for host in self.hosts if host.name in self.changes]
        total = len(candidates) + len(run.done) + run.unreachable
        self.budget = Budget(rollout, total, unreachable=run.unreachable)
        self.gate = Gate(rollout.spread, candidates)
        intents = {name: change.intent for name, change in self.changes.items()}
        self.records.state(lambda: run.keeper.intend(intents))
        if self._is_over() or not self._stage(rollout):
            self._clear_unstarted()
            return
        order = waves(candidates, rollout, run.done)
        for number, names in enumerate(order, 1):
            if number > 1 and not self._soak(number, len(order)):
                break
            self._wave([n for n in names if n not in self.results])
            if self._is_over():
                self._react_to_failures(names)
                break
        self._clear_unstarted()

    def _candidate(self, host: RunHost) -> Candidate:
        return Candidate(
            name=host.name,
            pools=host.pools,
            groups=frozenset(host.groups),
            restarts=host.restarts,
            together=self.run.together.get(host.name),
        )

    def _is_over(self) -> bool:
        """Whether no further host may be started; `stopped` has the reason."""
        if self.run.stop.is_set():
            self.stopped = INTERRUPTED
        elif self.records.problem is not None:
            # No state would know of a further host's change.
            self.stopped = self.stopped or self.budget.spent or NOT_RECORDED
        self.stopped = self.stopped or self.budget.spent
        return bool(self.stopped)

    # -- steps of many hosts -------------------------------------------------------------------------------------------

    def _stage(self, rollout: Rollout) -> bool:
        """Stage and test all hosts before any is activated. Returns whether to go on."""
        if not rollout.stage_first or len(self.changes) < 2:
            return True

        def stage(change: ChangeSteps) -> None:
            if not self.run.stop.is_set() and not change.stage():
                self._finish(change)

        run_all(list(self.changes.values()), stage, parallel=rollout.looking)
        return not self._is_over()

    def _wave(self, names: Iterable[str]) -> None:
        changes = [self.changes[name] for name in names]
        tags = dict.fromkeys(self.run.together.get(change.name) for change in changes)
        for tag in tags:
            members = [change for change in changes if self.run.together.get(change.name) == tag]
            if tag is None:
                run_all(members, self._change_one, parallel=self.run.rollout.changing)
            else:
                self._change_together(members)

    def _change_one(self, change: ChangeSteps) -> None:
        if self._is_over() or not self._wait_for_turn(change):
            return
        try:
            if change.activate() and change.check() and change.observe():
                change.confirm()
            self._finish(change)
        finally:
            self.gate.release(change.name)
        # By its own worker: to hang up waits some milliseconds for each of two connections, one host after the other.
        change.close()

    def _wait_for_turn(self, change: ChangeSteps) -> bool:
        if self.gate.must_wait(change.name):
            self.teller.tell(change.name, Phase.WAITING)
        if not self.gate.acquire(change.name):
            return False
        if self._is_over():
            self.gate.release(change.name)
            return False
        return True

    def _change_together(self, members: list[ChangeSteps]) -> None:
        """Change hosts together: all are activated, then all are confirmed, or none."""
        if self._is_over() or any(change.name in self.results for change in members):
            return
        is_well: dict[str, bool] = {}

        def activate(change: ChangeSteps) -> None:
            is_well[change.name] = change.activate() and change.check() and change.observe()

        run_all(members, activate, parallel=self.run.rollout.changing)
        alive = all(is_well.values()) and all(change.still_pending() for change in members)

        def finish(change: ChangeSteps) -> None:
            if alive:
                change.confirm()
            elif is_well[change.name]:
                change.revert("another host that must change at the same time did not", "together")
            self._finish(change)

        run_all(members, finish, parallel=self.run.rollout.changing)
        left = [change for change in members if self.results[change.name].verdict is not Verdict.APPLIED]
        if alive and left:
            self._roll_back([change.name for change in members], "another host that must change with it did not")

    def _soak(self, number: int, of: int) -> bool:
        """Pause between waves. Returns whether to go on."""
        seconds = self.run.rollout.soak
        if seconds:
            self.teller.tell("", Phase.SOAKING, detail=f"{seconds:g} s before wave {number} of {of}")
            self.run.clock.wait(self.run.stop, seconds)
        return not self._is_over()

    def _finish(self, change: ChangeSteps) -> None:
        result = change.result
        if result is None:
            result = not_started(change.name, self.stopped or "its turn did not come")
        if result.verdict in {Verdict.FAILED, Verdict.ROLLED_BACK, Verdict.STALE, Verdict.LOCKED}:
            self.budget.note_failed()
        elif result.verdict is Verdict.UNREACHABLE:
            self.budget.note_unreachable()
        self._set_result(change.name, result)
        if _is_certain(result):
            self._clear_intent(change.name)
        if self.budget.spent:
            self.gate.close()

    def _clear_intent(self, name: str) -> None:
        self.records.state(lambda: self.run.keeper.settle(name))

    def _clear_unstarted(self) -> None:
        """Clear what is staged on the hosts whose turn did not come."""
        left = [change for name, change in self.changes.items() if name not in self.results]
        why = self.stopped or "its turn did not come"

        def clear(change: ChangeSteps) -> None:
            change.revert(why)
            change.result = not_started(change.name, f"{why[:1].upper()}{why[1:]}.")
            self._set_result(change.name, change.result)
            self._clear_intent(change.name)

        run_all(left, clear, parallel=self.run.rollout.changing)

    # -- rolling back --------------------------------------------------------------------------------------------------

    def _react_to_failures(self, wave: Iterable[str]) -> None:
        """Roll back the hosts that `on-failure` names, if too many hosts failed."""
        if not self.budget.spent:
            return
        if self.run.rollout.on_failure is OnFailure.ROLLBACK_WAVE:
            self._roll_back(list(wave), self.budget.spent)
        elif self.run.rollout.on_failure is OnFailure.ROLLBACK_ALL:
            self._roll_back(list(self.changes), self.budget.spent)

    def _roll_back(self, names: list[str], why: str) -> None:
        applied = [
            self.changes[name]
            for name in names
            if name in self.results and self.results[name].verdict is Verdict.APPLIED
        ]

        def roll_back(change: ChangeSteps) -> None:
            self.teller.tell(change.name, Phase.REVERTING)
            generation, before = self.results[change.name].generation, self.before[change.name]
            self._set_result(change.name, change.roll_back(generation, before, why))

        run_all(applied, roll_back, parallel=self.run.rollout.changing)

    def _set_result(self, name: str, result: HostResult) -> None:
        reason = result.problem.summary if result.problem else ""
        with self._turn:
            self.results[name] = result
        run, verdict = self.run, str(result.verdict)
        self.records.journal(
            lambda: run.journal.host(run.id, name, verdict, reason=reason, generation=result.generation)
        )
        self.teller.tell(name, Phase.DONE, result.verdict, reason)


def _is_certain(result: HostResult) -> bool:
    """Whether it is certain that the host has the old configuration, or that its state was recorded."""
    if result.verdict is Verdict.FAILED:
        return result.problem is not None and REFUSED.describes(result.problem)
    return result.verdict is not Verdict.UNREACHABLE
