"""What runs say in JSON, line by line, is what the published schema allows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import report_samples as samples
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from make_docs import REMEDY
from projects import ProjectFolder

from pmtaform.diagnostics import Exit
from pmtaform.plan.document import plan_schema, to_document
from pmtaform.plan.model import Plan
from pmtaform.progress import Event, Phase, Verdict
from pmtaform.report.events import event_json, events_schema, run_json
from pmtaform.rollout.model import HostResult, RunResult

PUBLISHED = Path(__file__).parents[2] / "docs/events.schema.json"
LINE = Draft202012Validator(events_schema())
PLAN = Draft202012Validator(plan_schema())


def checked(lines: list[Any]) -> list[Any]:
    for line in lines:
        LINE.validate(line)
    return lines


def test_the_published_schema_is_the_one_in_the_code() -> None:
    assert json.loads(PUBLISHED.read_text()) == events_schema(), REMEDY


def test_the_schemas_are_schemas() -> None:
    Draft202012Validator.check_schema(events_schema())
    Draft202012Validator.check_schema(plan_schema())


def test_every_line_of_a_run_that_goes_well_is_allowed(live: ProjectFolder) -> None:
    live.stack("config: {postmaster: a@example.com}\n")
    *events, result = checked(live.apply("--format", "json").ended(Exit.OK).lines())
    phases = [event["phase"] for event in events]
    assert phases[0] == "connecting"
    assert phases[-1] == "done"
    assert "activating" in phases
    assert result["exit_code"] == 0
    output = live.run("rollback", "mta1", "--auto-approve", "--format", "json").ended(Exit.OK)
    undo, *events, result = checked(output.lines())
    assert (undo["kind"], undo["host"], undo["generations"][0]["number"]) == ("pmtaform-undo", "mta1", 1)
    assert events
    assert result["kind"] == "pmtaform-run"


def test_every_line_of_a_run_that_goes_wrong_is_allowed(live: ProjectFolder) -> None:
    live.stack("config: {postmaster: a@example.com}\n")
    live.host.fault("reload", "fail")
    *events, result = checked(live.apply("--format", "json").ended(Exit.SOME_FAILED).lines())
    assert events[-1]["verdict"] == "rolled back"
    assert result["hosts"][0]["problem"]["code"]
    assert result["hosts"][0]["output"]


def test_a_pipe_gets_a_plain_line_for_each_step_on_stderr(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    result = one.apply().ended(Exit.OK)
    assert "mta1: applied (" in result.err
    assert "mta1: applied (" not in result.out


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("verdict", [None, *Verdict])
def test_every_phase_and_verdict_has_its_line(phase: Phase, verdict: Verdict | None) -> None:
    line = json.loads(event_json(Event(host="a", phase=phase, verdict=verdict, seconds=1.23456)))
    LINE.validate(line)
    assert (line["phase"], line["seconds"]) == (phase.value, 1.235)


@given(st.lists(samples.diagnostics, max_size=2), samples.texts, st.sampled_from(Verdict))
def test_whatever_became_of_hosts_is_one_allowed_line(notes: list[Any], text: str, verdict: Verdict) -> None:
    problem = notes[0] if notes else None
    host = HostResult(host=text, verdict=verdict, problem=problem, output=text, notes=tuple(notes))
    result = run_json(RunResult(run="r", hosts={text: host}, interrupted=True))
    assert result.index("\n") == len(result) - 1
    LINE.validate(json.loads(result))


@given(samples.plans)
def test_every_plan_is_what_its_schema_allows(plan: Plan) -> None:
    PLAN.validate(json.loads(json.dumps(to_document(plan))))


def test_printed_plans_are_too_and_what_no_plan_has_is_not(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    printed = one.plan("--format", "json", "--effective").json()
    PLAN.validate(printed)
    assert not PLAN.is_valid({**printed, "password": "x"})
    assert not LINE.is_valid({**json.loads(event_json(Event(host="a", phase=Phase.DONE))), "format": 2})


@pytest.mark.parametrize(("of", "title"), [("events", "A line of"), ("plan", "A plan of"), ("stack", "")])
def test_the_command_prints_each(one: ProjectFolder, of: str, title: str) -> None:
    printed = one.run("schema", "--of", of).ended(Exit.OK).json()
    assert printed["$schema"].endswith("2020-12/schema")
    assert printed.get("title", "").startswith(title)
