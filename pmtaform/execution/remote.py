"""The hosts of a run that workers change. Waves, budgets, state, journal and lock stay with the client."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.execution import NOT_OVER_EXECUTOR, WORKER_LOST
from pmtaform.errors import Locked, PmtaformError, Stale, UsageError
from pmtaform.execution.engine import TaskLost
from pmtaform.execution.fleet import PlannedByWorkers, asked, error_of
from pmtaform.execution.tasks import HostTask, RunNames, Shown, TaskReport, Work
from pmtaform.fingerprint import fingerprint
from pmtaform.model.operations import OnFailure, Operations
from pmtaform.plan.model import HostPlan
from pmtaform.progress import Phase, Verdict
from pmtaform.rollout.hosts import ChangeSteps
from pmtaform.rollout.model import HostResult
from pmtaform.rollout.outcomes import not_started
from pmtaform.rollout.run import Context, Run
from pmtaform.rollout.run_records import RunRecords
from pmtaform.rollout.transactions import transaction_id
from pmtaform.state import HostState, Intent, StateKeeper, utc_now


def hosts_over(planned: PlannedByWorkers, allow: Collection[str]) -> list[RemoteHost]:
    """The hosts of a plan, to be changed by workers. Raises `UsageError` for what needs several hosts at once."""
    on_failure = planned.stack.rollout.on_failure
    if on_failure in {OnFailure.ROLLBACK_WAVE, OnFailure.ROLLBACK_ALL}:
        detail = f"The stack has on-failure: {on_failure.value}, and a worker does not undo what was confirmed."
        raise UsageError.of(NOT_OVER_EXECUTOR, f"{detail} Write on-failure: stop, or add --executor local.")
    return [RemoteHost(planned, plan, tuple(sorted(allow))) for plan in planned.plan.hosts]


class RemoteHost:
    """A host that a worker changes."""

    def __init__(self, planned: PlannedByWorkers, plan: HostPlan, allow: tuple[str, ...]) -> None:
        self.planned, self.plan, self.allow = planned, plan, allow
        self.report = planned.reports[plan.host]
        self.name = plan.host
        self.operations: Operations = planned.stack.operations[plan.host]
        self.groups: Collection[str] = planned.stack.hosts[plan.host].groups
        self.has_changes = bool(plan.changes)
        self.pools = frozenset(self.report.pools)
        self.restarts = self.report.restarts

    def settle(self, run: Run, records: RunRecords) -> HostResult:
        """Have a worker record the host, which needs no change."""
        names = RunNames(id=run.id, who=run.who, what=run.what, plan=run.plan, commit=run.commit)
        asking = _Asking(self, names, run.keeper, run.stop)
        report = asking.ask(Work.CHANGE)
        if isinstance(report, HostResult):
            return report
        return asking.recorded(report, records)

    def start(self, context: Context) -> ChangeSteps:
        """The steps of its change."""
        return RemoteChange(self, context)


@dataclass(frozen=True, slots=True)
class _Asking:
    """The tasks about one host in a run."""

    host: RemoteHost
    names: RunNames
    keeper: StateKeeper = field(repr=False)
    stop: threading.Event = field(repr=False)

    def ask(self, work: Work) -> TaskReport | HostResult:
        """The report of a worker, or the host's result where there is none."""
        planned, name = self.host.planned, self.host.name
        via = planned.stack.hosts[name].via or ""
        # A change that was sent is waited for, as a change over a session is: `stop` starts no further host.
        stop = threading.Event() if work is Work.CHANGE else self.stop
        try:
            report = asked(planned.engine, self._task(work), planned.sources, via=via, stop=stop)
            if report.error is not None:
                raise error_of(report.error)
        except TaskLost as problem:
            return _without_report(name, problem.diagnostics[0], work)
        except PmtaformError as problem:
            verdict = _VERDICTS.get(type(problem), Verdict.of_failure(problem.kind))
            return HostResult(host=name, verdict=verdict, problem=problem.diagnostics[0].for_host(name))
        return report

    def recorded(self, report: TaskReport, records: RunRecords) -> HostResult:
        """The result of the host, once its state is recorded."""
        state, name = report.state, self.host.name
        if state is not None:
            records.state(lambda: self.keeper.update_host(name, state))
        assert report.result is not None, "a change has a result"
        return report.result

    def _task(self, work: Work) -> HostTask:
        host, document = self.host, self.keeper.document
        planned = host.planned
        return HostTask(
            version=fingerprint(),
            work=work,
            stack=planned.stack.name,
            digest=planned.stack.digest,
            host=host.name,
            key=planned.key.derived_for(host.name),
            key_id=document.key_id,
            lineage=document.lineage,
            serial=document.serial,
            state=document.hosts.get(host.name),
            intent=planned.state.intents.get(host.name),
            own_intent=document.intents.get(host.name),
            targets=planned.choice.targets,
            excludes=planned.choice.excludes,
            allow=host.allow,
            run=self.names,
            shown=Shown(plan=host.plan, serial=planned.plan.serial, created=planned.plan.created),
        )


_VERDICTS: Final = {Stale: Verdict.STALE, Locked: Verdict.LOCKED}


def _without_report(host: str, problem: Diagnostic, work: Work) -> HostResult:
    """The result of a host whose task was lost: what it is, is not known, unless no worker took the task."""
    if work is Work.CHANGE and WORKER_LOST.describes(problem):
        detail = f"{problem.detail} It is not known what became of the change. To read it from the host:\n    "
        problem = replace(problem, detail=f"{detail}pmtaform recover {host}")
    return HostResult(host=host, verdict=Verdict.UNREACHABLE, problem=problem.for_host(host))


class RemoteChange:
    """The change of one host by a worker: one task does all steps from the activation to the confirmation."""

    def __init__(self, host: RemoteHost, context: Context) -> None:
        self.result: HostResult | None = None
        self._host, self._context = host, context
        names = RunNames(id=context.id, who=context.who, what=context.what, plan=context.plan, commit=context.commit)
        self._asking = _Asking(host, names, context.keeper, context.stop)

    @property
    def name(self) -> str:
        """The host's name."""
        return self._host.name

    @property
    def intent(self) -> Intent:
        """What the host will have once its transaction has been applied."""
        context, report = self._context, self._host.report
        return Intent(
            transaction=transaction_id(context.id, self.name),
            blocks=dict(report.owned),
            keys=dict(report.owned_keys),
            at=utc_now(),
            plan=context.plan,
            commit=context.commit,
            who=context.who,
        )

    def stage(self) -> bool:
        """Have a worker stage and test the change, and clear it. No live file changes."""
        self._context.teller.tell(self.name, Phase.STAGING)
        report = self._asking.ask(Work.REHEARSE)
        self.result = report if isinstance(report, HostResult) else report.result
        if self.result is None:
            self._context.teller.tell(self.name, Phase.STAGED)
        return self.result is None

    def activate(self) -> bool:
        """Have a worker change the host, check it and confirm the change."""
        self._context.teller.tell(self.name, Phase.ACTIVATING)
        report = self._asking.ask(Work.CHANGE)
        if isinstance(report, HostResult):
            self.result = report
            return False
        self.result = self._asking.recorded(report, self._context.records)
        return self.result.verdict is Verdict.APPLIED

    def check(self) -> bool:
        """The worker has checked the host."""
        return True

    def observe(self) -> bool:
        """The worker has watched the host."""
        return True

    def confirm(self) -> bool:
        """The worker has confirmed the change."""
        return True

    def revert(self, why: str, step: str = "confirm") -> None:
        """Do nothing: a worker leaves nothing staged, and nothing that awaits a confirmation."""

    def still_pending(self) -> bool:
        """Whether the host has the change."""
        return self.result is not None and self.result.verdict is Verdict.APPLIED

    def roll_back(self, generation: int, before: HostState | None, why: str) -> HostResult:  # noqa: ARG002  (the port)
        """Report that the change stays: `hosts_over` rejects stacks that need this."""
        assert self.result is not None
        return replace(not_started(self.name, why), verdict=self.result.verdict, generation=generation)

    def close(self) -> None:
        """Do nothing: the sessions are the worker's."""
