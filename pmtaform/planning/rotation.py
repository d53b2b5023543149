"""Rotation in a plan: the fleet is looked at again until what its hosts have and should have fits, and then told of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.dkim.observation import RecordStatus
from pmtaform.inspection.survey import Fleet, Survey
from pmtaform.model.rotation import Stage, is_of
from pmtaform.plan.model import HostPlan
from pmtaform.plan.signing import NOT_PUBLISHED, Signer, SigningKeys, with_unpublished
from pmtaform.project import Project
from pmtaform.signing.fleet_rotation import FleetRotation, RotationRequest, start_rotation
from pmtaform.stack import Stack
from pmtaform.stack.resolve import Resolve
from pmtaform.state import StateDocument

if TYPE_CHECKING:
    from pmtaform.dns.resolver import Resolver


_MAY_SIGN = (Stage.VERIFIED, Stage.SIGNING, Stage.OVERRULED)


def begin(
    project: Project,
    stack: Stack,
    state: StateDocument,
    resolve: Resolve,
    now: datetime,
    as_of: datetime | None,
    allow: Collection[str],
    resolver: Callable[[], Resolver] | None,
) -> FleetRotation | None:
    """The rotation of a stack's keys before hosts are looked at; None when none rotates.

    Raises `UsageError` when `as_of` has passed.
    """
    return start_rotation(
        RotationRequest(
            stack=stack,
            file=project.rotations(stack.name),
            state=state,
            resolve=resolve,
            now=now,
            as_of=as_of,
            force=NOT_PUBLISHED in allow,
            resolver=resolver,
        )
    )


def settle(
    turning: FleetRotation,
    fleet: Fleet,
    now: datetime,
    allow: Collection[str],
    look: Callable[[Iterable[str]], Fleet],
) -> None:
    """Look at hosts again for as long as what was seen changes what they should have; the fleet is what is seen last.

    Once a switch is held it stays held, so this comes to an end.
    """
    while turning.learn(fleet, _why_not(fleet, now, allow)):
        names = {host for key in turning.keys.values() for host in key.hosts}
        again = [name for name in fleet.surveys if name in names]
        for name in again:
            session = fleet.surveys[name].session
            if session is not None:
                session.close()
        seen = look(again)
        order = list(fleet.surveys)
        surveys = {**{name: fleet.surveys[name] for name in order if name not in names}, **seen.surveys}
        fleet.surveys = {name: surveys[name] for name in order if name in surveys}
        fleet.failures |= seen.failures


def _why_not(fleet: Fleet, now: datetime, allow: Collection[str]) -> dict[str, str]:
    """Why hosts cannot change in this run, in words that follow their names."""
    found = {
        name: f"could not be looked at: {problem.diagnostics[0].summary}" for name, problem in fleet.failures.items()
    }
    for name, survey in fleet.surveys.items():
        if why := _at_rest(survey, now, allow):
            found[name] = why
    return found


def _at_rest(survey: Survey, now: datetime, allow: Collection[str]) -> str:
    freeze = survey.target.operations.frozen(now)
    if freeze is not None and "frozen" not in allow:
        return f"is frozen until {freeze.until:%Y-%m-%d %H:%M %Z}: {freeze.reason}"
    if survey.plan.is_busy:
        return "is being changed right now"
    return ""


def told_of_rotation(turning: FleetRotation, plans: Iterable[HostPlan]) -> list[HostPlan]:
    """The plans with their dangers, and with what is unexpected on their hosts."""
    hosts = [with_unpublished(plan, turning.unready) for plan in plans]
    return [replace(plan, notes=(*plan.notes, *_unexpected(turning, plan.host))) for plan in hosts]


def verified_signers(turning: FleetRotation) -> frozenset[Signer]:
    """The selectors that may sign: their records are in DNS, as long as the rotation asks for."""
    return frozenset(
        (row.selector, turning.keys[name].domain.lower())
        for name, status in turning.statuses.items()
        for row in status.selectors
        if row.stage in _MAY_SIGN and row.selector not in status.unready
    )


def run_notes(turning: FleetRotation) -> tuple[Diagnostic, ...]:
    """What is to be known of the keys that are rotated; a key is of several hosts."""
    return tuple(note for name in turning.statuses for note in _notes(turning, name))


def _notes(turning: FleetRotation, name: str) -> Iterator[Diagnostic]:
    status, key = turning.statuses[name], turning.keys[name]
    if name in turning.hold and status.blocked:
        detail = (
            f"{name}: {turning.hold[name]}. All hosts of a selector switch together or none does, so none does now; "
        )
        detail += "their other changes go on."
        yield _warning("dkim-switch-held", "A switch to a new selector waits for all its hosts", detail, turning, name)
    elif status.blocked:
        detail = f"{name} is due to sign with its next selector, and does not: {status.blocked}. "
        detail += "`pmtaform dkim rotate` shows the record. To switch all the same, apply with --allow "
        detail += f"{NOT_PUBLISHED}."
        yield _warning(NOT_PUBLISHED, "A switch to a new selector is blocked", detail, turning, name)
    for row in status.selectors:
        look = turning.facts[name].records.get(row.selector, RecordStatus())
        if row.stage is Stage.SIGNING and look.verified is False:
            detail = (
                f"{row.selector}._domainkey.{key.domain}: {look.why}. Hosts sign with it, and receivers that do not "
            )
            detail += "find the record that fits take the signature for false."
            yield _warning(
                "dkim-record-missing", "The record of a key that signs is not as it must be", detail, turning, name
            )
        elif row.stage is Stage.RETIRING and look.gone:
            detail = (
                f"{row.selector}._domainkey.{key.domain} has gone already, and mail that was signed with it is still "
            )
            detail += "on its way. Put it back until `pmtaform dkim rotate` says that it may go."
            yield _warning("dkim-record-early", "The record of a retiring key is gone too early", detail, turning, name)
    yield from _lost(turning, name)


def _lost(turning: FleetRotation, name: str) -> Iterator[Diagnostic]:
    missing = turning.facts[name].missing
    for life in turning.histories[name].candidates:
        if life.selector in missing:
            detail = f"{life.selector} of {name} was to sign next: {missing[life.selector]} Put the key back, or let "
            detail += "`pmtaform dkim rotate` make another."
            yield _warning("dkim-key-lost", "The key of a new selector cannot be had", detail, turning, name)


def _unexpected(turning: FleetRotation, host: str) -> Iterator[Diagnostic]:
    for name, key in turning.keys.items():
        status = turning.statuses[name]
        after = turning.after.get(host, SigningKeys()).overruled
        if status.current is not None and (first := after.get((status.current, key.domain.lower()))):
            detail = f"{host} does not sign with {status.current} of {name}: PowerMTA takes the first domain-key that "
            detail += f"fits, and that is {first}. Take that line out, or put it below."
            yield replace(_warning("dkim-overruled", "Another key signs first", detail, turning, name), host=host)
        found = turning.facts[name].live.get(host, frozenset())
        other = sorted(one for one in found if is_of(key.stem, one) and one != status.current)
        if other and status.current is not None:
            detail = f"{host} signs with {', '.join(other)}, and the selector of {name} is {status.current}: somebody "
            detail += (
                "changed it or rolled it back. The plan puts it right, and keeps the other's file as long as mail "
            )
            detail += "may need it."
            note = _warning(
                "dkim-unexpected-selector", "A host signs with an unexpected selector", detail, turning, name
            )
            yield replace(note, host=host)


def _warning(code: str, summary: str, detail: str, turning: FleetRotation, name: str) -> Diagnostic:
    return Diagnostic(
        code=code, summary=summary, detail=detail, severity=Severity.WARNING, place=turning.keys[name].place
    )
