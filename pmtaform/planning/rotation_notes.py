"""Notes and dangers about keys that are rotated: of the run, of hosts and of changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.rotation import (
    DKIM_NEXT_KEY_UNAVAILABLE,
    DKIM_NOT_PUBLISHED,
    DKIM_OVERRULED,
    DKIM_RECORD_EARLY,
    DKIM_RECORD_MISSING,
    DKIM_SWITCH_WAITING,
    DKIM_UNEXPECTED_SELECTOR,
)
from pmtaform.dkim.observation import RecordStatus
from pmtaform.model.rotation import Stage, is_of
from pmtaform.plan.model import HostPlan
from pmtaform.plan.signing import NOT_PUBLISHED, Signer, SigningKeys, with_unpublished
from pmtaform.signing.fleet_rotation import FleetRotation

_MAY_SIGN: Final = (Stage.VERIFIED, Stage.SIGNING, Stage.OVERRULED)


def with_rotation_notes(rotation: FleetRotation, plans: Iterable[HostPlan]) -> list[HostPlan]:
    """The plans with the dangers of rotated keys, and with notes on their hosts."""
    hosts = [with_unpublished(plan, rotation.unready) for plan in plans]
    return [replace(plan, notes=(*plan.notes, *_unexpected(rotation, plan.host))) for plan in hosts]


def verified_signers(rotation: FleetRotation) -> frozenset[Signer]:
    """The selectors that may sign: their records have been in DNS as long as the rotation requires."""
    return frozenset(
        (row.selector, rotation.keys[name].domain.lower())
        for name, status in rotation.statuses.items()
        for row in status.selectors
        if row.stage in _MAY_SIGN and row.selector not in status.unready
    )


def run_notes(rotation: FleetRotation) -> tuple[Diagnostic, ...]:
    """Notes on the keys that are rotated. A key is on several hosts, so they are notes on the plan."""
    return tuple(note for name in rotation.statuses for note in _notes(rotation, name))


def _notes(rotation: FleetRotation, name: str) -> Iterator[Diagnostic]:
    status, key = rotation.statuses[name], rotation.keys[name]
    if name in rotation.hold and status.blocked:
        detail = f"{name}: {rotation.hold[name]}. All hosts of a selector switch together, so none switches now; "
        detail += "their other changes are applied."
        yield DKIM_SWITCH_WAITING.diagnostic(detail, rotation.keys[name].place)
    elif status.blocked:
        detail = f"{name} should sign with its next selector now, and does not: {status.blocked}. "
        detail += "`pmtaform dkim rotate` shows the record. To switch anyway, apply with --allow "
        detail += f"{NOT_PUBLISHED}."
        yield DKIM_NOT_PUBLISHED.diagnostic(detail, rotation.keys[name].place)
    for row in status.selectors:
        look = rotation.facts[name].records.get(row.selector, RecordStatus())
        if row.stage is Stage.SIGNING and look.verified is False:
            detail = (
                f"{row.selector}._domainkey.{key.domain}: {look.why}. Hosts sign with it, and receivers that do not "
            )
            detail += "find the matching record treat the signature as invalid."
            yield DKIM_RECORD_MISSING.diagnostic(detail, rotation.keys[name].place)
        elif row.stage is Stage.RETIRING and look.gone:
            detail = (
                f"{row.selector}._domainkey.{key.domain} is no longer in DNS, and mail that was signed with it is "
                "still "
            )
            detail += "in transit. Publish it again until `pmtaform dkim rotate` reports that it can be removed."
            yield DKIM_RECORD_EARLY.diagnostic(detail, rotation.keys[name].place)
    yield from _lost(rotation, name)


def _lost(rotation: FleetRotation, name: str) -> Iterator[Diagnostic]:
    missing = rotation.facts[name].missing
    for life in rotation.histories[name].candidates:
        if life.selector in missing:
            detail = f"{life.selector} of {name} should sign next: {missing[life.selector]} Restore the key, or let "
            detail += "`pmtaform dkim rotate` make another."
            yield DKIM_NEXT_KEY_UNAVAILABLE.diagnostic(detail, rotation.keys[name].place)


def _unexpected(rotation: FleetRotation, host: str) -> Iterator[Diagnostic]:
    for name, key in rotation.keys.items():
        status = rotation.statuses[name]
        after = rotation.after.get(host, SigningKeys()).overruled
        if status.current is not None and (first := after.get((status.current, key.domain.lower()))):
            detail = f"{host} does not sign with {status.current} of {name}: PowerMTA takes the first domain-key that "
            detail += f"matches, and that is {first}. Remove that line, or move it below."
            yield DKIM_OVERRULED.diagnostic(detail, rotation.keys[name].place, host=host)
        selectors = rotation.facts[name].live.get(host, frozenset())
        other = sorted(selector for selector in selectors if is_of(key.stem, selector) and selector != status.current)
        if other and status.current is not None:
            detail = f"{host} signs with {', '.join(other)}, and the selector of {name} is {status.current}: it was "
            detail += (
                "changed or rolled back. The plan corrects this, and keeps the other selector's file as long as mail "
            )
            detail += "may need it."
            note = DKIM_UNEXPECTED_SELECTOR.diagnostic(detail, rotation.keys[name].place)
            yield replace(note, host=host)
