"""Printed diagnostics."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from report_samples import diagnostics

from pmtaform.diagnostics import Diagnostic, Place, Severity
from pmtaform.report import diagnostics_text

UNKNOWN = Diagnostic(
    code="unknown-directive",
    summary="unknown directive",
    detail='PowerMTA has no directive "max-msg-rat". Did you mean "max-msg-rate"?',
    place=Place("stacks/demo/a.yaml", 12, 5),
    related=(Place("stacks/demo/b.yaml", 3),),
)


def test_no_diagnostics_are_no_text() -> None:
    assert diagnostics_text([]) == ""


def test_a_diagnostic_says_where_what_why_and_shows_the_line() -> None:
    assert diagnostics_text([UNKNOWN], source=lambda _: "    max-msg-rat: 300/h\n") == (
        "stacks/demo/a.yaml:12:5: error: Unknown directive [unknown-directive]\n"
        "   12 |     max-msg-rat: 300/h\n"
        "      |     ^\n"
        '    PowerMTA has no directive "max-msg-rat". Did you mean "max-msg-rate"?\n'
        "    See also stacks/demo/b.yaml:3\n"
        "1 error.\n"
    )


def test_they_are_sorted_by_place_and_counted() -> None:
    late = Diagnostic(code="b", summary="late", place=Place("a", 9), severity=Severity.WARNING)
    early = Diagnostic(code="a", summary="early", place=Place("a", 2))
    of_host = Diagnostic(code="c", summary="no answer", host="mta2")
    lines = diagnostics_text([late, early, of_host]).splitlines()
    assert lines == [
        "mta2: error: No answer [c]",
        "a:2: error: Early [a]",
        "a:9: warning: Late [b]",
        "2 errors, 1 warning.",
    ]


def test_a_secret_in_the_quoted_line_is_masked() -> None:
    for column in (1, 8, 20):
        problem = Diagnostic(code="x", summary="y", place=Place("a.yaml", 1, column))
        text = diagnostics_text([problem], source=lambda _: "http-api-key: hunter2hunter2")
        assert "hunter2" not in text
        assert "http-api-key: (sensitive)" in text


def test_a_caret_is_left_out_where_it_would_point_wrong() -> None:
    problem = Diagnostic(code="x", summary="y", place=Place("a.yaml", 1, 200))
    assert "^" not in diagnostics_text([problem], source=lambda _: "short")
    assert "|" not in diagnostics_text([problem], source=lambda _: None)


def test_brackets_are_no_markup() -> None:
    problem = Diagnostic(code="x", summary="cannot read [/etc/pmta/config]", detail="[host]:22 [bold]x[/bold]")
    text = diagnostics_text([problem])
    assert "[/etc/pmta/config]" in text
    assert "[host]:22 [bold]x[/bold]" in text


@given(st.lists(diagnostics, max_size=4), st.text(st.characters(exclude_categories=()), max_size=30))
def test_whatever_they_say_the_text_is_clean(findings: list[Diagnostic], line: str) -> None:
    text = diagnostics_text(findings, source=lambda _: line)
    assert text.replace("\n", "").isprintable()
