"""What the guides say outright, as rules: each case of `cases/facts.toml`."""

import tomllib
from pathlib import Path

import pytest
from lint_help import findings_of, only

from pmtaform.lang.lint import rules

CASES = tomllib.loads((Path(__file__).parent / "cases" / "facts.toml").read_text(encoding="utf-8"))["case"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_the_guides_say(case):
    findings = findings_of(case["config"].lstrip("\n"), whole=case.get("whole", False))
    assert only(case["rule"], findings) == case["lines"]
    mine = [finding for finding in findings if finding.rule.code == case["rule"]]
    assert {str(finding.severity) for finding in mine} <= {case.get("severity", str(f.severity)) for f in mine}
    details = " ".join(finding.detail for finding in mine)
    assert [words for words in case.get("says", ()) if words not in details] == []
    everything = " ".join(finding.detail for finding in findings)
    assert [words for words in case.get("never", ()) if words in everything] == []
    assert [rule for rule in case.get("quiet", ()) if only(rule, findings)] == []


def test_cases_name_rules_that_exist():
    assert {case["rule"] for case in CASES} | {rule for case in CASES for rule in case.get("quiet", ())} <= set(rules())


def test_a_wrong_name_at_top_level_is_not_turned_into_an_open_relay():
    """`always-allow-relay yes` has no effect; a fix that renames it at top level might let everyone relay."""
    (finding,) = [f for f in findings_of("always-allow-relay yes\n") if f.rule.code == "invented-directive"]
    assert finding.fix is None
    (finding,) = [
        f
        for f in findings_of("<source 10/8>\nalways-allow-relay yes\n</source>\n")
        if f.rule.code == "invented-directive"
    ]
    assert finding.fix is not None


@pytest.mark.parametrize(
    ("pattern", "count", "used", "lines"),
    [("/a{}@x/", 501, "l", [1]), ("/a{}@x/", 500, "l", []), ("a{}@x.example", 501, "l", []), ("/a{}@x/", 501, "m", [])],
)
def test_a_suppression_list_has_no_more_patterns_than_the_guide_advises(pattern, count, used, lines):
    text = "".join(f"address {pattern.format(number)}\n" for number in range(count))
    text = f"<address-list l>\n{text}</address-list>\n<source 10/8>\nsuppression-lists {used}\n</source>\n"
    assert only("many-suppression-patterns", findings_of(text)) == lines
