"""What `--target` and `--exclude` take along, and what they are refused for. Cases are in findings/targets.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from projects import RUNS, ProjectFolder, addresses
from signing_keys import pem

from pmtaform.diagnostics import Exit
from pmtaform.lang.lint import rules
from pmtaform.plan.dangers import danger_kinds

TABLE = Path(__file__).parent / "findings" / "targets.toml"
CASES = {case["name"]: case for family in tomllib.loads(TABLE.read_text()).values() for case in family}
DANGERS = tuple(word for code in danger_kinds() for word in ("--allow", code))
EVERYTHING = (*DANGERS, *(word for rule in rules() for word in ("--allow", rule)))


def prepare(one: ProjectFolder, case: dict[str, Any]) -> None:
    one.host.put(f"{RUNS}spool /var/spool/pmta\n{case.get('live', '')}")
    for name, content in case.get("files", {}).items():
        one.add_file(name, content)
    if "key" in case:
        one.add_file(case["key"], pem())
    if "applied" in case:
        one.config(case["applied"])
        one.apply(*EVERYTHING).ended(Exit.OK)
    one.config(case["config"], case.get("body", ""))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_choice_names_nothing_that_is_not_there(one: ProjectFolder, case: dict[str, Any]) -> None:
    prepare(one, case)
    result = one.plan("--format", "json", *case["choose"]).ended(Exit.OK)
    assert sorted(address for _, address in addresses(result)) == case["changes"]
    (host,) = result.json()["hosts"]
    reported = {code: [] for code in ("dependency-included", "dependency-excluded")}
    for note in host["notes"]:
        if note["code"] in reported:
            reported[note["code"]].append(note["address"])
    assert sorted(reported["dependency-included"]) == case.get("along", [])
    assert sorted(reported["dependency-excluded"]) == case.get("refused", [])
    errors = {note["code"] for note in host["notes"] if note["code"] in rules() and note["severity"] == "error"}
    assert sorted(errors) == case.get("errors", [])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_it_is_applied_or_refused_before_anything_is_touched(one: ProjectFolder, case: dict[str, Any]) -> None:
    prepare(one, case)
    before = one.host.tree()
    refused = "refused" in case or "errors" in case
    result = one.apply(*case["choose"], *DANGERS).ended(Exit.BLOCKED if refused else Exit.OK)
    assert (one.host.tree() == before) == refused
    assert ("dependency-excluded" in result.err) == ("refused" in case)
    if not refused and "applied" not in case:  # a target that has gone names nothing any more
        assert addresses(one.plan("--format", "json", *case["choose"])) == set()


def test_the_plan_says_why(one: ProjectFolder) -> None:
    case = CASES["a pool takes its virtual MTAs along"]
    prepare(one, case)
    result = one.plan(*case["choose"]).ended(Exit.OK)
    assert "virtual-mta[v1] is included because virtual-mta-pool[p] names it." in result.words


def test_a_saved_plan_takes_the_same_along(one: ProjectFolder) -> None:
    case = CASES["a pool takes its virtual MTAs along"]
    prepare(one, case)
    one.run("apply", one.save_plan(*case["choose"]), *DANGERS).ended(Exit.OK)
    assert "<virtual-mta v1>" in one.host.read()
    assert "<virtual-mta v3>" not in one.host.read()
