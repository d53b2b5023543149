"""A change over several hosts: staged first, canary, waves, budget, rollback, resume."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import repeat
from typing import Any

import pytest
from projects import RUNS, CommandResult, ProjectFolder, needs_namespaces

from pmtaform.api import ApplyRequest, PlanRequest, Project, apply_plan, make_plan
from pmtaform.clock import SetClock
from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.connections import CONNECTION_REFUSED
from pmtaform.errors import Unreachable
from pmtaform.host import HostSpec, Session
from pmtaform.plugins import TRANSPORTS
from pmtaform.progress import Verdict
from pmtaform.rollout import changing
from pmtaform.rollout.model import RunResult
from pmtaform.transports.local import LOCAL

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)  # a Wednesday
WANTED = "config: {postmaster: a@example.com}"
NEW = RUNS + "postmaster a@example.com\n"


@pytest.fixture
def fleet(project: ProjectFolder) -> ProjectFolder:
    """Four hosts that run a few lines of PowerMTA."""
    for number in range(1, 5):
        project.add_host(f"mta{number}").stand_in()
    return project


def rollout(project: ProjectFolder, text: str = "", config: str = WANTED, **options: Any) -> None:
    project.stack(f"{config}\nrollout: {{parallel: 1{', ' + text if text else ''}}}\n", **options)


def events(result: CommandResult) -> list[tuple[str, str]]:
    """(host, phase) of every step, in order."""
    lines = [json.loads(line) for line in result.out.splitlines()]
    return [(line["host"], line["phase"]) for line in lines if line["kind"] == "pmtaform-event"]


def library(project: ProjectFolder, clock: SetClock | None = None, **more: Any) -> RunResult:
    """The same through the library, with a clock that can be set."""
    root = Project(project.root)
    stack = root.load("fleet")
    planned = make_plan(root, stack, PlanRequest(keep_open=True, clock=clock or SetClock(NOON)))
    try:
        with root.lock("fleet", "test") as lock:
            return apply_plan(planned, ApplyRequest(lock=lock, **more))
    finally:
        planned.close()


def verdicts(result: RunResult) -> dict[str, str]:
    return {name: host.verdict.value for name, host in result.hosts.items()}


def test_all_are_staged_and_tested_before_one_is_activated(fleet: ProjectFolder) -> None:
    rollout(fleet)
    told = events(fleet.apply("--format", "json").ended(Exit.OK))
    staged = [i for i, (_, phase) in enumerate(told) if phase == "staged"]
    active = [i for i, (_, phase) in enumerate(told) if phase == "activating"]
    assert len(staged) == len(active) == 4
    assert max(staged) < min(active)
    assert all(host.running == NEW for host in fleet.hosts.values())


@needs_namespaces
def test_a_host_whose_test_fails_keeps_all_from_being_activated(fleet: ProjectFolder) -> None:
    rollout(fleet)
    fleet.hosts["mta3"].tell("fail-test")
    before = {name: host.tree() for name, host in fleet.hosts.items()}
    result = fleet.apply().ended(Exit.SOME_FAILED)
    assert "mta3 rolled back" in result.words
    assert "1 of 4 hosts failed, and max-failures is 0" in result.words
    assert "1 rolled back, 3 not started" in result.words
    assert {name: host.tree() for name, host in fleet.hosts.items()} == before
    assert [host.leftovers() for host in fleet.hosts.values()] == [[]] * 4
    assert "under-way" not in fleet.state


def test_the_canary_is_first_and_waves_follow(fleet: ProjectFolder) -> None:
    rollout(fleet, "canary: 1, waves: [75%, 100%], soak: 5m, stage-first: false")
    clock = SetClock(NOON)
    outcome: list[tuple[str, float]] = []

    def watch(event: Any) -> None:
        if event.verdict is Verdict.APPLIED:
            outcome.append((event.host, clock.monotonic()))

    library(fleet, clock, watch=watch)
    assert outcome == [("mta1", 0), ("mta2", 300), ("mta3", 300), ("mta4", 600)]


def test_too_many_failures_begin_nothing_more(fleet: ProjectFolder) -> None:
    rollout(fleet)
    fleet.hosts["mta2"].tell("fail-reload")
    result = fleet.apply().ended(Exit.SOME_FAILED)
    assert "Of 4 hosts: 1 applied, 1 rolled back, 2 not started." in result.words
    assert [host.running for host in fleet.hosts.values()] == [NEW, RUNS, RUNS, RUNS]
    assert [host.leftovers() for host in fleet.hosts.values()] == [[]] * 4


def test_failures_within_the_budget_stop_nothing(fleet: ProjectFolder) -> None:
    rollout(fleet, "max-failures: 25%")
    fleet.hosts["mta2"].tell("fail-reload")
    result = fleet.apply().ended(Exit.SOME_FAILED)
    assert "Of 4 hosts: 3 applied, 1 rolled back." in result.words


@pytest.mark.parametrize(
    ("on_failure", "running"),
    [
        ("rollback-host", [NEW, NEW, NEW, RUNS]),
        ("stop", [NEW, NEW, NEW, RUNS]),
        ("rollback-wave", [NEW, NEW, RUNS, RUNS]),
        ("rollback-all", [RUNS, RUNS, RUNS, RUNS]),
    ],
)
def test_what_becomes_of_the_others(fleet: ProjectFolder, on_failure: str, running: list[str]) -> None:
    rollout(fleet, f"waves: [50%, 100%], on-failure: {on_failure}")
    fleet.hosts["mta4"].tell("fail-reload")
    fleet.apply().ended(Exit.SOME_FAILED)
    assert [host.running for host in fleet.hosts.values()] == running
    assert [host.read() for host in fleet.hosts.values()] == running
    assert set(fleet.state["hosts"]) == {f"mta{n}" for n, text in enumerate(running, 1) if text == NEW}
    fleet.hosts["mta4"].at("/ctl/fail-reload").unlink()
    fleet.apply().ended(Exit.OK)
    fleet.settled()


def test_going_back_restores_what_the_state_knew(fleet: ProjectFolder) -> None:
    rollout(fleet, config="config: {postmaster: first@example.com}")
    fleet.apply().ended(Exit.OK)
    before = fleet.state["hosts"]["mta1"]["blocks"]
    rollout(fleet, "on-failure: rollback-all")
    fleet.hosts["mta4"].tell("fail-reload")
    fleet.apply().ended(Exit.SOME_FAILED)
    assert fleet.state["hosts"]["mta1"]["blocks"] == before
    assert fleet.hosts["mta1"].running == RUNS + "postmaster first@example.com\n"
    rollout(fleet, config="config: {postmaster: first@example.com}")
    fleet.settled()


def test_a_run_is_gone_on_with_where_it_ended(fleet: ProjectFolder) -> None:
    rollout(fleet, "canary: 1, stage-first: false")
    fleet.hosts["mta3"].tell("fail-reload")
    fleet.apply("--host", "mta*").ended(Exit.SOME_FAILED)
    run = fleet.run("history", "--format", "json").json()["runs"][-1]["run"]
    assert [host.running == NEW for host in fleet.hosts.values()] == [True, True, False, False]
    told = events(fleet.apply("--resume", run, "--format", "json").ended(Exit.OK))
    assert [host for host, phase in told if phase == "activating"] == ["mta3", "mta4"]
    fleet.settled()
    assert "no run has this name" in fleet.apply("--resume", "nothing").ended(Exit.USAGE).words
    fleet.apply("--resume", run, "--host", "mta1").ended(Exit.USAGE)


def test_hosts_that_change_together_do_or_none_does(fleet: ProjectFolder) -> None:
    rollout(fleet, "canary: 1")
    fleet.hosts["mta4"].tell("fail-reload")
    together = {"mta1": "s1", "mta4": "s1"}
    result = library(fleet, together=together)
    assert verdicts(result) == {
        "mta1": "rolled back",
        "mta2": "not started",
        "mta3": "not started",
        "mta4": "rolled back",
    }
    assert "another host that must change at the same time did not" in str(result.hosts["mta1"].problem)
    fleet.hosts["mta4"].at("/ctl/fail-reload").unlink()
    assert set(verdicts(library(fleet, together=together)).values()) == {"applied"}


def test_hosts_of_one_pool_do_not_restart_at_once(fleet: ProjectFolder) -> None:
    """The gate is asked for every host; that it holds is a separate law (test_rollout_order)."""
    pool = "virtual-mta: {a: {smtp-source-host: 192.0.2.1 a.example.com}}, virtual-mta-pool: {p: {virtual-mta: [a]}}"
    fleet.stack(
        f"config: {{run-as-root: no, {pool}}}\nrollout: {{parallel: 4, spread: pool}}\n",
        commands={"restart": ["/usr/sbin/pmta", "restart"]},
    )
    told = events(fleet.apply("--allow", "restart", "--format", "json").ended(Exit.OK))
    at_work: set[str] = set()
    most = 0
    for host, phase in told:
        if phase == "activating":
            at_work.add(host)
        elif phase == "done":
            at_work.discard(host)
        most = max(most, len(at_work))
    assert most == 1
    assert any(phase == "waiting" for _, phase in told)


# -- when not to ----


def test_a_frozen_host_is_left_alone_and_reported(fleet: ProjectFolder) -> None:
    freeze = {"freeze": {"until": "2999-12-01", "reason": "Black Friday"}}
    fleet.stack(WANTED, hosts={"mta1": {}, "mta2": freeze})
    assert "warning: Frozen host [frozen]" in fleet.plan().ended(Exit.OK).words
    result = fleet.apply().ended(Exit.BLOCKED)
    assert "frozen until 2999-12-02 00:00 UTC: Black Friday" in result.words
    assert [fleet.hosts[name].running for name in ("mta1", "mta2")] == [NEW, RUNS]
    fleet.apply("--allow", "frozen").ended(Exit.OK)
    assert fleet.hosts["mta2"].running == NEW


@pytest.mark.parametrize(
    ("window", "restarts"),
    [("02:00-04:00", False), ("11:00-13:00", True), ("Wed 11:00-13:00", True), ("Thu 11:00-13:00", False)],
)
def test_within_its_window_a_stack_consents_to_a_restart_itself(
    fleet: ProjectFolder, window: str, restarts: bool
) -> None:
    from pmtaform.api import check_consent
    from pmtaform.errors import Blocked

    fleet.stack(
        f'config: {{run-as-root: no}}\nmax-impact: restart\nmaintenance-window: "{window}"\n',
        commands={"restart": ["/usr/sbin/pmta", "restart"]},
    )
    root = Project(fleet.root)
    planned = make_plan(root, root.load("fleet"), PlanRequest(clock=SetClock(NOON)))
    if restarts:
        check_consent(planned, ())
    else:
        with pytest.raises(Blocked, match="restart"):
            check_consent(planned, ())


def test_nothing_is_restarted_over_a_deep_spool(fleet: ProjectFolder) -> None:
    fleet.stack(
        "config: {run-as-root: no}\ndrain-below: 500\n",
        hosts={"mta1": {}},
        commands={"restart": ["/usr/sbin/pmta", "restart"]},
    )
    deep = {"status": "success", "data": {"status": {"status": "running", "spool": {"totalRcp": 800}}}}
    fleet.host.tell("status.json", json.dumps(deep))
    result = fleet.apply("--allow", "restart").ended(Exit.SOME_FAILED)
    assert "800 recipients wait in the spool, and drain-below is 500" in result.words
    assert "[spool-too-deep]" in result.words
    assert fleet.host.read() == RUNS
    assert fleet.host.leftovers() == []
    fleet.apply("--allow", "restart", "--allow", "undrained").ended(Exit.OK)
    assert "run-as-root" in fleet.host.running


def test_too_many_that_cannot_be_reached_stop_it_all(fleet: ProjectFolder) -> None:
    hosts = {"mta1": {}, "mta2": {"root": "hosts/nowhere"}, "mta3": {"root": "hosts/nowhere2"}}
    fleet.stack(f"{WANTED}\nrollout: {{max-unreachable: 1}}", hosts=hosts)
    result = fleet.apply()
    assert "2 of 3 hosts cannot be reached, and max-unreachable is 1" in result.words
    assert fleet.host.running == RUNS


# -- confirmation ----


@pytest.fixture
def one_host(project: ProjectFolder) -> ProjectFolder:
    project.add_host("mta1").stand_in()
    return project


@contextmanager
def unsteady(failures: Iterator[Unreachable]) -> Iterator[None]:
    """Provide `unsteady`: the first connection succeeds, and each later one raises the next of `failures`, if any."""
    opened: list[HostSpec] = []

    def unsteadily(spec: HostSpec) -> Session:
        opened.append(spec)
        if len(opened) > 1:
            for problem in failures:
                raise problem
        return LOCAL.open(spec)

    with TRANSPORTS.providing({"unsteady": replace(LOCAL, name="unsteady", open=unsteadily)}):
        yield


REFUSED = Unreachable.of(CONNECTION_REFUSED, host="mta1")


def test_a_change_that_shuts_us_out_is_not_confirmed(one_host: ProjectFolder) -> None:
    one_host.stack(WANTED, transport="unsteady")
    with unsteady(repeat(REFUSED)):
        result = one_host.apply().ended(Exit.SOME_FAILED)
    assert "could not be reached over a new connection: Connection refused" in result.words
    assert one_host.host.running == RUNS
    assert one_host.host.leftovers() == []


def test_a_moment_without_network_does_not_undo_a_change(one_host: ProjectFolder) -> None:
    one_host.stack(WANTED, transport="unsteady")
    failures = iter([REFUSED] * 2)
    with unsteady(failures):
        one_host.apply().ended(Exit.OK)
    assert next(failures, None) is None, "it was tried again"
    assert one_host.host.running == NEW


def test_a_bug_of_ours_at_one_host_is_reported_and_keeps_no_one_from_the_rest(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mta1", "mta2", "mta3"):
        project.add_host(name).stand_in()
    project.stack(f"{WANTED}\nrollout: {{max-failures: 3}}")
    real = changing.confirm

    def confirm(session: Session, spec: HostSpec, *rest: Any) -> Any:
        if spec.name == "mta2":
            raise KeyError("no such thing")
        return real(session, spec, *rest)

    monkeypatch.setattr(changing, "confirm", confirm)
    result = project.apply().ended(Exit.SOME_FAILED)
    assert "mta2 rolled back" in result.words
    assert re.search(r"confirm: a bug in pmtaform: KeyError at _confirm in changing\.py:\d+", result.words)
    assert "Of 3 hosts: 2 applied, 1 rolled back." in result.words
    assert project.hosts["mta2"].running == RUNS
    assert all(host.leftovers() == [] for host in project.hosts.values())


def test_a_host_that_awaits_its_confirmation_is_not_changed_by_another(one_host: ProjectFolder) -> None:
    from hosts_waiting import pending

    one_host.stack(WANTED)
    with pending(one_host):
        assert "Change under way on the host" in one_host.plan().ended(Exit.LOCKED).words
        result = one_host.apply().ended(Exit.LOCKED)
        assert "anna@laptop (a change, since 2026-11-25T12:00:00Z)" in result.words
        row = one_host.run("hosts", "--format", "json").json()["hosts"][0]
        assert row["pending"]["who"] == "anna@laptop"
        assert "anna@laptop" in one_host.run("recover").ended(Exit.LOCKED).words
        assert "revert requested, outcome: rolled-back" in one_host.run("recover", "--revert").ended(Exit.OK).words
    assert one_host.host.running == RUNS
    assert one_host.host.leftovers() == []
    one_host.apply().ended(Exit.OK)


def test_a_change_of_someone_who_left_can_be_kept(one_host: ProjectFolder) -> None:
    from hosts_waiting import pending

    one_host.stack(WANTED)
    with pending(one_host):
        one_host.run("recover", "mta1", "--confirm").ended(Exit.OK)
    assert one_host.host.running == RUNS + "# pending\n"
    assert one_host.host.leftovers() == []
    told = one_host.run("history", "mta1", "--live").ended(Exit.OK)
    assert "anna@laptop" in told.out


def test_nothing_left_is_stated(one_host: ProjectFolder) -> None:
    one_host.stack(WANTED)
    assert one_host.run("recover").ended(Exit.OK).out == "Nothing was left half done on 1 host.\n"
    assert one_host.run("recover", "--format", "json").json()["hosts"][0]["done"] == []
    one_host.run("recover", "--confirm", "--revert").ended(Exit.USAGE)
    one_host.run("recover", "nobody").ended(Exit.USAGE)


def test_a_rollback_is_confirmed_too(one_host: ProjectFolder) -> None:
    one_host.stack(WANTED)
    one_host.apply().ended(Exit.OK)
    result = one_host.run("rollback", "mta1", "--auto-approve", "--format", "json").ended(Exit.OK)
    assert ("mta1", "confirming") in events(result)
    assert one_host.host.running == RUNS
