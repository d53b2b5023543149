"""`pmtaform hosts`: the fleet at a glance."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from projects import ProjectFolder

from pmtaform.api import Choice, PlanRequest, Project, fleet_of, make_plan
from pmtaform.diagnostics import Exit
from pmtaform.host import Awaiting, HostLock, Waiting
from pmtaform.model.operations import Freeze, Operations
from pmtaform.report.hosts import hosts_text, json_hosts

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def applied(project: ProjectFolder) -> ProjectFolder:
    """One host that runs the stand-in, and one without; both applied to."""
    project.add_host("mta1", pmta=True)
    project.add_host("mta2")
    project.config("postmaster: a@example.com")
    project.apply().ended(Exit.OK)
    return project


def rows(project: ProjectFolder, *arguments: str, code: int = Exit.OK) -> dict[str, dict[str, Any]]:
    document = project.run("hosts", "--format", "json", *arguments).ended(code).json()
    assert (document["format"], document["kind"], document["stack"]) == (1, "pmtaform-hosts", "fleet")
    return {row["host"]: row for row in document["hosts"]}


def test_each_host_has_a_row_with_what_it_runs_and_who_applied_last(applied: ProjectFolder) -> None:
    table = rows(applied)
    assert list(table) == ["mta1", "mta2"]
    assert "v5.0r8" in table["mta1"]["version"]
    assert table["mta2"]["version"] is None
    state = applied.state["hosts"]["mta1"]
    last = table["mta1"]["last_apply"]
    assert (last["at"], last["who"], last["commit"]) == (state["applied-at"], state["who"], state["commit"])
    assert table["mta1"]["generation"] == last["generation"] == 1
    assert table["mta1"]["drift"] == {"blocks": 0, "files": 0}
    text = applied.run("hosts").ended(Exit.OK).out
    assert " ".join(text.splitlines()[0].split()) == "HOST POWERMTA GENERATION LAST APPLY BY COMMIT DRIFT TO DO"
    assert text.splitlines()[1].split()[:4] == ["mta1", "5.0r8", "1", state["applied-at"]]
    assert text.endswith("2 hosts: all as the stack declares.\n")


def test_drift_is_counted_in_blocks_and_files(applied: ProjectFolder) -> None:
    applied.hosts["mta2"].put(applied.hosts["mta2"].read().replace("a@example", "b@example"))
    table = rows(applied)["mta2"]
    assert (table["drift"], table["changes"]) == ({"blocks": 1, "files": 1}, 1)
    text = applied.run("hosts").out
    assert "1 block, 1 file" in text
    assert "2 hosts: 1 with drift, 1 with changes to apply." in text


def test_a_host_that_nothing_was_applied_to_says_never(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    table = rows(one)["mta1"]
    assert (table["last_apply"], table["drift"], table["generation"], table["changes"]) == (None, None, 0, 1)
    assert "never" in one.run("hosts").out


def test_an_unreachable_host_has_its_row_and_its_reason(applied: ProjectFolder) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken and not listening: connections are refused
        gone = {"transport": "ssh", "address": "127.0.0.1", "port": closed.getsockname()[1], "use-agent": False}
        known = applied.root / "known_hosts"
        known.write_text("")
        host = {**gone, "root": "/", "known-hosts": str(known), "user": "nobody", "activation": "none"}
        body = "config: {postmaster: a@example.com}\n"
        applied.stack(body, hosts={"mta1": host, "mta2": {"activation": "none"}})
        table = rows(applied, code=Exit.UNREACHABLE)
        result = applied.run("hosts").ended(Exit.UNREACHABLE)
    assert table["mta1"]["problem"]["code"] == "connection-refused"
    assert (table["mta1"]["generation"], table["mta1"]["drift"], table["mta1"]["changes"]) == (None, None, None)
    assert table["mta1"]["last_apply"]["generation"] == 1  # what the state knows is reported all the same
    assert table["mta2"]["problem"] is None
    assert "[connection-refused]" in result.out
    assert "1 not seen" in result.out


def test_hosts_are_chosen_as_in_a_plan(applied: ProjectFolder) -> None:
    assert list(rows(applied, "--host", "mta2")) == ["mta2"]
    applied.run("hosts", "--host", "mta9").ended(Exit.USAGE)


def test_an_apply_with_another_state_is_noticed(applied: ProjectFolder, tmp_path: Path) -> None:
    before = applied.state_file.read_bytes()
    applied.config("postmaster: b@example.com")
    applied.apply("--host", "mta2").ended(Exit.OK)
    applied.state_file.write_bytes(before)
    assert "the state has generation 1: another state was used to apply" in applied.run("hosts").words


def test_what_is_in_the_way_is_reported_below_the_row(applied: ProjectFolder) -> None:
    project = Project(applied.root)
    planned = make_plan(project, project.load("fleet"), PlanRequest(choice=Choice(hosts=("mta2",))))
    survey = planned.fleet.surveys["mta2"]
    waits = Awaiting(
        transaction="t1", state=Waiting.PENDING, left=90, since="2026-01-31T11:59:00Z", who="ann@ops", what="apply"
    )
    lock = HostLock(who="bob", what="apply", since="2026-01-31T11:58:00Z", transaction="t1")
    planned.fleet.surveys["mta2"] = replace(survey, snapshot=replace(survey.snapshot, awaiting=waits))
    until = datetime(2026, 2, 1, tzinfo=UTC)
    how = {"mta2": Operations(freeze=Freeze(until=until, reason="sale \x1b[1m"))}
    (row,) = fleet_of(planned, how, now=NOON)
    text = hosts_text([row])
    assert "pending commit: apply by ann@ops since 2026-01-31T11:59:00Z: active and awaits its confirmation" in text
    assert "90 s left" in text
    assert "frozen until 2026-02-01T00:00+00:00: sale" in text
    assert "\x1b" not in text
    assert '"seconds_left": 90' in json_hosts("fleet", [row])
    assert "being changed by bob" in hosts_text([replace(row, pending=None, lock=lock)])
    (thawed,) = fleet_of(planned, how, now=until)
    assert thawed.frozen is None


def test_no_host_is_reported_as_such() -> None:
    assert hosts_text([]) == "No hosts are selected.\n"
