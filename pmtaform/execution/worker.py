"""What a worker does with a task: it makes the plan of one host, and looks at the host or changes it.

The worker resolves the stack's references, and opens sessions to the host, by itself. It returns documents.
"""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path

from pmtaform.api.drifting import drift_of
from pmtaform.api.fleet import fleet_of
from pmtaform.codec import DecodeError
from pmtaform.diagnostics.codes.execution import LOCAL_ON_WORKER
from pmtaform.errors import HostError, PmtaformError, Stale, where_from
from pmtaform.execution.changing import change, rehearse
from pmtaform.execution.sources import WorkerCopies
from pmtaform.execution.tasks import HostTask, ReportedError, Shown, TaskReport, Work, read, write
from pmtaform.execution.worker_state import WorkerState
from pmtaform.fingerprint import fingerprint
from pmtaform.host import Activation
from pmtaform.inspection.prepared import prepared_of
from pmtaform.model.choice import Choice
from pmtaform.plan.comparing import plan_differences
from pmtaform.planning.draft import Planned
from pmtaform.planning.pipeline import make_plan
from pmtaform.planning.request import PlanRequest
from pmtaform.project import Project
from pmtaform.stack import Stack
from pmtaform.state import Intent, StateDocument
from pmtaform.state.key import DerivedKey


def work(text: str, sources: str) -> str:
    """Do the task in the document `text`; the document of the report. Never raises for what the task is about."""
    by = f"{socket.gethostname()} (process {os.getpid()})"
    try:
        task = read(HostTask, text)
    except DecodeError as wrong:
        return write(TaskReport(by=by, refused=fingerprint(), bug=f"the task is not readable: {wrong.problem}"))
    if task.version != fingerprint():
        return write(TaskReport(by=by, refused=fingerprint()))
    try:
        return write(replace(_report(task, sources), by=by))
    except PmtaformError as problem:
        error = ReportedError(name=type(problem).__name__, diagnostics=problem.diagnostics)
        return write(TaskReport(by=by, error=error))
    except Exception as problem:
        return write(TaskReport(by=by, bug=where_from(problem)))


@cache
def _copies() -> WorkerCopies:
    return WorkerCopies()


def _report(task: HostTask, sources: str) -> TaskReport:
    with _copies().stack(task.stack, task.digest, sources) as (root, stack):
        return _report_on(task, root, stack)


def _report_on(task: HostTask, root: Path, stack: Stack) -> TaskReport:
    _check_root(root, stack, task.host)
    held = _held(task, task.intent)
    project = Project(root, backends=lambda _: held)
    if task.work is Work.CHANGE:
        begun = _held(task, task.own_intent)
        return change(task, Project(root, backends=lambda _: begun), stack, partial(_planned, task, project, stack))
    with _planned(task, project, stack) as planned:
        if task.work is Work.REHEARSE:
            return rehearse(task, planned)
        return _looked(task, planned)


def _held(task: HostTask, intent: Intent | None) -> WorkerState:
    document = StateDocument(
        stack=task.stack,
        lineage=task.lineage,
        serial=task.serial,
        key_id=task.key_id,
        hosts={task.host: task.state} if task.state is not None else {},
        intents={task.host: intent} if intent is not None else {},
    )
    return WorkerState(task.stack, DerivedKey(task.key), document)


def _check_root(root: Path, stack: Stack, host: str) -> None:
    """Raise `HostError` for a local host in the worker's copy of the stack."""
    known = stack.hosts[host]
    if known.transport == "local" and Path(known.root).is_relative_to(root):
        raise HostError.of(LOCAL_ON_WORKER, f"{host} has the root {Path(known.root).relative_to(root)}.", host=host)


def _planned(task: HostTask, project: Project, stack: Stack) -> Planned:
    """The plan of the host now, with its session open for a change."""
    request = PlanRequest(
        choice=Choice(hosts=(task.host,), targets=task.targets, excludes=task.excludes),
        keep_open=True,  # what an apply needs is prepared at once: a report has a part of it
        as_of=datetime.fromisoformat(task.as_of) if task.as_of is not None else None,
        allow=task.allow,
        validate=task.is_validated,
        is_part=True,
    )
    planned = make_plan(project, stack, request)
    if task.shown is not None:
        try:
            _check_shown(task.shown, planned)
        except Stale:
            planned.close()
            raise
    return planned


def _check_shown(shown: Shown, planned: Planned) -> None:
    """Raise `Stale` when the plan of the host is not the one that was approved. Notes of the run do not count."""
    now = replace(planned.plan, notes=())
    differences = plan_differences(replace(now, hosts=(shown.plan,), created=shown.created), now)
    if differences:
        raise Stale(*differences)


def _looked(task: HostTask, planned: Planned) -> TaskReport:
    plan = planned.plan
    row = next(iter(fleet_of(planned, planned.stack.operations, now=planned.clock.now())), None)
    survey = planned.fleet.surveys.get(task.host)
    if survey is None:
        return TaskReport(by="", failure=plan.failures.get(task.host), notes=plan.notes, row=row)
    prepared = prepared_of(survey)
    changed = prepared.change
    return TaskReport(
        by="",
        plan=plan.hosts[0],
        notes=plan.notes,
        machine=survey.snapshot.machine_id,
        owned=dict(prepared.owned),
        owned_keys=dict(prepared.owned_keys),
        pools=tuple(sorted(changed.pools)) if changed is not None else (),
        restarts=changed is not None and changed.activation is Activation.RESTART,
        drift=drift_of(planned).get(task.host),
        row=row,
        diff=_diff(planned, task) if task.wants_diff else (),
    )


def _diff(planned: Planned, task: HostTask) -> tuple[str, ...]:
    from pmtaform.report.diffs import diff_lines

    return tuple(diff_lines(planned.fleet.surveys[task.host].opened().difference.edits))
