"""Codes with their explanations: one as text or JSON, and all diagnostics as the page `docs/errors.md`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from pmtaform.diagnostics import Definition, Severity
from pmtaform.diagnostics.registry import areas
from pmtaform.report.problems import capital
from pmtaform.report.style import WIDTH, Style, clean, wrapped
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.api.explaining import ExplainedCode

_HEAD: Final = """\
# Errors, warnings and remarks

Every message of pmtaform has a code in brackets, such as `[host-locked]`. This page explains each code.
The same text is on the command line:

    pmtaform explain host-locked

An **error** ends a command; the [exit code](exit-codes.md) is that of its kind. Warnings and remarks end none.
[rules.md](rules.md) has the codes of lint rules, [dangers.md](dangers.md) those of dangers.

This page is made from the table in `pmtaform/diagnostics/codes/` by `pmtaform.report.codes.errors_page`.
"""
_NOTES: Final = {
    "lint rule": "Its examples are in docs/rules.md.",
    "danger": "A plan with it is applied only with consent: --allow {code}",
}


@dataclass(frozen=True, slots=True)
class CodeView:
    """What one code means."""

    entries: Sequence[ExplainedCode]

    def text(self, screen: Screen) -> str:
        """Summary, properties and explanation of each entry."""
        style = Style(screen.colour)
        return "\n".join("\n".join(_entry(each, style, screen.width)) + "\n" for each in self.entries)

    def json(self) -> str:
        """A document of kind `pmtaform-codes`."""
        return json_document("pmtaform-codes", {"codes": [_row(each) for each in self.entries]})


def _entry(entry: ExplainedCode, style: Style, width: int) -> Iterator[str]:
    known = entry.definition
    yield style(f"{clean(known.code)}: {capital(clean(known.summary))}", "bold")
    yield f"  {entry.source}, {known.severity}, {_exit_words(known)}"
    yield ""
    yield from wrapped(known.explanation, min(width, WIDTH), "  ")
    if note := _NOTES.get(entry.source):
        yield from wrapped(note.format(code=known.code), min(width, WIDTH), "  ")


def _exit_words(known: Definition) -> str:
    code = int(known.kind.exit_code)
    return f"exit code {code} ({known.kind})" if code else "no exit code"


def _row(entry: ExplainedCode) -> dict[str, Any]:
    known = entry.definition
    return {
        "source": entry.source.value,
        "code": known.code,
        "summary": known.summary,
        "kind": known.kind.value,
        "severity": known.severity.value,
        "exit_code": int(known.kind.exit_code) or None,
        "explanation": known.explanation,
    }


def errors_page() -> str:
    """All diagnostics as a Markdown page, by area."""
    return "\n".join([_HEAD, *_contents(), *(line for name in areas() for line in _area(name))])


def _contents() -> Iterator[str]:
    yield from (f"- [{_title(name)}](#{_anchor(_title(name))})" for name in areas())
    yield ""


def _area(name: str) -> Iterator[str]:
    yield f"## {_title(name)}"
    yield ""
    for known in areas()[name]:
        yield f"### {known.code}"
        yield ""
        yield f"**{known.summary}** ({', '.join(_properties(known))})"
        yield ""
        yield known.explanation.replace("<", "\\<")
        yield ""


def _properties(known: Definition) -> Iterator[str]:
    yield known.severity.value
    if known.severity is Severity.ERROR:
        yield f"exit code {int(known.kind.exit_code)}"


def _title(name: str) -> str:
    return (import_module(f"pmtaform.diagnostics.codes.{name}").__doc__ or name).strip().rstrip(".")


def _anchor(title: str) -> str:
    return "".join(char for char in title.lower().replace(" ", "-") if char.isalnum() or char == "-")
