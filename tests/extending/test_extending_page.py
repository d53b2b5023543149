"""The page itself: every kind is there once, and the danger and the rule do what it says."""

from __future__ import annotations

import tomllib
from pathlib import Path

from extending_page import blocks

from pmtaform.lang.includes import single
from pmtaform.lang.lint import Subject, lint, rules
from pmtaform.lang.parsing import parse
from pmtaform.plan.dangers import danger_kinds, find_dangers
from pmtaform.plugins import SECRET_PROVIDERS, STATE_BACKENDS, TRANSPORTS
from pmtaform.registry import plug_ins

MAIN = "/etc/pmta/config"
GROUPS = {"transports", "secret_providers", "state_backends", "dangers", "lint_rules"}


def test_the_page_adds_one_of_each_kind() -> None:
    files = blocks()
    entries = tomllib.loads(files.pop("pyproject.toml"))["project"]["entry-points"]
    assert set(entries) == {f"pmtaform.{group}" for group in GROUPS}
    assert {value.partition(":")[0] for group in entries.values() for value in group.values()} == {
        Path(file).stem for file in files
    }
    for group in entries:
        assert [plug_in.name for plug_in in plug_ins(group)] == list(entries[group])


def test_each_is_found_by_its_name() -> None:
    assert TRANSPORTS["container"].name == "container"
    assert SECRET_PROVIDERS["credentials"].argument == "NAME"
    assert STATE_BACKENDS["sqlite"]
    assert "postmaster-changed" in danger_kinds()
    assert "acme-postmaster" in rules()


def test_the_danger_is_found() -> None:
    before, after = (single(parse(f"postmaster {who}@example.com\n", MAIN)) for who in ("ann", "bob"))
    assert [finding.code for finding in find_dangers(before, after)] == ["postmaster-changed"]


def test_the_rule_finds_its_wrong_example_and_not_its_right_one() -> None:
    rule = rules()["acme-postmaster"]
    hits = [
        [
            finding.detail
            for finding in lint(Subject(configuration=single(parse(text, MAIN))), enabled=[rule.code])
            if finding.rule == rule
        ]
        for text in rule.examples
    ]
    assert hits == [["Write an address of example.com."], []]
