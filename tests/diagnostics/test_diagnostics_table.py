"""The table of diagnostics: each code has one summary and a real explanation, and docs/errors.md is made from it."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from make_docs import REMEDY

from pmtaform.diagnostics import Definition, Kind, Severity
from pmtaform.diagnostics.registry import areas, table
from pmtaform.lang.lint import rules
from pmtaform.report.codes import errors_page

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
ALL = [each for area in areas().values() for each in area]
# Wordings that a reader has to decode; the page of style has better ones.
UNCLEAR = re.compile(
    r"\b(stands?|is told|is said|says? so|had not|can(not)? be had|goes back|put back|taken back|nobody|somebody"
    r"|whoever|begun|at the most|so many|of its own accord|mend|let be|leave away|asks for|wants?)\b",
    re.IGNORECASE,
)
SAYING = re.compile(r"\b(says?|said|tells?|told|there is|there are|it is|this is)\b", re.IGNORECASE)


def test_each_code_is_defined_once() -> None:
    assert len(ALL) == len(table())
    for name, area in areas().items():
        module = vars(import_module(f"pmtaform.diagnostics.codes.{name}"))
        assert area == tuple(module[each.code.upper().replace("-", "_")] for each in area)


@pytest.mark.parametrize("known", ALL, ids=lambda known: known.code)
def test_a_definition_reads_well(known: Definition) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", known.code)
    assert re.fullmatch(r"[A-Z].{2,59}[^.]|sudo .{2,50}[^.]", known.summary), "a short noun phrase"
    assert not SAYING.search(known.summary)
    sentences = re.split(r"(?<=[.;?])\s", known.explanation)
    assert known.explanation.endswith((".", "PATH", "HOST")), "whole sentences"
    assert 1 <= len(sentences) <= 6
    assert len(known.explanation) > max(40, len(known.summary))
    assert known.summary.lower() not in known.explanation.lower().rstrip(".").split(". ")
    for text in (known.summary, known.explanation):
        assert not UNCLEAR.search(text), UNCLEAR.search(text)


def test_a_lint_rule_of_the_same_code_has_the_same_summary() -> None:
    shared = rules().keys() & table().keys()
    assert {code: rules()[code].summary for code in shared} == {code: table()[code].summary for code in shared}


def test_explanations_are_not_repeated() -> None:
    texts = [known.explanation for known in ALL]
    assert len(set(texts)) == len(texts)


def test_notes_end_no_command() -> None:
    for known in ALL:
        if known.kind is Kind.NOTE:
            assert known.severity is not Severity.ERROR, known.code


def test_the_page_is_made_from_the_table() -> None:
    assert errors_page() == PAGE.read_text("utf-8"), REMEDY
