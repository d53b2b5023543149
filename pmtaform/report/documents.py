"""Reports as JSON, for programs. Every document has its `format` and `kind`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.plan.document import Sealer, diagnostic_document, to_document
from pmtaform.plan.model import Plan
from pmtaform.report.dangers import danger_documents
from pmtaform.report.verdict import summary, verdict
from pmtaform.report.views import Screen, json_document


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
    document = to_document(plan, sealer, {"verdict": verdict(plan), "summary": summary(plan), **more})
    return json.dumps(document, indent=1) + "\n"


def json_diagnostics(diagnostics: Iterable[Diagnostic]) -> str:
    """A document of kind `pmtaform-diagnostics`."""
    collected = list(diagnostics)
    counts = {severity.value: sum(1 for d in collected if d.severity is severity) for severity in Severity}
    listed = [diagnostic_document(diagnostic) for diagnostic in collected]
    return json_document("pmtaform-diagnostics", {"counts": counts, "diagnostics": listed})


@dataclass(frozen=True, slots=True)
class Problems:
    """The diagnostics of a stack, as a result."""

    diagnostics: Sequence[Diagnostic]

    def text(self, screen: Screen) -> str:
        """The diagnostics, one after the other."""
        from pmtaform.report.problems import diagnostics_text

        return diagnostics_text(self.diagnostics, colour=screen.colour, width=screen.width)

    def json(self) -> str:
        """A document of kind `pmtaform-diagnostics`."""
        return json_diagnostics(self.diagnostics)
