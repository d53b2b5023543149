"""One entry of the table of diagnostics."""

from __future__ import annotations

from dataclasses import dataclass

from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Diagnostic, Place, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What every diagnostic of one code has in common.

    `summary` is a short noun phrase, the same each time. `explanation` says in plain sentences what causes it and
    what to do; `pmtaform explain CODE` prints it.
    """

    code: str
    summary: str
    kind: Kind
    explanation: str
    severity: Severity = Severity.ERROR

    def diagnostic(
        self,
        detail: str = "",
        place: Place | None = None,
        *,
        host: str | None = None,
        address: str | None = None,
        related: tuple[Place, ...] = (),
        severity: Severity | None = None,
    ) -> Diagnostic:
        """A diagnostic of this code. `severity` overrules the table, which should be rare."""
        return Diagnostic(
            code=self.code,
            summary=self.summary,
            kind=self.kind,
            detail=detail,
            severity=severity or self.severity,
            place=place,
            host=host,
            address=address,
            related=related,
        )

    def describes(self, diagnostic: Diagnostic) -> bool:
        """Whether `diagnostic` is one of this code."""
        return diagnostic.code == self.code
