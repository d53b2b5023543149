"""What lint finds in the configuration that a plan makes, and what of it stops an apply (findings/*.toml)."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from projects import RUNS, CommandResult, ProjectFolder

from pmtaform.diagnostics import Exit
from pmtaform.lang.lint import rules
from pmtaform.plan.dangers import danger_kinds

FOLDER = Path(__file__).parent / "findings"
CASES = {
    case["name"]: case for family in tomllib.loads((FOLDER / "merged.toml").read_text()).values() for case in family
}
CONSENT = tuple(
    word for code in danger_kinds() for word in ("--allow", code)
)  # dangers are not what these tests are about
EVERYTHING = (*CONSENT, *(word for rule in rules() for word in ("--allow", rule)))
WHOLE = RUNS + "spool /var/spool/pmta\n"


def prepare(one: ProjectFolder, case: dict[str, Any]) -> None:
    one.host.put(("" if case.get("bare") else WHOLE) + case.get("live", ""))
    if "applied" in case:
        one.config(case["applied"])
        one.apply(*EVERYTHING).ended(Exit.OK)
    body = "native: [n.conf]\n" if "native" in case else ""
    one.add_file("n.conf", case.get("native", ""))
    one.config(case.get("config", "postmaster: a@example.com"), body)


def notes(result: CommandResult, severity: str) -> list[dict[str, Any]]:
    return [
        n
        for host in result.json()["hosts"]
        for n in host["notes"]
        if n["severity"] == severity and n["code"] in rules()
    ]


def codes(findings: list[dict[str, Any]]) -> list[str]:
    return sorted({note["code"] for note in findings})


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_plan_is_judged_by_what_it_makes(one: ProjectFolder, case: dict[str, Any]) -> None:
    prepare(one, case)
    result = one.plan("--format", "json").ended(Exit.OK)
    errors = notes(result, "error")
    assert codes(errors) == case.get("errors", [])
    told = {note["code"] for host in result.json()["hosts"] for note in host["notes"]}
    assert told >= set(case.get("notes", ()))
    assert not told & set(case.get("silent", ()))
    assert result.json()["summary"]["errors"] == (0 if "danger" in case else len(errors))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_an_error_stops_an_apply_until_its_rule_is_allowed(one: ProjectFolder, case: dict[str, Any]) -> None:
    prepare(one, case)
    before = one.host.tree()
    errors = [] if "danger" in case else case.get("errors", [])
    if errors:
        result = one.apply(*CONSENT).ended(Exit.BLOCKED)
        assert all(f"--allow {name}" in result.words for name in errors)
        assert one.host.tree() == before
        saved = one.save_plan()
        one.run("apply", saved, *CONSENT).ended(Exit.BLOCKED)
        assert one.host.tree() == before
    one.apply(*CONSENT, *(word for name in errors for word in ("--allow", name))).ended(Exit.OK)
    assert one.host.tree() != before
    one.settled()


def test_an_error_that_a_danger_reports_needs_one_consent(one: ProjectFolder) -> None:
    (case,) = (case for case in CASES.values() if "danger" in case)
    prepare(one, case)
    result = one.apply().ended(Exit.BLOCKED)
    assert f"--allow {case['danger']}" in result.words
    assert not any(f"--allow {name}" in result.words for name in case["errors"])
    one.apply("--allow", case["danger"]).ended(Exit.OK)


def test_the_command_to_copy_names_dangers_and_errors(one: ProjectFolder) -> None:
    one.config("virtual-mta-pool: {p: {virtual-mta: [ghost]}}\nrelay-domain: ['*']")
    result = one.plan().ended(Exit.OK)
    (line,) = [line for line in result.out.splitlines() if line.startswith("To consent:")]
    assert "--allow undefined-virtual-mta" in line
    assert "stacks/fleet/stack.yaml:5" in result.out
    words = line.partition("pmtaform ")[2].split()
    one.run(*words, "--auto-approve").ended(Exit.OK)


def test_a_name_that_no_danger_and_no_rule_has_is_refused(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    result = one.apply("--allow", "undefined-virtual-mtas").ended(Exit.USAGE)
    assert 'Did you mean "undefined-virtual-mta"?' in result.words


def test_hosts_with_the_same_result_are_one_entry(project: ProjectFolder) -> None:
    for name in ("mta1", "mta2", "mta3"):
        project.add_host(name)
    project.config("virtual-mta-pool: {p: {virtual-mta: [ghost]}}")
    result = project.plan().ended(Exit.OK)
    assert result.out.count("[undefined-virtual-mta]") == 1
    assert "mta1..mta3" in result.out or "mta1, mta2, mta3" in result.out
    blocked = project.apply().ended(Exit.BLOCKED)
    assert blocked.err.count("[undefined-virtual-mta]") == 1


def test_only_hosts_with_changes_are_linted_and_the_same_only_once(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pmtaform.planning import host_lint

    linted: list[object] = []
    whole = host_lint.lint_change

    def counting(*arguments: Any) -> Any:
        linted.append(arguments)
        return whole(*arguments)

    monkeypatch.setattr(host_lint, "lint_change", counting)
    for name in ("mta1", "mta2", "mta3"):
        project.add_host(name)
    project.config("postmaster: a@example.com")
    project.plan().ended(Exit.OK)
    assert len(linted) == 1
    project.apply().ended(Exit.OK)
    linted.clear()
    project.plan().ended(Exit.OK)
    assert linted == []


def test_places_of_what_the_stack_does_not_write_are_those_of_the_host_as_it_is(one: ProjectFolder) -> None:
    one.host.put("<virtual-mta-pool p>\nvirtual-mta v1\n</virtual-mta-pool>\n" + WHOLE)
    one.config("virtual-mta: {v1: {smtp-source-host: 192.0.2.1 a.example.com}}")
    one.apply(*EVERYTHING).ended(Exit.OK)
    one.config("host-name: mta.example.com")
    result = json.loads(one.plan("--format", "json").ended(Exit.OK).out)
    (note,) = [n for host in result["hosts"] for n in host["notes"] if n["code"] == "undefined-virtual-mta"]
    assert (note["place"]["file"], note["place"]["line"]) == ("/etc/pmta/config", 2)
    assert note["address"] == "virtual-mta-pool[p]"
