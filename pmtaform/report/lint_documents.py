"""Findings for programs: JSON, JUnit XML, and annotations of GitHub Actions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from pmtaform import __version__
from pmtaform.diagnostics import Place, Severity
from pmtaform.lang.lint import Finding
from pmtaform.report.masking import masked_line
from pmtaform.report.style import clean
from pmtaform.report.views import Screen, json_document

_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def json_lint(findings: Sequence[Finding]) -> str:
    """A document of kind `pmtaform-lint`."""
    counts = {severity.value: sum(1 for f in findings if f.severity is severity) for severity in Severity}
    listed = [_finding(finding) for finding in findings]
    return json_document("pmtaform-lint", {"tool_version": __version__, "counts": counts, "findings": listed})


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule.code,
        "severity": finding.severity.value,
        "security": finding.rule.security,
        "summary": clean(finding.rule.summary),
        "detail": clean(finding.detail),
        "place": _place(finding.place, finding.end_column),
        "host": finding.host,
        "related": [_place(place) for place in finding.related],
        "fix": [
            {
                "file": clean(fix.path),
                "line": fix.splice.start + 1,
                "end_line": fix.splice.end,
                "lines": [masked_line(line) for line in fix.splice.lines],
            }
            for fix in finding.fix
        ]
        if finding.fix
        else None,
    }


def _place(place: Place, end_column: int | None = None) -> dict[str, Any]:
    return {"file": clean(place.file), "line": place.line, "column": place.column, "end_column": end_column}


# -- JUnit -------------------------------------------------------------------------------------------------------------


def junit_lint(findings: Sequence[Finding], checked: Sequence[str] = ()) -> str:
    """JUnit XML: a test suite for each file, a failed case for each finding, a passed one for each clean file.

    Remarks do not fail: they are in the suite's output.
    """
    files = dict.fromkeys([*checked, *(finding.place.file for finding in findings)])
    suites = [_suite(file, [f for f in findings if f.place.file == file]) for file in files]
    failures = sum(1 for finding in findings if finding.severity is not Severity.INFO)
    cases = sum(count for count, _ in suites)
    head = f'<testsuites name="pmtaform lint" tests="{cases}" failures="{failures}" errors="0">'
    return (
        "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *(text for _, text in suites), "</testsuites>"])
        + "\n"
    )


def _suite(file: str, findings: Sequence[Finding]) -> tuple[int, str]:
    name = _attribute(file)
    failed = [finding for finding in findings if finding.severity is not Severity.INFO]
    cases = [_case(name, finding) for finding in failed] or [f'  <testcase classname={name} name="lint"/>']
    remarks = "\n".join(_line(finding) for finding in findings if finding.severity is Severity.INFO)
    output = f"\n  <system-out>{_text(remarks)}</system-out>" if remarks else ""
    head = f' <testsuite name={name} tests="{len(cases)}" failures="{len(failed)}" errors="0" skipped="0">'
    return len(cases), "\n".join([head, *cases]) + output + "\n </testsuite>"


def _case(name: str, finding: Finding) -> str:
    title = _attribute(f"{finding.rule.code} at {_position(finding.place)}")
    message = _attribute(clean(finding.rule.summary))
    return (
        f"  <testcase classname={name} name={title}>\n"
        f"   <failure type={_attribute(finding.severity.value)} message={message}>{_text(_line(finding))}</failure>\n"
        "  </testcase>"
    )


def _position(place: Place) -> str:
    return f"line {place.line}" if place.line is not None else "the file"


def _line(finding: Finding) -> str:
    host = f"{clean(finding.host)}: " if finding.host else ""
    summary, code = clean(finding.rule.summary), finding.rule.code
    return f"{host}{clean(str(finding.place))}: {summary}: {clean(finding.detail)} [{code}]"


def _text(text: str) -> str:
    return escape(_NO_XML.sub("�", text))


def _attribute(text: str) -> str:
    return quoteattr(_NO_XML.sub("�", clean(text)))


# -- GitHub ------------------------------------------------------------------------------------------------------------


def github_lint(findings: Sequence[Finding]) -> str:
    """Workflow commands of GitHub Actions, one a finding: they become annotations on the changed files."""
    return "".join(_annotation(finding) + "\n" for finding in findings)


def _annotation(finding: Finding) -> str:
    place = finding.place
    properties = {"file": place.file}
    if place.line is not None:
        properties["line"] = str(place.line)
        if place.column is not None:
            properties["col"] = str(place.column)
            if finding.end_column is not None:
                properties["endColumn"] = str(finding.end_column)
    properties["title"] = f"{finding.rule.summary} [{finding.rule.code}]"
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    host = f"{finding.host}: " if finding.host else ""
    return f"::{_COMMANDS[finding.severity]} {listed}::{_message(host + finding.detail)}"


def _message(text: str) -> str:
    return clean(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


@dataclass(frozen=True, slots=True)
class LintView:
    """The findings of lint; `source` gives the line of a file at a place."""

    findings: Sequence[Finding]
    source: Callable[[Place], str | None] | None = None

    def text(self, screen: Screen) -> str:
        """The findings, each with its line and the reason."""
        from pmtaform.report.lint_text import lint_text

        return lint_text(self.findings, source=self.source, colour=screen.colour, width=screen.width)

    def json(self) -> str:
        """A document of kind `pmtaform-lint`."""
        return json_lint(self.findings)
