"""Each rule's declaration: its examples are true, and docs/rules.md is made from it."""

from pathlib import Path

import pytest
from distributions import install
from lint_help import MAIN, findings_of
from make_docs import REMEDY

from pmtaform.diagnostics import Severity
from pmtaform.lang.includes import read_configuration
from pmtaform.lang.lint import Finding, Rule, Subject, families, lint, rules
from pmtaform.report.rules_page import rules_page

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
each_rule = pytest.mark.parametrize("rule", rules().values(), ids=rules())


def findings(rule: Rule, example: str) -> list[Finding]:
    given = rule.given
    contents = {MAIN: example.encode("utf-8", "surrogateescape")}
    contents |= {path: f"{text}\n".encode() for path, text in given.included.items()}
    subject = Subject(
        configuration=read_configuration(MAIN, contents, unread=given.unread),
        whole=rule.whole,
        version=given.version,
        in_stack=given.in_stack,
        files=given.files,
    )
    return lint(subject, enabled=[rule.code])


@each_rule
def test_a_rule_reports_its_wrong_example(rule: Rule) -> None:
    assert rule.code in {finding.rule.code for finding in findings(rule, rule.examples[0])}


@each_rule
def test_a_rule_accepts_its_right_example(rule: Rule) -> None:
    assert rule.code not in {finding.rule.code for finding in findings(rule, rule.examples[1])}


@each_rule
def test_a_right_example_has_no_error_of_another_rule(rule: Rule) -> None:
    others = {
        finding.rule.code
        for finding in findings(rule, rule.examples[1])
        if finding.severity is Severity.ERROR and not finding.rule.whole
    }
    assert others == set()


@each_rule
def test_a_rule_is_registered_under_its_code(rule: Rule) -> None:
    assert rules()[rule.code] is rule


@each_rule
def test_a_declaration_is_complete(rule: Rule) -> None:
    assert rule.basis
    assert rule.explanation.endswith(".")
    assert len(rule.summary) <= 60


def test_no_two_rules_have_the_same_summary() -> None:
    summaries = [rule.summary for rule in rules().values()]
    assert len(summaries) == len(set(summaries))


def test_the_page_is_made_from_the_declarations() -> None:
    assert rules_page() == PAGE.read_text("utf-8"), REMEDY


PLUG_IN = """
from collections.abc import Iterator

from pmtaform.diagnostics import Severity
from pmtaform.lang.lint import Facts, Hit, Rule, at


@Rule(
    code="house-postmaster",
    severity=Severity.WARNING,
    summary="Postmaster of another house",
    explanation="Reports go to people who do not know the server.",
    basis="our own rule",
    wrong="postmaster admin@example.org",
    right="postmaster admin@example.com",
)
def house_postmaster(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("postmaster"):
        if not line.value.endswith("@example.com"):
            yield at(line, "Write an address of example.com.")
"""


def test_a_package_brings_a_rule_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(
        monkeypatch,
        tmp_path,
        name="house-rules",
        entry_points="[pmtaform.lint_rules]\nhouse-postmaster = house_rules:house_postmaster\n",
        modules={"house_rules.py": PLUG_IN},
    )
    rule = rules()["house-postmaster"]
    assert [finding.detail for finding in findings_of(rule.examples[0])] == ["Write an address of example.com."]
    assert findings_of(rule.examples[1]) == []
    assert rule in families()[rule.family]
