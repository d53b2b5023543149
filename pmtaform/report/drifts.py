"""Drift as text for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pmtaform.diagnostics import Diagnostic
from pmtaform.plan.document import diagnostic_document
from pmtaform.report.changes import change_lines
from pmtaform.report.problems import problem_lines
from pmtaform.report.style import WIDTH, Style, clean, counted, named

if TYPE_CHECKING:
    from pmtaform.api import DriftReport


def drift_text(
    found: Mapping[str, DriftReport],
    failures: Mapping[str, Diagnostic],
    *,
    colour: bool = False,
    width: int = WIDTH,
) -> str:
    """The drift of every host, the verdict first. What a host has now stands left of the arrow."""
    style = Style(colour)
    lines = [style(_verdict(found, failures), "bold")]
    for report in found.values():
        if report.drifted:
            lines += ["", *_host(report, style, width)]
    never = [report.host for report in found.values() if report.unknown]
    if never:
        lines += ["", f"Nothing was ever applied to {named(never)}: there is nothing to compare with."]
    for problem in failures.values():
        lines += ["", *problem_lines(problem, style, width)]
    return "\n".join(lines) + "\n"


def _verdict(found: Mapping[str, DriftReport], failures: Mapping[str, Diagnostic]) -> str:
    drifted = sum(1 for report in found.values() if report.drifted)
    busy = sum(1 for report in found.values() if report.busy)
    known = sum(1 for report in found.values() if not report.unknown and (report.drifted or not report.busy))
    if known == 0:
        words = "Nothing to compare with."
    elif drifted:
        words = f"Drift on {drifted} of {counted(known, 'host')}."
    else:
        words = f"No drift. {counted(known, 'host')} {'is' if known == 1 else 'are'} as the last apply left them."
    if busy:
        words += (
            f" {counted(busy, 'host')} {'has a change' if busy == 1 else 'have changes'} that no one confirmed yet."
        )
    return words + (f" {counted(len(failures), 'host')} could not be looked at." if failures else "")


def _host(report: DriftReport, style: Style, width: int) -> Iterator[str]:
    yield style(clean(report.host), "bold", "cyan")
    for path, what in sorted(report.files.items()):
        yield f"  {clean(path)} {clean(what)}"
    if not report.changes:
        yield "  No block of ours is other than the stack says now: what changed is layout or comments, or is not"
        yield "  declared, or was changed to what the stack says meanwhile."
        return
    yield "  What `pmtaform apply` would put back:"
    for change in report.changes:
        yield ""
        yield from change_lines(change, style, width)


def json_drift(found: Mapping[str, DriftReport], failures: Mapping[str, Diagnostic]) -> str:
    """The drift as a JSON document."""
    hosts = [
        {
            "host": report.host,
            "drifted": report.drifted,
            "never_applied": report.unknown,
            "busy": report.busy,
            "files": dict(report.files),
            "blocks": [{"address": c.address, "reason": c.reason.value} for c in report.changes],
        }
        for report in found.values()
    ]
    problems = {host: diagnostic_document(problem) for host, problem in failures.items()}
    document = {"format": 1, "kind": "pmtaform-drift", "hosts": hosts, "failures": problems}
    return json.dumps(document, indent=1) + "\n"
