"""Every row of the table of mistakes, and every guard against a false positive."""

import tomllib
from pathlib import Path

import pytest
from lint_help import findings_of, told

from pmtaform.diagnostics import Severity
from pmtaform.lang.lint import rules

TABLE = tomllib.loads((Path(__file__).parent / "cases" / "mistakes.toml").read_text(encoding="utf-8"))
ROWS = TABLE["row"]
GUARDS = TABLE["guard"]


def text_of(case: dict) -> str:
    return case["config"].strip("\n") + "\n"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['number']}-{row.get('rule', 'fine')}")
def test_a_row_is_found_where_it_is(row):
    """The rule speaks in the right line; beside it only what the row itself brings along."""
    whole = row.get("whole", False)
    findings = findings_of(text_of(row), whole=whole, enabled=tuple(row.get("enable", ())))
    if "rule" not in row:
        assert told(findings) == []
        return
    assert (row["rule"], row.get("line", 1)) in told(findings)
    if not whole:
        assert {finding.rule.code for finding in findings} <= {row["rule"], *row.get("also", ())}


def test_the_table_has_every_row():
    numbers = {row["number"] for row in ROWS}
    silent = {row["number"] for row in TABLE["silent"]}
    assert numbers | silent == set(range(1, 129))
    assert not numbers & silent
    assert all(row["reason"] for row in TABLE["silent"])


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard["name"])
def test_what_is_real_is_left_alone(guard):
    findings = findings_of(text_of(guard))
    allowed = guard.get("remark")
    assert {finding.rule.code for finding in findings} == ({allowed} if allowed else set())
    assert all(finding.severity is not Severity.ERROR for finding in findings)


def test_only_rules_that_exist_are_named():
    named = {row["rule"] for row in ROWS if "rule" in row} | {name for row in ROWS for name in row.get("also", ())}
    assert named <= set(rules())
