"""`pmtaform explain CODE`: what a code means and what to do, from whichever table has it."""

from __future__ import annotations

import json

import pytest
from projects import ProjectFolder

from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.registry import table


@pytest.mark.parametrize("word", ["host-locked", "[host-locked]", "HOST-LOCKED"])
def test_the_code_of_an_error(project: ProjectFolder, word: str) -> None:
    known = table()["host-locked"]
    shown = project.run("explain", word).ended(Exit.OK)
    assert f"host-locked: {known.summary}" in shown.out
    assert "error, exit code 5 (locked)" in shown.out
    assert known.explanation in shown.words


def test_a_warning_has_no_exit_code(project: ProjectFolder) -> None:
    assert "warning, no exit code" in project.run("explain", "sudo-keeps-log").ended(Exit.OK).words


def test_a_lint_rule_and_a_danger_may_share_a_code(project: ProjectFolder) -> None:
    document = json.loads(project.run("explain", "open-relay", "--format", "json").ended(Exit.OK).out)
    assert document["kind"] == "pmtaform-codes"
    assert [entry["source"] for entry in document["codes"]] == ["lint rule", "danger"]
    assert [entry["exit_code"] for entry in document["codes"]] == [78, 6]
    assert all(entry["explanation"] for entry in document["codes"])


def test_a_code_that_is_a_directive_too(project: ProjectFolder) -> None:
    both = project.run("explain", "connect-timeout").ended(Exit.OK).words
    assert "PowerMTA's guide" in both
    assert "connect-timeout: Connection timed out" in both
    only = project.run("explain", "connect-timeout", "--code").ended(Exit.OK).out
    assert only.startswith("connect-timeout: Connection timed out")


def test_a_directive_is_no_code(project: ProjectFolder) -> None:
    words = project.run("explain", "dkim-sign", "--code").ended(Exit.USAGE).words
    assert 'No message, lint rule or danger has the code "dkim-sign".' in words
    assert 'Did you mean "dkim-signature"?' in words
    assert "docs/errors.md" in project.run("explain", "qqqq", "--code").ended(Exit.USAGE).words


def test_an_unknown_word_gets_suggestions(project: ProjectFolder) -> None:
    assert 'Did you mean "host-busy"?' in project.run("explain", "hots-busy").ended(Exit.USAGE).err
    assert 'Did you mean "max-smtp-out"?' in project.run("explain", "max-smtp-uot").ended(Exit.USAGE).words
