"""Inspecting many hosts at once: each one's snapshot, and the difference to what it should have.

    open a session ─▶ probe (one round trip if nothing changed) ─▶ parse ─▶ difference

Each host is compared in the worker that probed it, so that one host is parsed while another answers.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pmtaform.diagnostics import Diagnostic
from pmtaform.errors import PmtaformError
from pmtaform.inspection.host import inspect_host
from pmtaform.inspection.same_machine import same_machine
from pmtaform.inspection.survey import Fleet, Survey, Target
from pmtaform.model.selection import Selection
from pmtaform.parallel import run_all
from pmtaform.progress import Phase, Teller, Verdict, Watch
from pmtaform.state import StackKey


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRequest:
    """How a fleet is inspected.

    At most `parallel` hosts are inspected at once. `stop`, once set, keeps further hosts from being started.
    """

    key: StackKey = field(repr=False)
    parallel: int
    selection: Selection | None = None
    keep_open: bool = False
    watch: Watch | None = field(default=None, repr=False)
    stop: threading.Event | None = field(default=None, repr=False)

    @property
    def is_stopped(self) -> bool:
        """Whether no further host may be started."""
        return self.stop is not None and self.stop.is_set()


def inspect_fleet(targets: Iterable[Target], request: FleetRequest) -> Fleet:
    """Inspect every host. A host that fails is in `failures`; a host that was not started is in neither list.

    With `keep_open` the caller closes the sessions. Whatever is raised here, they are closed.
    """
    listed = list(targets)
    fleet, teller = Fleet(), Teller(request.watch)
    try:
        run_all(listed, lambda target: _inspect_into(fleet, target, request, teller), parallel=request.parallel)
    except BaseException:
        fleet.close()
        raise
    order = {target.spec.name: place for place, target in enumerate(listed)}
    fleet.surveys = dict(sorted(fleet.surveys.items(), key=lambda item: order[item[0]]))
    fleet.failures = dict(sorted(fleet.failures.items(), key=lambda item: order[item[0]]))
    for name, note in same_machine(fleet.surveys.values()):
        fleet.surveys[name] = _with_note(fleet.surveys[name], note)
    return fleet


def _inspect_into(fleet: Fleet, target: Target, request: FleetRequest, teller: Teller) -> None:
    name = target.spec.name
    if request.is_stopped:
        return
    teller.tell(name, Phase.CONNECTING)
    try:
        fleet.surveys[name] = _inspect(target, request, teller)
        teller.tell(name, Phase.PLANNED)
    except PmtaformError as problem:
        fleet.failures[name] = problem
        teller.tell(name, Phase.DONE, Verdict.of_failure(problem.kind), problem.diagnostics[0].summary)


def _inspect(target: Target, request: FleetRequest, teller: Teller) -> Survey:
    session = target.spec.open()
    is_handed_over = False
    try:
        teller.tell(target.spec.name, Phase.PROBING)
        survey = inspect_host(session, target, request.key, request.selection)
        is_handed_over = request.keep_open
        return replace(survey, session=session) if is_handed_over else survey
    finally:
        if not is_handed_over:
            session.close()


def _with_note(survey: Survey, note: Diagnostic) -> Survey:
    plan = replace(survey.plan, notes=(*survey.plan.notes, note))
    return replace(survey, difference=replace(survey.difference, plan=plan))
