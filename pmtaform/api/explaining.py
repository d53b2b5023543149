"""Explain a code: of a diagnostic, a lint rule or a danger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pmtaform.diagnostics import Definition, did_you_mean
from pmtaform.diagnostics.registry import table


class CodeSource(StrEnum):
    """The table that has a code."""

    DIAGNOSTIC = "diagnostic"
    RULE = "lint rule"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class ExplainedCode:
    """A definition, and the table that has it."""

    source: CodeSource
    definition: Definition


def explain_code(code: str) -> tuple[ExplainedCode, ...]:
    """The explanations of a code; empty for an unknown one. A danger and a note on it may have the same code."""
    entries = [ExplainedCode(source, known[code]) for source, known in _tables() if code in known]
    texts = {each.definition.explanation: each for each in entries}  # a rule may pass on what the parser reports
    return tuple(texts.values())


def nearest_code(word: str) -> str:
    """` Did you mean "x"?` for the nearest code, or the empty string."""
    return did_you_mean(word, (code for _, known in _tables() for code in known))


def _tables() -> Iterator[tuple[CodeSource, Mapping[str, Definition]]]:
    from pmtaform.lang.lint import rules
    from pmtaform.plan.dangers import consent_kinds

    yield CodeSource.DIAGNOSTIC, table()
    yield CodeSource.RULE, rules()
    yield CodeSource.DANGER, consent_kinds()
