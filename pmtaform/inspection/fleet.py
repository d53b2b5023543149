"""Inspecting many hosts at once: the verdict on each.

    open a session ─▶ probe (one round trip if nothing changed) ─▶ assess: parse, difference, advice ─▶ verdict

Each host is assessed in the worker that probed it, so that one host is parsed while another answers. What was parsed is
dropped with the survey; a verdict keeps values. Few hosts have trees at the same time (`Turns`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from pmtaform.diagnostics import Diagnostic
from pmtaform.errors import PmtaformError
from pmtaform.host import Session
from pmtaform.inspection.assess import Adviser, HostWork, assess
from pmtaform.inspection.host import HostRequest, probe_host
from pmtaform.inspection.same_machine import same_machine
from pmtaform.inspection.survey import NotCompiled, Target
from pmtaform.inspection.turns import Turns
from pmtaform.inspection.verdict import Fleet, HostVerdict
from pmtaform.model.selection import Selection
from pmtaform.parallel import run_all
from pmtaform.progress import EventReporter, Phase, Verdict, Watch
from pmtaform.state import StackKey


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRequest:
    """How a fleet is inspected.

    At most `parallel` hosts are inspected at once. `stop`, once set, keeps further hosts from being started. `advisers`
    compute what steps say of a host, and `assess` makes the verdicts. `keep_open` is for an apply that follows.
    `is_elsewhere`: in other processes. `before_recovery` is that of `HostRequest`; many threads may call it.
    """

    key: StackKey = field(repr=False)
    parallel: int
    selection: Selection | None = None
    keep_open: bool = False
    watch: Watch | None = field(default=None, repr=False)
    stop: threading.Event | None = field(default=None, repr=False)
    advisers: Mapping[str, Adviser] = field(default_factory=dict, repr=False)
    assess: Callable[[HostWork], HostVerdict] = field(default=assess, repr=False)
    is_elsewhere: bool = False
    before_recovery: Callable[[], object] = field(default=lambda: None, repr=False)

    @property
    def is_stopped(self) -> bool:
        """Whether no further host may be started."""
        return self.stop is not None and self.stop.is_set()


def inspect_fleet(targets: Iterable[Target], request: FleetRequest) -> Fleet:
    """Inspect every host. A host that fails is in `failures`; a host that was not started is in neither list.

    With `keep_open` the caller closes the sessions, which are those of the hosts that something is left to do on.
    Whatever is raised here, they are closed.
    """
    listed = list(targets)
    inspection = _FleetInspection(request)
    fleet = inspection.fleet
    try:
        run_all(listed, inspection.inspect, parallel=request.parallel)
    except BaseException:
        fleet.close()
        raise
    order = {target.spec.name: place for place, target in enumerate(listed)}
    fleet.surveys = dict(sorted(fleet.surveys.items(), key=lambda item: order[item[0]]))
    fleet.failures = dict(sorted(fleet.failures.items(), key=lambda item: order[item[0]]))
    for name, note in same_machine(fleet.surveys.values()):
        fleet.surveys[name] = _with_note(fleet.surveys[name], note)
    return fleet


class _FleetInspection:
    """The inspection of one fleet; its methods are called by many threads."""

    def __init__(self, request: FleetRequest) -> None:
        self.fleet = Fleet()
        self._request = request
        self._teller = EventReporter(request.watch)
        self._turns = Turns()

    def inspect(self, target: Target) -> None:
        """Put a host into the fleet: its verdict, or why there is none."""
        name, fleet = target.spec.name, self.fleet
        if self._request.is_stopped or fleet.invalid:
            return  # once a host cannot be compiled, there is no plan
        target = target.fresh()
        self._teller.tell(name, Phase.CONNECTING)
        try:
            fleet.surveys[name] = self._verdict(target)
            self._teller.tell(name, Phase.PLANNED)
        except PmtaformError as problem:
            fleet.failures[name] = problem
            self._teller.tell(name, Phase.DONE, Verdict.of_failure(problem.kind), problem.diagnostics[0].summary)
            self._check(target)
        except NotCompiled as problem:
            fleet.invalid[name] = problem

    def _verdict(self, target: Target) -> HostVerdict:
        request = self._request
        session = target.spec.open()
        is_handed_over = False
        try:
            self._teller.tell(target.spec.name, Phase.PROBING)
            verdict = self._assessed(session, target)
            # Ten thousand hosts that are as declared would be as many open connections until the end of the run.
            is_handed_over = request.keep_open and not (target.is_same and not verdict.plan.changes)
            return replace(verdict, session=session) if is_handed_over else verdict
        finally:
            if not is_handed_over:
                session.close()

    def _assessed(self, session: Session, target: Target) -> HostVerdict:
        request = self._request
        with self._turns.one(target.size) as turn:
            work = probe_host(session, self._of_host(target, turn))
            work = replace(work, advisers=request.advisers, will_apply=request.keep_open)
            if not request.is_elsewhere:
                return request.assess(work)
        # The process that computes makes the trees again. Those here make room for the next host.
        return request.assess(replace(work, target=work.target.fresh()))

    def _of_host(self, target: Target, turn: Callable[[], object]) -> HostRequest:
        request = self._request
        return HostRequest(
            target=target,
            key=request.key,
            selection=request.selection,
            turn=turn,
            before_recovery=request.before_recovery,
        )

    def _check(self, target: Target) -> None:
        """Compile a host that could not be looked at: what is wrong with the stack refuses the plan all the same."""
        if target.is_same:
            return
        with self._turns.one(target.size) as turn:
            turn()
            try:
                target.fresh().wanted.compiled  # noqa: B018  (it raises)
            except NotCompiled as problem:
                self.fleet.invalid[target.spec.name] = problem


def _with_note(verdict: HostVerdict, note: Diagnostic) -> HostVerdict:
    return replace(verdict, plan=replace(verdict.plan, notes=(*verdict.plan.notes, note)))
