"""Samples and templates that were taken over as they were."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import INFO, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK

_PLACEHOLDER_IP: Final = re.compile(r"(?:[xX]{1,3}|[0-9]{1,3}|[xX][0-9])(?:\.(?:[xX]{1,3}[0-9]?|[0-9]{1,3})){3}")
_PLACEHOLDER_DOMAIN: Final = re.compile(
    r"\b(?:your[-_]?(?:domain|company|host|server|site)|my[-_]?(?:domain|company))[-_]?(?:name)?(?:\.[a-z]{2,}|\b)"
    r"|\bdomain\.(?:tld|ext)\b",
    re.IGNORECASE,
)


@Rule(
    code="placeholder-value",
    severity=INFO,
    family=Family.UNKNOWN,
    summary="Placeholder as a value",
    explanation="A value of a sample was not replaced.",
    basis="seen in published samples",
    reads=BLOCK,
    wrong="""
        <domain *>
          dkim-identity @yourdomain.com
        </domain>
    """,
    right="""
        <domain *>
          dkim-identity @news.example.com
        </domain>
    """,
)
def placeholder_value(facts: Facts) -> Iterator[Hit]:
    for lines in facts.alike:
        first = lines[0]
        placeholder = "" if first.spec is None or first.spec.sensitive or not first.value else placeholder_in(first)
        for line in lines if placeholder else ():
            yield at(line, f"{values.shown(placeholder)} is a placeholder that was never filled in.", mark=placeholder)


def placeholder_in(line: Line) -> str:
    """What in a value was never filled in; empty when nothing is."""
    value = line.value
    lower = value.lower()
    if "domain" in lower or "company" in lower or "host" in lower or "server" in lower or "site" in lower:
        match = _PLACEHOLDER_DOMAIN.search(value)
        if match:
            return match[0]
    if line.name in ("smtp-source-host", "smtp-source-ip") and "x" in lower:
        match = _PLACEHOLDER_IP.match(value)
        return match[0] if match and "x" in match[0].lower() else ""
    return ""
