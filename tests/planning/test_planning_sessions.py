"""Whatever fails while a plan is made, no session to a host stays open."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import pytest
from projects import OFFLINE, ProjectFolder

from pmtaform.diagnostics.codes.hosts import AGENT_FAILED
from pmtaform.errors import HostError
from pmtaform.host import HostSpec, Session
from pmtaform.inspection import fleet as fleet_inspection
from pmtaform.planning import pipeline
from pmtaform.planning.draft import Draft
from pmtaform.planning.pipeline import make_plan
from pmtaform.planning.request import PlanRequest
from pmtaform.planning.step import Step
from pmtaform.plugins import TRANSPORTS
from pmtaform.project import Project
from pmtaform.stack import Stack
from pmtaform.transports.local import LOCAL

COUNTED = "counted"  # a transport to folders, as `local`
HOSTS = ("mta1", "mta2", "mta3")
WAY = ("compile_stack", "look_at_hosts", "reconcile", "difference", "advise", "consent", "_planned")


class Broken(Exception):
    """A fault that no one foresaw."""


class Sessions:
    """A transport to local hosts that counts its open sessions."""

    def __init__(self) -> None:
        self.opened = 0
        self._open: dict[int, Session] = {}
        self._turn = threading.Lock()

    def open(self, spec: HostSpec) -> Session:
        session = LOCAL.open(spec)
        close = session.close

        def closed() -> None:
            with self._turn:
                self._open.pop(id(session), None)
            close()

        with self._turn:
            self.opened += 1
            self._open[id(session)] = session
        session.close = closed  # type: ignore[method-assign]
        return session

    @property
    def still_open(self) -> int:
        return len(self._open)


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    counted = Sessions()
    with TRANSPORTS.providing({COUNTED: replace(LOCAL, name=COUNTED, open=counted.open)}):
        yield counted
    assert counted.still_open == 0


@pytest.fixture
def fleet(project: ProjectFolder, sessions: Sessions) -> ProjectFolder:
    for name in HOSTS:
        project.add_host(name)
    project.stack("config: {postmaster: a@example.com}", transport=COUNTED, **OFFLINE)
    return project


def plan(project: ProjectFolder, **options: Any) -> pipeline.Planned:
    root = Project(project.root)
    return make_plan(root, root.load("fleet"), PlanRequest(keep_open=True, **options))


def test_a_plan_that_is_kept_has_a_session_for_each_host_until_it_is_closed(
    fleet: ProjectFolder, sessions: Sessions
) -> None:
    with plan(fleet) as planned:
        assert len(planned.plan.hosts) == sessions.still_open == len(HOSTS)


@pytest.mark.parametrize("name", WAY)
def test_a_stage_that_fails_leaves_no_session_open(
    fleet: ProjectFolder, sessions: Sessions, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    stage: Callable[[Draft], object] = getattr(pipeline, name)

    def fails(draft: Draft) -> None:
        stage(draft)
        raise Broken

    monkeypatch.setattr(pipeline, name, fails)
    with pytest.raises(Broken):
        plan(fleet)
    assert sessions.opened == (0 if name == "compile_stack" else len(HOSTS))


class Failing(Step):
    """A step that fails in the hook `at`, after every host was looked at once more."""

    at = ""

    def __init__(self) -> None:
        self._looked_again = False

    @staticmethod
    def applies(stack: Stack) -> bool:
        return bool(stack.hosts)

    def prepare(self, draft: Draft) -> None:
        self._reach("prepare", draft)

    def reconcile(self, draft: Draft) -> Collection[str]:
        if not self._looked_again:
            self._looked_again = True
            return HOSTS[:2]
        self._reach("reconcile", draft)
        return ()

    def advise(self, draft: Draft) -> None:
        self._reach("advise", draft)

    def consent(self, draft: Draft) -> None:
        self._reach("consent", draft)

    def _reach(self, hook: str, draft: Draft) -> None:
        if hook == self.at:
            raise Broken(f"{hook} of {draft.stack.name}")


@pytest.mark.parametrize(("hook", "opened"), [("prepare", 0), ("reconcile", 5), ("advise", 5), ("consent", 5)])
def test_a_step_that_fails_leaves_no_session_open(
    fleet: ProjectFolder, sessions: Sessions, monkeypatch: pytest.MonkeyPatch, hook: str, opened: int
) -> None:
    step = type("FailingHere", (Failing,), {"at": hook})
    monkeypatch.setattr(pipeline, "STEPS", (*pipeline.STEPS, step))
    with pytest.raises(Broken, match=hook):
        plan(fleet)
    assert sessions.opened == opened


def test_a_second_look_that_fails_leaves_no_session_open(
    fleet: ProjectFolder, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of three hosts are looked at again: of these the old sessions are closed already, the third is open."""
    monkeypatch.setattr(pipeline, "STEPS", (*pipeline.STEPS, Failing))
    inspect, calls = pipeline._inspect, iter([True, False])

    def fails(*arguments: Any) -> Any:
        if next(calls):
            return inspect(*arguments)
        raise Broken

    monkeypatch.setattr(pipeline, "_inspect", fails)
    with pytest.raises(Broken):
        plan(fleet)
    assert sessions.opened == len(HOSTS)


@pytest.mark.parametrize("error", [Broken(), KeyboardInterrupt()])
def test_a_fault_while_one_host_is_inspected_closes_the_sessions_of_all(
    fleet: ProjectFolder, sessions: Sessions, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    inspect = fleet_inspection.probe_host

    def fails(session: Session, request: Any) -> Any:
        if request.target.spec.name == "mta2":
            raise error
        return inspect(session, request)

    monkeypatch.setattr(fleet_inspection, "probe_host", fails)
    with pytest.raises(type(error)):
        plan(fleet)


def test_a_host_that_fails_is_reported_and_its_session_closed(
    fleet: ProjectFolder, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspect = fleet_inspection.probe_host

    def fails(session: Session, request: Any) -> Any:
        if request.target.spec.name == "mta2":
            raise HostError.of(AGENT_FAILED, host="mta2")
        return inspect(session, request)

    monkeypatch.setattr(fleet_inspection, "probe_host", fails)
    with plan(fleet) as planned:
        assert list(planned.plan.failures) == ["mta2"]
        assert sessions.still_open == 2
