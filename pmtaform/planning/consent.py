"""Consent by name: what a plan needs, and whether it was given."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from pmtaform.diagnostics import Diagnostic, Kind, did_you_mean
from pmtaform.diagnostics.codes.command_line import NO_SUCH_DANGER
from pmtaform.errors import Blocked, UsageError
from pmtaform.plan.dangers import consent_kinds, danger_kinds
from pmtaform.plan.findings import errors_of, rule_names
from pmtaform.plan.model import Danger, HostPlan
from pmtaform.planning.draft import Planned


def check_allowed(allow: Iterable[str]) -> frozenset[str]:
    """The dangers and lint rules that are allowed. Raises `UsageError` for an unknown name."""
    allowed = frozenset(allow)
    known = {code: kind.summary for code, kind in consent_kinds().items()}
    if unknown := allowed - known.keys():
        known = rule_names() | known
        for name in sorted(unknown - known.keys()):
            raise UsageError.of(
                NO_SUCH_DANGER,
                f'"{name}".{did_you_mean(name, known)} Dangers are: {", ".join(consent_kinds())}. '
                "`pmtaform lint --rules` lists the errors that can be allowed.",
            )
    return allowed


_MOST_SENTENCES = 10


def check_consent(planned: Planned, allow: Iterable[str]) -> None:
    """Raise `Blocked` unless every danger and error of the plan is allowed by name, and no note stops the run.

    The stack consents to a restart itself within its maintenance windows (`max-impact: restart`). Hosts that are
    frozen, without consent to change them, stay unchanged: their dangers need no consent.
    """
    allowed = check_allowed(allow)
    now = planned.clock.now()
    stops = [note for host in planned.plan.hosts for note in host.notes if note.kind is Kind.BLOCKED]
    missing: dict[str, list[str]] = {}
    errors: dict[str, list[Diagnostic]] = {}
    for host in planned.plan.hosts:
        operations = planned.stack.operations[host.host]
        if "frozen" not in allowed and operations.frozen(now) is not None:
            continue
        granted = allowed | ({"restart"} if operations.may_restart(now) else set())
        for address, danger in host.all_dangers:
            if danger.code not in granted:
                missing.setdefault(danger.code, []).append(address)
        for note in errors_of(host):
            if note.code not in allowed:
                errors.setdefault(note.code, []).append(note)
    needed = [_needs_consent(code, list(dict.fromkeys(addresses))) for code, addresses in missing.items()]
    needed += [_error(notes) for notes in errors.values()]
    if stops or needed:
        raise Blocked(*stops, *needed)


def without_consent(plan: HostPlan, allowed: Collection[str], *, shown: bool = False) -> tuple[Diagnostic, ...]:
    """The dangers of one host's plan without consent, with their details unless those were `shown` already."""
    missing: dict[str, list[tuple[str, Danger]]] = {}
    for address, danger in plan.all_dangers:
        if danger.code not in allowed:
            missing.setdefault(danger.code, []).append((address, danger))
    result = []
    for code, pairs in missing.items():
        needed = _needs_consent(code, list(dict.fromkeys(address for address, _ in pairs)))
        sentences = () if shown else dict.fromkeys(danger.detail for _, danger in pairs[:_MOST_SENTENCES])
        result.append(replace(needed, detail=" ".join((*sentences, needed.detail)), host=plan.host))
    return tuple(result)


def _needs_consent(code: str, addresses: Sequence[str]) -> Diagnostic:
    detail = f"It needs consent ({_some(addresses)}). Read the plan; if it is intended, add --allow {code}."
    return danger_kinds()[code].diagnostic(detail)


def _error(notes: Sequence[Diagnostic]) -> Diagnostic:
    """The findings of one rule, as an error that blocks an apply."""
    first = notes[0]
    where = _some(list(dict.fromkeys(_address(note) for note in notes)))
    detail = f"In the planned configuration ({where}): {first.detail} Correct it; if it is intended, add --allow "
    return replace(first, kind=Kind.BLOCKED, detail=f"{detail}{first.code}.", host=None, address=None, related=())


def _address(note: Diagnostic) -> str:
    return f"{note.host}:{note.address}" if note.address else str(note.host)


def _some(addresses: Sequence[str]) -> str:
    shown = ", ".join(addresses[:3])
    return shown if len(addresses) <= 3 else f"{shown} and {len(addresses) - 3} more"
