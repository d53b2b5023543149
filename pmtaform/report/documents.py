"""Reports as JSON, for programs. Every document says its `format` and `kind`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.plan.document import Sealer, diagnostic_document, to_document
from pmtaform.plan.model import Plan
from pmtaform.progress import Event
from pmtaform.report.dangers import danger_documents
from pmtaform.report.verdict import summary, verdict
from pmtaform.rollout.model import RunResult

FORMAT = 1


def json_plan(
    plan: Plan,
    effects: Sequence[dict[str, Any]] | None = None,
    rotations: Sequence[dict[str, Any]] | None = None,
    *,
    sealer: Sealer | None = None,
) -> str:
    """The plan's document with verdict, numbers and dangers; `effects` with --effective, and keys that rotate, if any.

    With a `sealer` it can be applied as a plan file can.
    """
    rows = {"dangers": danger_documents(plan.dangers), "effects": effects, "rotations": rotations}
    more = {name: list(given) for name, given in rows.items() if given is not None}
    return _text(to_document(plan, sealer, {"verdict": verdict(plan), "summary": summary(plan), **more}))


def json_diagnostics(diagnostics: Iterable[Diagnostic]) -> str:
    """A document of kind `pmtaform-diagnostics`."""
    found = list(diagnostics)
    counts = {severity.value: sum(1 for d in found if d.severity is severity) for severity in Severity}
    listed = [diagnostic_document(diagnostic) for diagnostic in found]
    return _text({**_head("pmtaform-diagnostics"), "counts": counts, "diagnostics": listed})


def json_run(result: RunResult) -> str:
    """What became of each host, on one line: the last that a run in JSON says."""
    from pmtaform.report.events import run_json

    return run_json(result)


def json_event(event: Event) -> str:
    """One step of one host, on one line: what a run in JSON says while it goes on."""
    from pmtaform.report.events import event_json

    return event_json(event)


def _head(kind: str) -> dict[str, Any]:
    return {"format": FORMAT, "kind": kind}


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1) + "\n"
