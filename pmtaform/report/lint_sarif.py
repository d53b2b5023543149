"""Findings in SARIF 2.1.0, which code scanners show, with fixes and with what comments ignore."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from pmtaform import __version__
from pmtaform.diagnostics import Place, Severity
from pmtaform.lang.lint import Finding, Fix, Rule, rules
from pmtaform.lang.splices import Splice
from pmtaform.report.masking import masked_line
from pmtaform.report.style import clean

_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_lint(findings: Sequence[Finding], files: Mapping[str, str] | None = None) -> str:
    """One run in SARIF 2.1.0 (OASIS), with the rules that found something.

    `files` has the names of the files of fixes on this machine.
    """
    used = list(dict.fromkeys(finding.rule.code for finding in findings))
    index = {name: number for number, name in enumerate(used)}
    results = [_result(finding, index[finding.rule.code], files or {}) for finding in findings]
    if any(finding.ignored is not None for finding in findings):
        for result, finding in zip(results, findings, strict=True):
            result["suppressions"] = list(_suppressions(finding))  # of all results or of none (3.27.23)
    run = {
        "tool": {
            "driver": {
                "name": "pmtaform",
                "semanticVersion": __version__,
                "rules": [_sarif_rule(rules()[name]) for name in used],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    properties: dict[str, Any] = {"tags": ["security"] if rule.security else []}
    if rule.security:
        properties["security-severity"] = "8.0" if rule.severity is Severity.ERROR else "5.0"
    return {
        "id": rule.code,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.explanation},
        "help": {"text": f"{rule.explanation}\n\nBasis: {rule.basis}"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": properties,
    }


def _result(finding: Finding, index: int, files: Mapping[str, str]) -> dict[str, Any]:
    host = f"{clean(finding.host)}: " if finding.host else ""
    result: dict[str, Any] = {
        "ruleId": finding.rule.code,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": _without_links(f"{host}{clean(finding.rule.summary)}: {clean(finding.detail)}")},
        "locations": [_location(finding.place, finding.end_column)],
    }
    if finding.related:
        result["relatedLocations"] = [_location(place) for place in finding.related]
    if finding.fix and all(_may_be_shown(fix) for fix in finding.fix):
        result["fixes"] = [_fix(finding, files)]
    return result


def _without_links(text: str) -> str:
    """SARIF makes a link of `[text](target)` in any message (3.11.6), and text of a file is no link."""
    return text.replace("](", "] (")


def _suppressions(finding: Finding) -> Iterator[dict[str, Any]]:
    if finding.ignored is not None:
        yield {"kind": "inSource", "status": "accepted", "justification": clean(finding.ignored)}


def _may_be_shown(fix: Fix) -> bool:
    """Whether a fix can be given as it is. One with a secret in it is applied with `lint --fix` only."""
    return all(masked_line(line) == line.rstrip("\r\n") for line in fix.splice.lines)


def _fix(finding: Finding, files: Mapping[str, str]) -> dict[str, Any]:
    changes: dict[str, list[dict[str, Any]]] = {}
    for fix in finding.fix or ():
        changes.setdefault(files.get(fix.path, fix.path), []).append(_replacement(fix.splice))
    return {
        "description": {"text": clean(finding.rule.summary)},
        "artifactChanges": [
            {"artifactLocation": {"uri": _uri(path)}, "replacements": replacements}
            for path, replacements in changes.items()
        ],
    }


def _replacement(splice: Splice) -> dict[str, Any]:
    """Whole lines that give way to others. A region without columns ends before the last line's end."""
    region: dict[str, int] = {"startLine": splice.start + 1}
    text = "".join(splice.lines)
    if splice.lines and splice.end > splice.start:
        region["endLine"] = splice.end
        text = text.rstrip("\r\n")
    else:
        region |= {"startColumn": 1, "endLine": splice.end + 1, "endColumn": 1}
    return {"deletedRegion": region, "insertedContent": {"text": text}}


def _location(place: Place, end_column: int | None = None) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(place.file)}}
    if place.line is not None:
        region: dict[str, Any] = {"startLine": place.line}
        if place.column is not None:
            region["startColumn"] = place.column
            if end_column is not None and end_column > place.column:
                region["endColumn"] = end_column
        physical["region"] = region
    return {"physicalLocation": physical}


def _uri(path: str) -> str:
    """A path as a URI reference: relative ones stay relative."""
    encoded = quote(path.encode("utf-8", "surrogateescape"), safe="/~")
    return f"file://{encoded}" if posixpath.isabs(path) else encoded
