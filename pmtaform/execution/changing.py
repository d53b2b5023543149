"""A worker changes one host. A task that the engine runs again is answered with what became of the first attempt."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from pmtaform.api.recovering import recover_hosts
from pmtaform.clock import SystemClock
from pmtaform.diagnostics.codes.execution import ANSWERED_BY_FIRST
from pmtaform.execution.tasks import HostTask, RunNames, TaskReport
from pmtaform.host import HostSpec, Outcome, Status, final_outcome
from pmtaform.host_specs import host_spec
from pmtaform.inspection.prepared import prepared_of
from pmtaform.model.choice import Choice
from pmtaform.planning.draft import Planned
from pmtaform.progress import EventReporter, Verdict
from pmtaform.project import Project
from pmtaform.rollout.execute import execute
from pmtaform.rollout.hosts import LocalHost
from pmtaform.rollout.model import HostResult
from pmtaform.rollout.outcomes import failed
from pmtaform.rollout.run import Context, Run
from pmtaform.rollout.run_records import RunRecords
from pmtaform.rollout.transactions import transaction_id
from pmtaform.stack import Stack
from pmtaform.stack.resolve import resolver_for
from pmtaform.state import HostState, StateKeeper

_WHY = "the rehearsal is over"


def change(task: HostTask, begun: Project, stack: Stack, plan: Callable[[], Planned]) -> TaskReport:
    """Change the host as it was approved, once. Raises `PmtaformError` where nothing was done.

    `begun` has the state of a run that is under way: it shows what became of an earlier attempt.
    """
    run = _run_of(task)
    spec = host_spec(stack, stack.hosts[task.host], resolver_for(stack))
    first = _first(spec, transaction_id(run.id, task.host), run.who)
    if first is not None:
        return _answered(task, begun, stack, first)
    with plan() as planned:
        if planned.fleet.failures:
            raise planned.fleet.failures[task.host]
        keeper = StateKeeper(planned.project.backend(task.stack), key_id=planned.key.id)
        hosts = [LocalHost(prepared_of(survey)) for survey in planned.fleet.surveys.values()]
        result = execute(_run(task, planned.project, keeper), hosts)
        return TaskReport(by="", result=result.hosts[task.host], state=_changed(task, keeper))


def rehearse(task: HostTask, planned: Planned) -> TaskReport:
    """Stage the change, test it, and clear it. No live file changes.

    Its transaction has another name each time, because the name of the change must stay free.
    """
    if planned.fleet.failures:
        raise planned.fleet.failures[task.host]
    keeper = StateKeeper(planned.project.backend(task.stack), key_id=planned.key.id)
    run = _run_of(task)
    context = Context(
        id=f"try-{secrets.token_hex(8)}",
        who=run.who,
        what="rehearse",
        plan=run.plan,
        commit=run.commit,
        keeper=keeper,
        records=RunRecords(keeper),
        clock=SystemClock(),
        teller=EventReporter(None),
    )
    steps = LocalHost(prepared_of(planned.fleet.surveys[task.host])).start(context)
    try:
        if steps.stage():
            steps.revert(_WHY)
            return TaskReport(by="", result=None)
        return TaskReport(by="", result=steps.result)
    finally:
        steps.close()


def _run_of(task: HostTask) -> RunNames:
    assert task.run is not None, "a change belongs to a run"
    return task.run


def _run(task: HostTask, project: Project, keeper: StateKeeper) -> Run:
    names = _run_of(task)
    return Run(
        id=names.id,
        who=names.who,
        what=names.what,
        plan=names.plan,
        commit=names.commit,
        keeper=keeper,
        journal=project.journal(task.stack),
        allow=frozenset(task.allow),
    )


def _changed(task: HostTask, keeper: StateKeeper) -> HostState | None:
    """The state of the host, if the run recorded one."""
    state = keeper.document.hosts.get(task.host)
    return None if state == task.state else state


# -- the second attempt ------------------------------------------------------------------------------------------------


def _first(spec: HostSpec, transaction: str, who: str) -> Outcome | None:
    """What became of an earlier attempt, once that is final; None: there was none."""
    session = spec.open()
    try:
        return final_outcome(session, spec, transaction, who=who)
    finally:
        session.close()


def _answered(task: HostTask, project: Project, stack: Stack, first: Outcome) -> TaskReport:
    """The result of the first attempt. Where it was applied, the state is taken from the host's record."""
    note = ANSWERED_BY_FIRST.diagnostic(
        f"The first worker was lost. {task.host} had the transaction already: {first.status}.", host=task.host
    )
    if first.status is not Status.APPLIED:
        result = failed(host_spec(stack, stack.hosts[task.host], resolver_for(stack)), first)
        return TaskReport(by="", result=replace(result, notes=(*result.notes, note)))
    # The state by the host's own record, as the intent of the run and that record have it.
    recover_hosts(project, stack, Choice(hosts=(task.host,)))
    document = project.backend(task.stack).load()
    state = document.hosts.get(task.host) if document is not None else None
    result = HostResult(host=task.host, verdict=Verdict.APPLIED, generation=first.generation, notes=(note,))
    return TaskReport(by="", result=result, state=state)
