"""Results of ten thousand hosts, as people read them: a bounded text that shows each thing once."""

from __future__ import annotations

import json

import pytest
from report_samples import host, plan, rate, unreachable

from pmtaform.api.drifting import BlockDrift, DriftReport
from pmtaform.api.fleet import Drifted, HostRow, LastApply
from pmtaform.api.history import HistoryReport, HostRecord, RunRecord
from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.connections import CONNECT_TIMEOUT
from pmtaform.diagnostics.codes.runs import REFUSED
from pmtaform.plan.model import Reason
from pmtaform.progress import Verdict
from pmtaform.report.drifts import DriftTable
from pmtaform.report.history import history_text
from pmtaform.report.hosts import HostTable
from pmtaform.report.plans import plan_text
from pmtaform.report.runs import RunView
from pmtaform.report.views import Screen
from pmtaform.rollout.model import HostResult, RunResult

HOSTS = [f"mta{number:05}" for number in range(10_000)]
SCREEN = Screen(colour=False, width=100)
APPLIED = LastApply(at="2026-01-31T12:00:00Z", who="ann@ops1", commit=None, plan="p-1", generation=4)


def timed_out(name: str) -> Diagnostic:
    """The same failure, with the host's own name and address in its words."""
    return CONNECT_TIMEOUT.diagnostic(f"Nothing answered at {name}.example.com:22 within 10 s.", host=name)


def test_a_plan_shows_each_change_and_each_failure_once() -> None:
    changed = [host(name, rate(), version="PowerMTA v5.0r8") for name in HOSTS[:9_945]]
    failures = {name: timed_out(name) for name in HOSTS[9_945:]}
    lines = plan_text(plan(*changed, failures=failures)).splitlines()
    assert "mta00000, mta00001, mta00002, mta00003 and 9,941 more (9,945 hosts), PowerMTA v5.0r8" in lines
    assert len(lines) < 25
    assert sum("Nothing answered at" in line for line in lines) == 1


def test_a_run_shows_hosts_with_the_same_result_together() -> None:
    def result(number: int) -> HostResult:
        name = HOSTS[number]
        if number % 1_000 == 7:
            problem = REFUSED.diagnostic(f"{name} answered with 1.", host=name)
            return HostResult(host=name, verdict=Verdict.ROLLED_BACK, problem=problem)
        verdict = Verdict.APPLIED if number % 100 == 0 else Verdict.UNCHANGED
        return HostResult(host=name, verdict=verdict, generation=number)

    hosts = {name: result(number) for number, name in enumerate(HOSTS)}
    view = RunView(RunResult(run="r", hosts=hosts))
    lines = view.text(SCREEN).splitlines()
    assert lines[0].split("  ")[0] == "mta00000, mta00100, mta00200, mta00300 and 96 more (100 hosts)"
    assert lines[0].endswith("applied")
    assert lines[1].startswith("mta00001, mta00002, mta00003, mta00004 and 9,886 more (9,890 hosts)")
    assert lines[2].startswith("mta00007, mta01007, mta02007, mta03007 and 6 more (10 hosts)")
    assert "mta00007 answered with 1." in lines[3]
    assert lines[-1] == "Of 10,000 hosts: 100 applied, 9,890 unchanged, 10 rolled back."
    assert len(lines) < 10
    assert len(json.loads(view.json())["hosts"]) == 10_000


@pytest.mark.parametrize("hosts", [1, 20])
def test_of_few_hosts_each_has_its_line(hosts: int) -> None:
    results = {name: HostResult(host=name, verdict=Verdict.APPLIED, generation=3) for name in HOSTS[:hosts]}
    lines = RunView(RunResult(run="r", hosts=results)).text(SCREEN).splitlines()
    assert lines[:hosts] == [f"{name}  applied (generation 3)" for name in HOSTS[:hosts]]


def test_the_same_drift_is_shown_once() -> None:
    block = BlockDrift(address="domain[gmail.com]", reason=Reason.DRIFT)
    drifted = [DriftReport(host=name, blocks=(block,), files={"/etc/pmta/config": "changed"}) for name in HOSTS[:60]]
    reports = {report.host: report for report in [*drifted, *(DriftReport(host=name) for name in HOSTS[60:9_900])]}
    table = DriftTable(reports, {name: timed_out(name) for name in HOSTS[9_900:]})
    lines = table.text(SCREEN).splitlines()
    assert lines[0] == "Drift on 60 of 9,900 hosts. 100 hosts could not be inspected."
    assert lines[2] == "mta00000, mta00001, mta00002, mta00003 and 56 more (60 hosts)"
    assert len(lines) < 20
    assert len(json.loads(table.json())["hosts"]) == 9_900


def test_a_table_of_many_hosts_has_those_with_something_to_know() -> None:
    plain = Drifted(blocks=0, files=0)
    rows = [HostRow(host=name, generation=4, last=APPLIED, drift=plain) for name in HOSTS]
    rows[5] = HostRow(host=HOSTS[5], generation=4, last=APPLIED, drift=Drifted(blocks=2, files=1))
    rows[6] = HostRow(host=HOSTS[6], generation=4, last=APPLIED, drift=plain, changes=3)
    rows[7] = HostRow(host=HOSTS[7], last=APPLIED, problem=unreachable(HOSTS[7]))
    table = HostTable("demo", rows)
    lines = table.text(SCREEN).splitlines()
    assert [line.split()[0] for line in lines[1:4]] == HOSTS[5:8]
    assert lines[4] == "9,997 more hosts are as the stack declares; --format json lists all"
    assert lines[-1] == "10,000 hosts: 1 with drift, 1 with changes to apply, 1 not seen."
    assert len(lines) < 12
    assert len(json.loads(table.json())["hosts"]) == 10_000
    assert len(HostTable("demo", rows[:100]).text(SCREEN).splitlines()) > 100


def test_a_history_names_some_hosts_of_each_outcome() -> None:
    records = [
        HostRecord(
            host=name,
            outcome="applied" if number else "failed",
            at="",
            reason="" if number else "why",
            generation=number,
        )
        for number, name in enumerate(HOSTS)
    ]
    run = RunRecord(
        run="r",
        started="2026-01-31T12:00:00Z",
        who="ann",
        what="apply",
        plan="r",
        ended="x",
        outcome="ok",
        hosts=tuple(records),
    )
    lines = history_text(HistoryReport(stack="demo", journal="", runs=(run,))).splitlines()
    assert lines[2:] == [
        "  failed: mta00000: why",
        "  applied: mta00001, mta00002, mta00003, mta00004, mta00005, mta00006, mta00007, mta00008 and 9,991 more",
    ]
