"""What is to be said of a plan: lint's findings in what it changes, doubtful keys, keys that sign nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pmtaform.desired import Desired
from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.lang.blocks import Address
from pmtaform.plan.model import Action, HostPlan
from pmtaform.rollout.survey import Survey
from pmtaform.rollout.transactions import after_of
from pmtaform.stack import Stack

_SIGNING: Final = frozenset({"domain-key", "dkim-sign", "second-dkim-sign"})


def findings_of(stack: Stack, surveys: Mapping[str, Survey]) -> dict[str, tuple[Diagnostic, ...]]:
    """For each host with changes, the errors and warnings in what is declared for the blocks that change.

    Hosts with the same changes are linted once. Secrets are not looked at: the stack is compiled without them.
    """
    groups: dict[tuple[object, ...], list[str]] = {}
    for name, survey in surveys.items():
        if any(change.action is not Action.DELETE for change in survey.plan.changes):
            groups.setdefault(_changes(survey.plan), []).append(name)
    found: dict[str, tuple[Diagnostic, ...]] = {}
    for names in groups.values():
        told = _findings(stack, surveys[names[0]])
        found |= dict.fromkeys(names, told)
    for name, survey in surveys.items():
        if own := (*_doubtful_keys(survey), *_unused_keys(survey)):
            found[name] = (*_without_doubles(found.get(name, ()), own), *own)
    return found


def _doubtful_keys(survey: Survey) -> Iterator[Diagnostic]:
    """What is doubtful about the keys that are written."""
    for key in survey.difference.write_keys:
        yield from key.warnings


def _unused_keys(survey: Survey) -> Iterator[Diagnostic]:
    """The keys that will sign nothing, if the plan changes anything about signing."""
    changes = survey.plan.changes
    if any(c.address.startswith("dkim-key[") or any(v.name in _SIGNING for v in c.values) for c in changes):
        from pmtaform.stack.signing import not_signing

        configuration = after_of(survey)
        yield from not_signing(survey.target.desired, configuration, whole=not configuration.diagnostics)


def _without_doubles(linted: tuple[Diagnostic, ...], own: tuple[Diagnostic, ...]) -> list[Diagnostic]:
    """Lint's findings but those that are said of each key already."""
    from pmtaform.stack.signing import SAID_TOO

    said = {each.code for each in own}
    return [each for each in linted if SAID_TOO.get(each.code) not in said]


def _changes(plan: HostPlan) -> tuple[object, ...]:
    return tuple((c.address, c.action, c.place, c.values) for c in plan.changes)


def _findings(stack: Stack, survey: Survey) -> tuple[Diagnostic, ...]:
    from pmtaform.api.linting import Choice, lint_stack

    lines = _lines(survey.target.desired, survey.plan)
    linted = lint_stack(stack, Choice(), hosts=[survey.target.spec.name])
    return tuple(
        finding.diagnostic()
        for finding in linted.findings
        if finding.severity is not Severity.INFO and (finding.place.file, finding.place.line) in lines
    )


def _lines(desired: Desired, plan: HostPlan) -> set[tuple[str, int | None]]:
    """Where the blocks that change are written."""
    found: set[tuple[str, int | None]] = set()
    for change in plan.changes:
        block = desired.blocks.get(Address.parse(change.address))
        for part in block.parts if block else ():
            for line in range(part.node.line, part.node.end + 1):
                place = part.tree.place(line)
                found.add((place.file, place.line))
    return found
