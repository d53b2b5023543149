"""Kinds of faults, each with real configurations, siblings and guards (`cases/kinds/*.toml`).

A case lists everything that is found, so one cause is one finding, and what is right is left alone. `finds` has rule,
line (0: the file as a whole), and words that the detail must have; `never` are words that no detail may have.
"""

from pathlib import Path

import pytest
from lint_help import KINDS, findings_of

from pmtaform.lang.lint import rules

WILD = Path(__file__).parent / "cases" / "wild"


def text_of(case: dict) -> str:
    if "file" in case:
        return (WILD / case["file"]).read_text(encoding="utf-8")
    return case["config"].strip("\n") + "\n"


@pytest.mark.parametrize("case", KINDS, ids=lambda case: case["name"])
def test_a_case(case):
    findings = findings_of(text_of(case), whole=case.get("whole", "file" in case))
    expected = [(rule, line) for rule, line, *_ in case["finds"]]
    assert sorted((f.rule.code, f.place.line or 0) for f in findings) == sorted(expected)
    details = {(f.rule.code, f.place.line or 0): f.detail for f in findings}
    for rule, line, *words in case["finds"]:
        for word in words:
            assert word in details[rule, line]
    for word in case.get("never", ()):
        assert not any(word in detail for detail in details.values())


def test_every_wild_file_has_a_case():
    assert {path.name for path in WILD.iterdir()} == {case["file"] for case in KINDS if "file" in case}


def test_only_rules_that_exist_are_named():
    assert {rule for case in KINDS for rule, *_ in case["finds"]} <= set(rules())
