"""Lint errors in the planned configuration: each stops an apply unless its rule is allowed by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.plan.model import HostPlan, Plan

if TYPE_CHECKING:
    from pmtaform.lang.lint.model import Rule
    from pmtaform.plan.dangers.kind import DangerKind


def errors_of(host: HostPlan) -> Iterator[Diagnostic]:
    """The host's notes that stop an apply unless their rule is allowed."""
    errors = [note for note in host.notes if note.severity is Severity.ERROR]
    if errors:
        from pmtaform.lang.lint import rules

        dangers = {danger.code for _, danger in host.all_dangers}
        same = {rule.code for rule, danger in _same() if danger.code in dangers}
        yield from (note for note in errors if note.code in rules() and note.code not in same)


def _same() -> tuple[tuple[Rule, DangerKind], ...]:
    """Rules whose errors a danger reports, too: an operator who consents to the danger of a host has seen them."""
    from pmtaform.lang.lint.complete import no_log_file
    from pmtaform.lang.lint.relay import open_relay_listener, open_relay_recipients
    from pmtaform.lang.lint.unused import missing_key_file
    from pmtaform.plan.dangers.kinds import NAMED_FILE_REMOVED
    from pmtaform.plan.dangers.records import LOG_FILE_REMOVED
    from pmtaform.plan.dangers.submission_opened import OPEN_RELAY

    return (
        (no_log_file, LOG_FILE_REMOVED),
        (missing_key_file, NAMED_FILE_REMOVED),
        (open_relay_listener, OPEN_RELAY),
        (open_relay_recipients, OPEN_RELAY),
    )


def error_names(plan: Plan) -> list[str]:
    """The rules whose errors stop an apply of the plan, in the order of the plan."""
    return list(dict.fromkeys(note.code for host in plan.hosts for note in errors_of(host)))


def rule_names() -> dict[str, str]:
    """Every rule that an apply can be allowed to break, with what it finds."""
    from pmtaform.lang.lint import rules

    return {name: rule.summary for name, rule in rules().items()}
