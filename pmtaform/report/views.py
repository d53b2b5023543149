"""What a command reports: each result as text for people and as JSON for programs, side by side.

A view is a frozen dataclass that holds a result and has `text` and `json`; the command line prints one with
`pmtaform.cli.output.show`. To add one, write it beside the functions that it uses, and give it a line in `VIEWS`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pmtaform.report.style import WIDTH

FORMAT: Final = 1

# kind of the JSON document -> the view that writes it; `pmtaform.report.` is left out
VIEWS: Final = {
    "pmtaform-codes": ("codes:CodeView",),
    "pmtaform-diagnostics": ("documents:Problems",),
    "pmtaform-diff": ("differences:Differences",),
    "pmtaform-dkim-key": ("dkim:NewKey",),
    "pmtaform-dkim-keys": ("dkim:KeyTable",),
    "pmtaform-dkim-verify": ("dkim:Verifications",),
    "pmtaform-dns-check": ("dns:DnsCheck",),
    "pmtaform-drift": ("drifts:DriftTable",),
    "pmtaform-effective": ("effective:Queues",),
    "pmtaform-effective-client": ("clients:SubmissionView",),
    "pmtaform-explanation": ("explain:ExplanationView",),
    "pmtaform-generations": ("states:Generations",),
    "pmtaform-history": ("history:RunTable",),
    "pmtaform-hosts": ("hosts:HostTable",),
    "pmtaform-lint": ("lint_documents:LintView",),
    "pmtaform-origins": ("explain:OriginTable",),
    "pmtaform-plan": ("plans:PlanView",),
    "pmtaform-provider": ("providers:ProviderView",),
    "pmtaform-provider-changes": ("providers:ProviderChangeTable",),
    "pmtaform-providers": ("providers:ProviderTable",),
    "pmtaform-recovered": ("recoveries:RecoveryTable",),
    "pmtaform-replies": ("replies:ReplyTable",),
    "pmtaform-reply-changes": ("reply_changes:ReplyChangeTable",),
    "pmtaform-rotation": ("rotations:RotationView",),
    "pmtaform-run": ("runs:RunView",),
    "pmtaform-search": ("explain:SearchResult",),
    "pmtaform-secret": ("secret_uses:ChangedSecret",),
    "pmtaform-secrets": ("secret_uses:SecretTable", "secret_uses:CheckTable"),
    "pmtaform-state": ("states:StateTable", "states:StateOfHost"),
    "pmtaform-undo": ("events:ReturnView",),
    "pmtaform-warm": ("warm:WarmTable",),
}


@dataclass(frozen=True, slots=True)
class Screen:
    """How text may look where it is shown. Views of configurations keep to `WIDTH`, so that they can be compared."""

    colour: bool = False
    width: int = WIDTH


class View(Protocol):
    """A result, as text and as JSON."""

    def text(self, screen: Screen) -> str:
        """The result for people, its end of line included."""

    def json(self) -> str:
        """The result as a document that has its `format` and `kind`, its end of line included."""


def json_document(kind: str, fields: Mapping[str, Any]) -> str:
    """A JSON document with these fields behind its `format` and `kind`."""
    return json.dumps({"format": FORMAT, "kind": kind, **fields}, indent=1) + "\n"
