"""A plan over an engine: each worker looks at one host, and the client puts the parts together.

stack files, state ─▶ task for each host ─▶ worker: plan of the host ─▶ report ─▶ Plan
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Event
from types import TracebackType

from pmtaform import errors
from pmtaform.api.drifting import DriftReport, drift_of
from pmtaform.api.fleet import HostRow, fleet_of
from pmtaform.codec import DecodeError
from pmtaform.diagnostics import Diagnostic, Diagnostics
from pmtaform.diagnostics.codes.execution import NOT_OVER_EXECUTOR, WORKER_FAILED, WORKER_VERSION
from pmtaform.errors import HostError, Invalid, PmtaformError, UsageError
from pmtaform.execution.engine import Engine, TaskLost
from pmtaform.execution.sources import pack
from pmtaform.execution.tasks import HostTask, ReportedError, TaskReport, Work, read, write
from pmtaform.fingerprint import fingerprint
from pmtaform.inspection.same_machine import Identity, same_machines
from pmtaform.inspection.verdict import Fleet
from pmtaform.plan.model import HostPlan
from pmtaform.planning.draft import Draft, Planned
from pmtaform.planning.notes import for_a_future_date, left_behind, of_shard
from pmtaform.planning.pipeline import load, plan_of
from pmtaform.planning.request import PlanRequest
from pmtaform.planning.targets import check_patterns_of
from pmtaform.progress import EventReporter, Phase, Verdict
from pmtaform.project import Project
from pmtaform.stack import Stack
from pmtaform.stack.compile import check_hosts
from pmtaform.stack.findings import unique
from pmtaform.stack.rotations import rotated_keys


@dataclass(slots=True, kw_only=True)
class PlannedByWorkers(Planned):
    """A plan whose hosts were looked at by workers. `reports` are what they answered, by host."""

    engine: Engine
    sources: str = field(repr=False)
    reports: Mapping[str, TaskReport] = field(default_factory=dict)

    def __enter__(self) -> PlannedByWorkers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def drift(self) -> dict[str, DriftReport]:
        """The drift of every host that could be looked at."""
        return {name: report.drift for name, report in self.reports.items() if report.drift is not None}

    @property
    def rows(self) -> list[HostRow]:
        """A row for every chosen host."""
        known = {name: report.row for name, report in self.reports.items() if report.row is not None}
        own = fleet_of(self, self.stack.operations, now=self.clock.now())
        return [known[row.host] if row.host in known and row.host not in self.plan.failures else row for row in own]

    @property
    def diffs(self) -> dict[str, list[str]]:
        """The text diffs, where they were asked for."""
        return {name: list(report.diff) for name, report in self.reports.items() if name not in self.plan.failures}


def drift_over(planned: Planned) -> dict[str, DriftReport]:
    """The drift of the hosts of a plan, by whichever process they were looked at."""
    return planned.drift if isinstance(planned, PlannedByWorkers) else drift_of(planned)


def rows_over(planned: Planned) -> list[HostRow]:
    """A row for every host of a plan, by whichever process they were looked at."""
    if isinstance(planned, PlannedByWorkers):
        return planned.rows
    return fleet_of(planned, planned.stack.operations)


def plan_over(
    engine: Engine, project: Project, stack: Stack, request: PlanRequest, *, wants_diff: bool = False
) -> PlannedByWorkers:
    """As `make_plan`, with workers that look at the hosts. Raises as that, and `Unreachable` without a scheduler."""
    if rotated_keys(stack):
        detail = "The stack rotates keys. What its hosts should have is decided by looking at all of them."
        raise UsageError.of(NOT_OVER_EXECUTOR, f"{detail} Add --executor local.")
    draft = load(project, stack, request)
    if request.validate:
        _check_others(draft)
    check_patterns_of(draft)
    sources = pack(project, stack)
    tasks = {name: replace(task_of(draft, name), wants_diff=wants_diff) for name in draft.names}
    reports = _Looking(engine, sources, draft).run(tasks)
    _raise_errors(reports)
    failures = {name: problem for name, report in reports.items() if (problem := _failure(report)) is not None}
    _put_together(draft, reports, failures)
    return PlannedByWorkers(
        project=project,
        stack=stack,
        plan=plan_of(draft),
        fleet=draft.fleet,
        key=draft.key,
        state=draft.state,
        choice=request.choice,
        clock=request.clock,
        engine=engine,
        sources=sources,
        reports={name: report for name, report in reports.items() if isinstance(report, TaskReport)},
    )


def task_of(draft: Draft, host: str) -> HostTask:
    """The task to look at a host."""
    request, saved = draft.request, draft.saved
    return HostTask(
        version=fingerprint(),
        work=Work.LOOK,
        stack=draft.stack.name,
        digest=draft.stack.digest,
        host=host,
        key=draft.key.derived_for(host),
        key_id=saved.key_id,
        lineage=saved.lineage,
        serial=saved.serial,
        state=saved.hosts.get(host),
        intent=saved.intents.get(host),
        targets=request.choice.targets,
        excludes=request.choice.excludes,
        allow=tuple(sorted(request.allow)),
        as_of=request.as_of.isoformat() if request.as_of is not None else None,
        is_validated=request.validate,
    )


def _check_others(draft: Draft) -> None:
    """Raise `Invalid` for errors in hosts and layers that no worker compiles."""
    problems = Diagnostics()
    check_hosts(draft.stack, problems, but=draft.names)
    if problems.has_errors:
        raise Invalid.all(unique(problems))


# -- looking -----------------------------------------------------------------------------------------------------------


class _Looking:
    """Many hosts that workers look at. Each waits in a thread of this process."""

    def __init__(self, engine: Engine, sources: str, draft: Draft) -> None:
        self._engine, self._sources, self._draft = engine, sources, draft
        self._teller = EventReporter(draft.request.watch)
        self._stop = Event()

    def run(self, tasks: Mapping[str, HostTask]) -> dict[str, TaskReport | PmtaformError]:
        """The report of each host, or why there is none, in the order of the hosts."""
        if not tasks:
            return {}
        most = min(len(tasks), max(self._engine.width, 1))
        pool = ThreadPoolExecutor(max_workers=most, thread_name_prefix="host")
        try:
            futures = {name: pool.submit(self._one, name, task) for name, task in tasks.items()}
            reports = {name: future.result() for name, future in futures.items()}
            return {name: report for name, report in reports.items() if report is not None}
        except BaseException:  # Ctrl-C: what is under way only looks
            self._stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
        finally:
            pool.shutdown(wait=True)

    def _one(self, host: str, task: HostTask) -> TaskReport | PmtaformError | None:
        request = self._draft.request
        if request.stop is not None and request.stop.is_set():
            return None
        self._teller.tell(host, Phase.PROBING)
        via = self._draft.stack.hosts[host].via or ""
        try:
            report = asked(self._engine, task, self._sources, via=via, stop=self._stop)
        except PmtaformError as problem:
            self._teller.tell(host, Phase.DONE, Verdict.of_failure(problem.kind), problem.diagnostics[0].summary)
            return problem
        failure = report.failure
        if failure is None:
            self._teller.tell(host, Phase.PLANNED)
        else:
            self._teller.tell(host, Phase.DONE, Verdict.of_failure(failure.kind), failure.summary)
        return report


def asked(engine: Engine, task: HostTask, sources: str, *, via: str, stop: Event) -> TaskReport:
    """The report of a worker. Raises `TaskLost`, and `HostError` where a worker could not do the task."""
    text = engine.run(write(task), sources, host=task.host, via=via, stop=stop)
    try:
        report = read(TaskReport, text)
    except DecodeError as wrong:
        raise HostError.of(WORKER_FAILED, f"Its report is not readable: {wrong.problem}.", host=task.host) from None
    if report.refused:
        detail = f"The worker {report.by} has pmtaform {report.refused}, and this is {task.version}. {report.bug}"
        raise HostError.of(WORKER_VERSION, detail.rstrip(), host=task.host)
    if report.bug:
        detail = f"The worker {report.by} met a bug in pmtaform: {report.bug}. Please report it."
        raise HostError.of(WORKER_FAILED, detail, host=task.host)
    return report


def error_of(error: ReportedError) -> PmtaformError:
    """The error that a worker raised."""
    kind = getattr(errors, error.name, PmtaformError)
    is_ours = isinstance(kind, type) and issubclass(kind, PmtaformError)
    return kind(*error.diagnostics) if is_ours else PmtaformError(*error.diagnostics)


def _raise_errors(reports: Mapping[str, TaskReport | PmtaformError]) -> None:
    """Raise what concerns the stack and not a host: the same error, with the diagnostics of all hosts."""
    raised = [r.error for r in reports.values() if isinstance(r, TaskReport) and r.error is not None]
    others = [error for error in raised if not isinstance(error_of(error), HostError)]
    if others:
        of_stack = [error for error in others if error.name in {"Invalid", "SecretUnavailable"}] or others[:1]
        worst = next((error for error in of_stack if error.name == "Invalid"), of_stack[0])
        every = (each for error in of_stack for each in error.diagnostics)
        raise error_of(replace(worst, diagnostics=tuple(unique(every))))


def _failure(report: TaskReport | PmtaformError) -> PmtaformError | None:
    """Why a host could not be looked at."""
    if isinstance(report, PmtaformError):
        return report
    if report.error is not None:
        return error_of(report.error)
    if report.failure is not None:
        return TaskLost(report.failure) if report.failure.kind is TaskLost.kind else HostError(report.failure)
    return None


# -- together ----------------------------------------------------------------------------------------------------------


def _put_together(
    draft: Draft, reports: Mapping[str, TaskReport | PmtaformError], failures: Mapping[str, PmtaformError]
) -> None:
    """Fill the draft with what the workers saw, in the order of the hosts."""
    seen = {name: r for name, r in reports.items() if isinstance(r, TaskReport) and r.plan is not None}
    draft.fleet = Fleet({}, dict(failures))
    plans = {name: report.plan for name, report in seen.items() if report.plan is not None}
    for name, note in same_machines(_identities(draft.stack, seen)):
        plans[name] = replace(plans[name], notes=_with_machine(plans[name], note))
    draft.hosts = tuple(plans[name] for name in draft.names if name in plans)
    own = (
        *draft.notes,
        *of_shard(draft.request.choice, draft.stack, draft.names),
        *left_behind(draft.stack, draft.state),
        *for_a_future_date(draft.request.as_of),
    )
    told = [note for report in reports.values() if isinstance(report, TaskReport) for note in report.notes]
    draft.notes = tuple(dict.fromkeys((*own, *told)))


def _with_machine(plan: HostPlan, note: Diagnostic) -> tuple[Diagnostic, ...]:
    return (*plan.notes, note)


def _identities(stack: Stack, seen: Mapping[str, TaskReport]) -> Iterator[Identity]:
    for name, report in seen.items():
        host = stack.hosts[name]
        yield Identity(
            host=name,
            is_local=host.transport == "local",
            root=host.root,
            address=host.address,
            port=host.port,
            proxy_jump=host.proxy_jump,
            machine=report.machine,
        )
