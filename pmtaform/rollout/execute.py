"""Applying a plan to a fleet: all staged first, then wave by wave; the state saved after each host.

stage all ─▶ canary ─▶ soak ─▶ wave ─▶ … ─▶ results
each host: activate ─▶ check ─▶ observe ─▶ confirm
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from pmtaform.clock import Clock, SystemClock
from pmtaform.diagnostics.codes.plans import FROZEN
from pmtaform.diagnostics.codes.runs import REFUSED
from pmtaform.inspection.survey import Survey
from pmtaform.lang.blocks import Address
from pmtaform.model.operations import OnFailure, Rollout
from pmtaform.parallel import run_all
from pmtaform.progress import Event, Phase, Teller, Verdict
from pmtaform.rollout import transactions
from pmtaform.rollout.adopt import AdoptionResult, adopt
from pmtaform.rollout.changing import Context, HostChange
from pmtaform.rollout.model import HostResult, RunResult
from pmtaform.rollout.noting import Noting
from pmtaform.rollout.order import Budget, Candidate, Gate, waves
from pmtaform.rollout.outcomes import not_settled, not_started
from pmtaform.rollout.undo import take_back
from pmtaform.state import HostState, Journal, StateKeeper

INTERRUPTED = "the run was interrupted"
NOT_NOTED = "the state could not be written"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Who applies what, in which order, and where it is written down.

    `done` are hosts that were changed by the run that this one goes on with; `unreachable` is how many of the chosen
    hosts could not be looked at. `allow` has the dangers that are consented to, also those found out only now.
    """

    id: str
    who: str
    what: str
    plan: str
    commit: str | None
    keeper: StateKeeper
    journal: Journal
    rollout: Rollout = field(default_factory=Rollout)
    clock: Clock = field(default_factory=SystemClock)
    allow: frozenset[str] = frozenset()
    done: Collection[str] = ()
    unreachable: int = 0
    choice: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    together: Mapping[str, str] = field(default_factory=dict)  # host -> what it must change at the same time with
    watch: Callable[[Event], None] | None = field(default=None, repr=False)
    stop: threading.Event = field(default_factory=threading.Event, repr=False)


def execute(run: Run, surveys: Iterable[Survey]) -> RunResult:
    """Apply every survey's difference. Never raises for a host: its result says what happened.

    Once `run.stop` is set no further host is begun; those at work finish or go back.
    """
    return _Execution(run, list(surveys)).go()


class _Execution:
    def __init__(self, run: Run, surveys: list[Survey]) -> None:
        self.run = run
        self.surveys = surveys
        self.teller = Teller(run.watch)
        self.noting = Noting(run.keeper)
        self.context = Context(
            id=run.id,
            who=run.who,
            what=run.what,
            plan=run.plan,
            commit=run.commit,
            keeper=run.keeper,
            noting=self.noting,
            clock=run.clock,
            teller=self.teller,
            allow=run.allow,
            stop=run.stop,
        )
        self.results: dict[str, HostResult] = {}
        self.changes: dict[str, HostChange] = {}
        self.before: dict[str, HostState | None] = {}
        self.stopped = ""
        self._turn = threading.Lock()

    def go(self) -> RunResult:
        run = self.run
        run.journal.start(run.id, who=run.who, what=run.what, plan=run.plan, commit=run.commit, choice=run.choice)
        settled = [survey for survey in self.surveys if not survey.plan.changes]
        run_all(settled, self._sort, parallel=run.rollout.changing)
        for survey in self.surveys:
            if survey.plan.changes:
                self._sort(survey)
        try:
            self._roll_out()
        finally:
            for change in self.changes.values():
                change.close()
        ordered = {s.target.spec.name: self.results[s.target.spec.name] for s in self.surveys}
        result = RunResult(run=run.id, hosts=ordered, interrupted=run.stop.is_set(), stopped=self.stopped)
        end = "interrupted" if result.interrupted else result.exit_code.name.lower()
        self.noting.journal(lambda: run.journal.end(run.id, end))
        return replace(result, unsaved=self.noting.finish())

    def _sort(self, survey: Survey) -> None:
        """What becomes of a host without its turn: it is as wanted, busy or frozen, or it is to be changed."""
        name = survey.target.spec.name
        if survey.plan.is_busy and not survey.plan.changes:
            # It is as wanted only if somebody confirms it: that is neither known nor ours.
            self._done(name, not_settled(survey.target.spec, survey.snapshot))
            return
        if not survey.plan.changes:
            self._done(name, _own(self.run, survey, self.noting))
            return
        freeze = survey.target.operations.frozen(self.run.clock.now())
        if freeze is not None and "frozen" not in self.run.allow:
            why = f"it is frozen until {freeze.until:%Y-%m-%d %H:%M %Z}: {freeze.reason}. It keeps what it has"
            result = not_started(name, f"{why}; --allow frozen changes it all the same.", FROZEN)
            self._done(name, replace(result, verdict=Verdict.FROZEN))
            return
        self.changes[name] = HostChange(self.context, survey)
        self.before[name] = self.run.keeper.document.hosts.get(name)

    def _roll_out(self) -> None:
        run, rollout = self.run, self.run.rollout
        candidates = [self._candidate(change) for change in self.changes.values()]
        total = len(candidates) + len(run.done) + run.unreachable
        self.budget = Budget(rollout, total, unreachable=run.unreachable)
        self.gate = Gate(rollout.spread, candidates)
        intents = {name: transactions.intent(c.survey, c.tx) for name, c in self.changes.items()}
        self.noting.state(lambda: run.keeper.intend(intents))
        if self._over() or not self._stage(rollout):
            self._leave()
            return
        order = waves(candidates, rollout, run.done)
        for number, names in enumerate(order, 1):
            if number > 1 and not self._soak(number, len(order)):
                break
            self._wave([n for n in names if n not in self.results])
            if self._over():
                self._go_back(names)
                break
        self._leave()

    def _candidate(self, change: HostChange) -> Candidate:
        desired = change.survey.target.desired
        pools = {a.key for a in desired.blocks if isinstance(a, Address) and a.kind == "virtual-mta-pool"}
        return Candidate(
            name=change.name,
            pools=frozenset(pools),
            groups=frozenset(change.survey.target.groups),
            restarts=transactions.restarts(change.survey),
            together=self.run.together.get(change.name),
        )

    def _over(self) -> bool:
        """Whether no further host is to be begun; why, in `stopped`."""
        if self.run.stop.is_set():
            self.stopped = INTERRUPTED
        elif self.noting.problem is not None:
            # Each further host would be one that no state knows of.
            self.stopped = self.stopped or self.budget.spent or NOT_NOTED
        self.stopped = self.stopped or self.budget.spent
        return bool(self.stopped)

    # -- steps of many hosts -------------------------------------------------------------------------------------------

    def _stage(self, rollout: Rollout) -> bool:
        """All hosts staged and tested, before any is activated. Whether to go on."""
        if not rollout.stage_first or len(self.changes) < 2:
            return True

        def one(change: HostChange) -> None:
            if not self.run.stop.is_set() and not change.stage():
                self._finished(change)

        run_all(list(self.changes.values()), one, parallel=rollout.looking)
        return not self._over()

    def _wave(self, names: Iterable[str]) -> None:
        changes = [self.changes[name] for name in names]
        tags = dict.fromkeys(self.run.together.get(change.name) for change in changes)
        for tag in tags:
            members = [change for change in changes if self.run.together.get(change.name) == tag]
            if tag is None:
                run_all(members, self._alone, parallel=self.run.rollout.changing)
            else:
                self._as_one(members)

    def _alone(self, change: HostChange) -> None:
        if self._over() or not self._enter(change):
            return
        try:
            if change.activate() and change.check() and change.observe():
                change.confirm()
            self._finished(change)
        finally:
            self.gate.release(change.name)

    def _enter(self, change: HostChange) -> bool:
        if self.gate.must_wait(change.name):
            self.teller.tell(change.name, Phase.WAITING)
        if not self.gate.acquire(change.name):
            return False
        if self._over():
            self.gate.release(change.name)
            return False
        return True

    def _as_one(self, members: list[HostChange]) -> None:
        """Hosts that change together: all are activated, and then all are confirmed, or none."""
        if self._over() or any(change.name in self.results for change in members):
            return
        well: dict[str, bool] = {}

        def activate(change: HostChange) -> None:
            well[change.name] = change.activate() and change.check() and change.observe()

        run_all(members, activate, parallel=self.run.rollout.changing)
        alive = all(well.values()) and all(change.still_pending() for change in members)

        def finish(change: HostChange) -> None:
            if alive:
                change.confirm()
            elif well[change.name]:
                change.revert("another host that must change at the same time did not", "together")
            self._finished(change)

        run_all(members, finish, parallel=self.run.rollout.changing)
        left = [change for change in members if self.results[change.name].verdict is not Verdict.APPLIED]
        if alive and left:
            self._take_back([change.name for change in members], "another host that must change with it did not")

    def _soak(self, number: int, of: int) -> bool:
        """The pause between waves; whether to go on."""
        seconds = self.run.rollout.soak
        if seconds:
            self.teller.tell("", Phase.SOAKING, detail=f"{seconds:g} s before wave {number} of {of}")
            self.run.clock.wait(self.run.stop, seconds)
        return not self._over()

    def _finished(self, change: HostChange) -> None:
        result = change.result
        if result is None:
            result = not_started(change.name, self.stopped or "its turn did not come")
        if result.verdict in {Verdict.FAILED, Verdict.ROLLED_BACK, Verdict.STALE, Verdict.LOCKED}:
            self.budget.note_failed()
        elif result.verdict is Verdict.UNREACHABLE:
            self.budget.note_unreachable()
        self._done(change.name, result)
        if _is_known(result):
            self._settle(change.name)
        if self.budget.spent:
            self.gate.close()

    def _settle(self, name: str) -> None:
        self.noting.state(lambda: self.run.keeper.settle(name))

    def _leave(self) -> None:
        """The hosts whose turn did not come: what is staged there is cleared away."""
        left = [change for name, change in self.changes.items() if name not in self.results]
        why = self.stopped or "its turn did not come"

        def clear(change: HostChange) -> None:
            change.revert(why)
            change.result = not_started(change.name, f"{why[:1].upper()}{why[1:]}.")
            self._done(change.name, change.result)
            self._settle(change.name)

        run_all(left, clear, parallel=self.run.rollout.changing)

    # -- going back ----------------------------------------------------------------------------------------------------

    def _go_back(self, wave: Iterable[str]) -> None:
        """What `on-failure` says of hosts that did well before too many failed."""
        if not self.budget.spent:
            return
        if self.run.rollout.on_failure is OnFailure.ROLLBACK_WAVE:
            self._take_back(list(wave), self.budget.spent)
        elif self.run.rollout.on_failure is OnFailure.ROLLBACK_ALL:
            self._take_back(list(self.changes), self.budget.spent)

    def _take_back(self, names: list[str], why: str) -> None:
        applied = [
            self.changes[name]
            for name in names
            if name in self.results and self.results[name].verdict is Verdict.APPLIED
        ]

        def back(change: HostChange) -> None:
            self.teller.tell(change.name, Phase.REVERTING)
            self._done(
                change.name,
                take_back(self.context, change, self.results[change.name].generation, self.before[change.name], why),
            )

        run_all(applied, back, parallel=self.run.rollout.changing)

    def _done(self, name: str, result: HostResult) -> None:
        reason = result.problem.summary if result.problem else ""
        with self._turn:
            self.results[name] = result
        run, verdict = self.run, str(result.verdict)
        self.noting.journal(
            lambda: run.journal.host(run.id, name, verdict, reason=reason, generation=result.generation)
        )
        self.teller.tell(name, Phase.DONE, result.verdict, reason)


def _is_known(result: HostResult) -> bool:
    """Whether it is certain that the host has the old configuration, or that its state was noted."""
    if result.verdict is Verdict.FAILED:
        return result.problem is not None and REFUSED.describes(result.problem)
    return result.verdict is not Verdict.UNREACHABLE


def _own(run: Run, survey: Survey, noting: Noting) -> HostResult:
    """A host that is already as wanted: what is declared becomes ours, without a byte of it being touched.

    The host's own record says so too, so that it can be compared from any checkout.
    """
    name, previous = survey.target.spec.name, run.keeper.document.hosts.get(survey.target.spec.name)
    state = transactions.host_state(
        survey, survey.snapshot, survey.snapshot.generation, plan=run.plan, commit=run.commit, who=run.who
    )
    news = previous is None or _news(previous) != _news(state)
    adopted = adopt(run, survey) if news else AdoptionResult(survey.snapshot.generation)
    if adopted.problem is not None:
        return adopted.problem
    state = replace(state, generation=adopted.generation)
    if news or name in run.keeper.document.intents or (previous and previous.generation != state.generation):
        noting.state(lambda: run.keeper.update_host(name, state))
    return HostResult(host=name, verdict=Verdict.UNCHANGED, generation=adopted.generation, notes=adopted.notes)


def _news(state: HostState) -> HostState:
    """What a host's state says of the host, without who came by, when, and how often."""
    return replace(state, generation=0, applied_at="", plan="", commit=None, who="")
