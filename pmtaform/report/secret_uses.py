"""The secrets that a stack refers to, as text for people and JSON for programs. Never a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pmtaform.diagnostics import Diagnostic, did_you_mean
from pmtaform.diagnostics.codes.project_files import SECRET_UNUSED
from pmtaform.errors import PmtaformError
from pmtaform.plan.document import diagnostic_document
from pmtaform.report.style import Style, clean, columns, counted, named
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.api import CheckedSecret
    from pmtaform.secrets import Reference
    from pmtaform.stack import SecretUse, Stack

MOST_HOSTS = 2  # shown of a use, before "and N more"


def uses_text(uses: Sequence[SecretUse]) -> str:
    """One line a use: the reference, its purpose, its hosts, and its place in the stack."""
    if not uses:
        return "The stack refers to no secret.\n"
    return "".join(line + "\n" for line in columns([_cells(use) for use in uses]))


def checks_text(checked: Sequence[CheckedSecret], *, colour: bool = False) -> str:
    """As `uses_text`, with the outcome of each; the findings are reported elsewhere."""
    if not checked:
        return "The stack refers to no secret.\n"
    style = Style(colour)
    rows = [(*_cells(each.use), ", ".join(each.facts)) for each in checked]
    lines = [f"{_verdict(each, style)}  {line}" for each, line in zip(checked, columns(rows), strict=True)]
    bad = sum(1 for each in checked if not each.ok)
    count = f"{counted(len(checked), 'use')} of secrets: {len(checked) - bad} ok, {bad} not."
    return "\n".join([*lines, count]) + "\n"


def json_uses(stack: str, uses: Iterable[SecretUse]) -> str:
    """A document of kind `pmtaform-secrets`."""
    return _document(stack, [_use(use) for use in uses])


def json_kept(reference: str, **more: Any) -> str:
    """A document of kind `pmtaform-secret`: the action on one secret."""
    return json_document("pmtaform-secret", {"reference": reference, **more})


def kept_text(reference: Reference, outcome: str) -> str:
    """What was done with one secret."""
    return f"{clean(str(reference))} is {outcome}.\n"


def value_fields(value: bytes) -> dict[str, str]:
    """A value as JSON can hold it: as text, or in base64 if it is none."""
    try:
        return {"value": value.decode()}
    except UnicodeDecodeError:
        import base64

        return {"value_base64": base64.b64encode(value).decode("ascii")}


def unused(reference: Reference, stack: Stack | None) -> list[Diagnostic]:
    """A remark when a stack has no use for a secret that was just written: its name may be misspelt."""
    from pmtaform.stack import secret_uses

    try:
        known = {use.reference for use in secret_uses(stack)} if stack is not None else {str(reference)}
    except PmtaformError:
        return []
    if str(reference) in known or stack is None:
        return []
    detail = f'Stack "{stack.name}" refers to no {reference}.{did_you_mean(str(reference), known)}'
    return [SECRET_UNUSED.diagnostic(detail)]


def _verdict(each: CheckedSecret, style: Style) -> str:
    if not each.ok:
        return style("FAILED ", "red", "bold")
    return style("warning", "yellow") if each.findings else style("ok     ", "green")


def _cells(use: SecretUse) -> tuple[str, ...]:
    return (use.reference, use.what, named(use.hosts, MOST_HOSTS), str(use.place))


def _use(use: SecretUse) -> dict[str, Any]:
    return {
        "reference": use.reference,
        "scheme": use.reference.partition(":")[0],
        "what": use.what,
        "purpose": use.purpose.value,
        "hosts": list(use.hosts),
        "place": {"file": use.place.file, "line": use.place.line, "column": use.place.column},
    }


def _document(stack: str, rows: list[dict[str, Any]]) -> str:
    return json_document("pmtaform-secrets", {"stack": stack, "secrets": rows})


@dataclass(frozen=True, slots=True)
class SecretTable:
    """Every secret that a stack refers to."""

    stack: str
    uses: Sequence[SecretUse]

    def text(self, screen: Screen) -> str:
        """One line a use."""
        return uses_text(self.uses)

    def json(self) -> str:
        """A document of kind `pmtaform-secrets`."""
        return json_uses(self.stack, self.uses)


@dataclass(frozen=True, slots=True)
class CheckTable:
    """Every secret of a stack, looked up."""

    stack: str
    checked: Sequence[CheckedSecret]

    def text(self, screen: Screen) -> str:
        """One line a use, with the outcome."""
        return checks_text(self.checked, colour=screen.colour)

    def json(self) -> str:
        """A document of kind `pmtaform-secrets`."""
        rows = [
            {
                **_use(each.use),
                "ok": each.ok,
                "facts": list(each.facts),
                "findings": [diagnostic_document(finding) for finding in each.findings],
            }
            for each in self.checked
        ]
        return _document(self.stack, rows)


@dataclass(frozen=True, slots=True)
class ChangedSecret:
    """One secret that was stored, replaced or deleted."""

    reference: Reference
    done: str

    def text(self, screen: Screen) -> str:
        """One line."""
        return kept_text(self.reference, self.done)

    def json(self) -> str:
        """A document of kind `pmtaform-secret`."""
        return json_kept(str(self.reference), done=self.done)
