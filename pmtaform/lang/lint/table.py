"""Every rule there is, in one table, and its listing."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Final

from pmtaform.lang.lint import (
    accounts,
    backoff,
    blocks,
    companions,
    dangling,
    dkim,
    duplicates,
    filters,
    foreign,
    http,
    logins,
    macros,
    order,
    patterns,
    placeholders,
    rates,
    relay,
    replies,
    routes,
    secrets,
    sections,
    shapes,
    suppress,
    syntax,
    tags,
    tls,
    unknown,
    versions,
    vmtas,
    whole,
)
from pmtaform.lang.lint.model import Rule

FAMILIES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "Syntax": (*syntax.RULES, *tags.RULES, *blocks.RULES),
    "Unknown words": (*unknown.RULES, *sections.RULES, *foreign.RULES, *placeholders.RULES),
    "Values": shapes.RULES,
    "Said twice": duplicates.RULES,
    "References": dangling.RULES,
    "Order and patterns": (*order.RULES, *filters.RULES, *patterns.RULES, *replies.RULES, *macros.RULES),
    "Relaying and listeners": (*relay.RULES, *accounts.RULES, *logins.RULES),
    "Web monitor": http.RULES,
    "TLS": tls.RULES,
    "Secrets and files": secrets.RULES,
    "DKIM": dkim.RULES,
    "Back-off": backoff.RULES,
    "Rates and retries": rates.RULES,
    "Virtual MTAs": (*vmtas.RULES, *routes.RULES),
    "Pairs of settings": companions.RULES,
    "Whole configurations": whole.RULES,
    "Versions": versions.RULES,
    "Suppressions": suppress.RULES,
}


def _by_id(rules: Iterable[Rule]) -> dict[str, Rule]:
    table: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in table:
            raise ValueError(f"lint: two rules are named {rule.id}")
        table[rule.id] = rule
    return table


RULES: Final[Mapping[str, Rule]] = _by_id(rule for family in FAMILIES.values() for rule in family)


# What PowerMTA cannot read, or reads as something else than was meant: an error of these rules is no matter of consent.
_FORM: Final = ("Syntax", "Unknown words", "Values", "Said twice")
INVALID: Final = frozenset(rule.id for family in _FORM for rule in FAMILIES[family]) | {"invalid-regex", "macro-loop"}


def rules_text(width: int = 100) -> str:
    """The rules by family: id, severity, what is found, why it matters, and where the fact is from."""
    lines: list[str] = []
    for family, rules in FAMILIES.items():
        lines += [family, ""]
        for rule in rules:
            tags = [rule.severity.value]
            tags += [word for word, on in (("security", rule.security), ("only by name", rule.optional)) if on]
            lines.append(f"  {rule.id} ({', '.join(tags)}): {rule.summary}")
            for text in (rule.why, f"Basis: {rule.basis}"):
                lines += textwrap.wrap(text, width, initial_indent="      ", subsequent_indent="      ")
        lines.append("")
    return "\n".join(lines)
