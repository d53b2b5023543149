"""Errors that lint finds in what a plan makes: each stops an apply unless its rule is allowed by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.plan.model import HostPlan, Plan

# Errors that a danger reports, too: whoever consents to the danger of a host has seen them.
_SAME_AS: Final = {
    "no-log-file": "log-file-removed",
    "missing-key-file": "named-file-removed",
    "open-relay-listener": "open-relay",
    "open-relay-recipients": "open-relay",
}


def errors_of(host: HostPlan) -> Iterator[Diagnostic]:
    """The host's notes that stop an apply unless their rule is allowed."""
    errors = [note for note in host.notes if note.severity is Severity.ERROR]
    if errors:
        from pmtaform.lang.lint import rules

        dangers = {danger.code for _, danger in host.all_dangers}
        yield from (note for note in errors if note.code in rules() and _SAME_AS.get(note.code, "") not in dangers)


def error_names(plan: Plan) -> list[str]:
    """The rules whose errors stop an apply of the plan, in the order of the plan."""
    return list(dict.fromkeys(note.code for host in plan.hosts for note in errors_of(host)))


def rule_names() -> dict[str, str]:
    """Every rule that an apply can be allowed to break, with what it finds."""
    from pmtaform.lang.lint import rules

    return {name: rule.summary for name, rule in rules().items()}
