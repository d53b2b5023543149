"""Applying a plan: consent, the run, and the result of every host."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from pmtaform.diagnostics import Kind
from pmtaform.diagnostics.codes.state import LOCK_NOT_HELD, STATE_CHANGED
from pmtaform.errors import Locked, PmtaformError, Stale
from pmtaform.inspection.prepared import prepared_of
from pmtaform.planning.consent import check_consent
from pmtaform.planning.draft import Planned
from pmtaform.progress import Verdict, Watch
from pmtaform.rollout.execute import execute
from pmtaform.rollout.hosts import LocalHost, RunHost
from pmtaform.rollout.model import HostResult, RunResult
from pmtaform.rollout.run import Run
from pmtaform.state import HeldLock, StateDocument, StateKeeper, who


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRequest:
    """How a plan is applied.

    `what` names the run, `allow` the dangers and findings that have consent. `done` are hosts that an earlier run has
    changed, which this one continues. Hosts with the same word in `together` change together or not at all, and so do
    hosts that switch to a new selector. `lock` is one that the caller took before the plan was made; without it, the
    lock is taken for the run. `hosts` are changed by other processes; without it, this process changes the hosts.
    """

    what: str = "apply"
    allow: Iterable[str] = ()
    done: Collection[str] = ()
    together: Mapping[str, str] = field(default_factory=dict)
    watch: Watch | None = field(default=None, repr=False)
    stop: threading.Event = field(default_factory=threading.Event, repr=False)  # once set, no further host is started
    lock: HeldLock | None = None
    hosts: Sequence[RunHost] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Reject what would leave some hosts changed and others not."""
        if self.hosts is not None and self.together:
            raise ValueError("hosts that other processes change do not change together")


def apply_plan(planned: Planned, request: ApplyRequest | None = None) -> RunResult:
    """Apply a plan that was just made, under the lock of its state; the result of every chosen host.

    Hosts that could not be planned are in the result, too. Raises `Blocked` with every danger and error of the plan
    that is not allowed, `Locked` when another run holds the lock, and `Stale` when the state moved since.
    """
    request = request or ApplyRequest()
    allowed = frozenset(request.allow)
    check_consent(planned, allowed)
    stack, lock = planned.stack.name, request.lock
    if lock is not None and planned.project.backend(stack).lock_info() != lock.info:
        raise Locked.of(LOCK_NOT_HELD, f'The lock that was given is not that of stack "{stack}".')
    with planned.project.lock(stack, f"{request.what} {stack}") if lock is None else nullcontext():
        keeper = _keeper(planned)
        hosts = request.hosts
        if hosts is None:
            hosts = [LocalHost(prepared_of(verdict)) for verdict in planned.fleet.surveys.values()]
        result = execute(_run(planned, request, allowed, keeper), hosts)
        return _recorded(planned, _complete(planned, result), keeper.document)


def _keeper(planned: Planned) -> StateKeeper:
    """What writes the state of the run. Raises `Stale`."""
    keeper = StateKeeper(planned.project.backend(planned.stack.name), key_id=planned.key.id)
    document, plan = keeper.document, planned.plan
    if (document.lineage if document.serial else "", document.serial) != (plan.lineage, plan.serial):
        raise Stale.of(
            STATE_CHANGED,
            f"The plan was made from serial {plan.serial}, and the state has serial {document.serial}: another run "
            "applied in between. Plan again.",
        )
    if document.key_id != planned.key.id:
        keeper.rekey(planned.key.id)
    return keeper


def _run(planned: Planned, request: ApplyRequest, allowed: frozenset[str], keeper: StateKeeper) -> Run:
    project, stack = planned.project, planned.stack
    together = {host: word for step in planned.steps for host, word in step.together().items()}
    return Run(
        id=planned.plan.id,
        who=who(),
        what=request.what,
        plan=planned.plan.id,
        commit=project.commit(),
        keeper=keeper,
        journal=project.journal(stack.name),
        rollout=stack.rollout,
        clock=planned.clock,
        allow=allowed,
        done=request.done,
        together={**together, **request.together},
        unreachable=sum(problem.kind is Kind.HOST_UNREACHABLE for problem in planned.fleet.failures.values()),
        choice=planned.plan.selection,
        watch=request.watch,
        stop=request.stop,
    )


def _complete(planned: Planned, result: RunResult) -> RunResult:
    """The result with what was left unchanged on purpose, and with the hosts that could not be planned."""
    left = {host.host: host.left for host in planned.plan.hosts}
    hosts = {name: replace(host, left=left.get(name, ())) for name, host in result.hosts.items()}
    for name, problem in planned.fleet.failures.items():
        verdict = Verdict.of_failure(problem.kind)
        hosts[name] = HostResult(host=name, verdict=verdict, problem=problem.diagnostics[0])
    return replace(result, hosts=hosts)


def _recorded(planned: Planned, result: RunResult, state: StateDocument) -> RunResult:
    """The result, once each step has stored what the run did. Hosts are changed already, so a failure is a note."""
    try:
        for step in planned.steps:
            step.record(result, state, planned.clock.now())
    except PmtaformError as problem:
        return replace(result, unsaved=result.unsaved or problem.diagnostics[0])
    return result
