"""The steps of a rotation on the client: generate and store keys, look at DNS, write the history.

No host is read or changed; every step is safe to repeat.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.key_commands import NO_ROTATION
from pmtaform.dkim.keys import GOOD_BITS, generate_key
from pmtaform.dkim.status import KeyStatus, Todo
from pmtaform.errors import UsageError
from pmtaform.model.rotation import SelectorLife, selector_for
from pmtaform.plan.signing import longest_wait, signing_of
from pmtaform.secrets import require_reference
from pmtaform.secrets.store import holds_secret, store_secret
from pmtaform.signing.fleet_rotation import FleetRotation, RotationRequest, start_rotation
from pmtaform.stack.compile import compile_all
from pmtaform.stack.linting import as_configuration
from pmtaform.stack.rotations import RotatedKey

if TYPE_CHECKING:
    from pmtaform.dns.records import DnsRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedKey:
    """A key that was generated: its name, its selector, and where it is stored."""

    key: str
    selector: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationReport:
    """What a rotation did, and the status of each key.

    `publish` are the records that DNS must have, `missing` those of them that it lacks; `remove` names the records that
    may be deleted.
    """

    statuses: tuple[KeyStatus, ...]
    generated: tuple[GeneratedKey, ...] = ()
    publish: tuple[DnsRecord, ...] = ()
    missing: tuple[DnsRecord, ...] = ()
    remove: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()


def rotate(request: RotationRequest, *, bits: int = GOOD_BITS) -> RotationReport:
    """Generate the keys that are due, look at DNS, and write the history. Call it under the stack's lock.

    With `as_of` nothing is made or written: the report is of that moment, if DNS stays as it is. Raises `UsageError`
    when no key has `rotation`, `SecretUnavailable` when a new key cannot be stored, `StateDamaged`.
    """
    rotation = start_rotation(request)
    if rotation is None:
        detail = f'No key of stack "{request.stack.name}" has `rotation`. Write under a key: rotation: {{every: 90d}}.'
        raise UsageError.of(NO_ROTATION, detail)
    for name, desired in compile_all(rotation.stack).items():
        rotation.longest[name] = longest_wait(desired.blocks.values())
        rotation.declared[name] = signing_of(as_configuration(desired)[0])
    rotation.update()
    generated: list[GeneratedKey] = []
    warnings: list[Diagnostic] = []
    if request.as_of is None:
        rotation.save()
        due = [name for name in rotation.keys if _is_due(rotation.statuses[name], rotation.now)]
        generated = [_generate(rotation, name, warnings, bits) for name in due]
    publish = _to_publish(rotation)
    return RotationReport(
        statuses=tuple(rotation.statuses.values()),
        generated=tuple(generated),
        publish=publish,
        missing=tuple(record for record in publish if not _is_there(rotation, record)),
        remove=_to_remove(rotation),
        warnings=tuple(warnings),
    )


def _is_due(status: KeyStatus, now: datetime) -> bool:
    step = status.step
    return step.todo is Todo.GENERATE and step.due is not None and step.due <= now


def _generate(rotation: FleetRotation, name: str, warnings: list[Diagnostic], bits: int) -> GeneratedKey:
    """Generate a key for `name`. It is stored before the history names it, so an interrupted run loses nothing."""
    key = rotation.keys[name]
    selector = _free_selector(rotation, key)
    text = key.reference_of(selector)
    made = generate_key(bits, reference=text)
    reference = require_reference(text, what="A private key", place=key.place)
    warnings += store_secret(reference, made.pem.reveal(), rotation.stack.folder)
    history = rotation.histories[name]
    life = SelectorLife(selector=selector, generated=rotation.now, public=made.p, algorithm="rsa")
    rotation.loaded = {**rotation.loaded, name: history.having(life)}
    rotation.histories[name] = rotation.loaded[name]
    rotation.save()
    rotation.update()
    return GeneratedKey(key=name, selector=selector, reference=str(reference))


def _free_selector(rotation: FleetRotation, key: RotatedKey) -> str:
    """Return a name that no selector had, and under which neither the store nor DNS has anything.

    Raises `SecretUnavailable` when the store cannot be asked: a key that is only out of reach is not made again.
    """

    def is_held(selector: str) -> bool:
        reference = require_reference(key.reference_of(selector), place=key.place)
        return holds_secret(reference, rotation.stack.folder)

    taken = {life.selector for life in rotation.histories[key.name].lives}
    for life in rotation.histories[key.name].candidates:
        is_held(life.selector)
    while True:
        selector = selector_for(key.stem, rotation.now, taken)
        if not is_held(selector) and not _has_record(rotation, key, selector):
            return selector
        taken.add(selector)


def _has_record(rotation: FleetRotation, key: RotatedKey, selector: str) -> bool:
    """Whether DNS has a record at a selector's name that is not a wildcard's."""
    if rotation.evidence.resolver is None:
        return False
    nowhere = f"{selector}-{uuid.uuid4().hex[:12]}._domainkey.{key.domain}"
    if rotation.evidence.resolver.ask(nowhere, "TXT").records:
        return False
    return bool(rotation.evidence.resolver.ask(f"{selector}._domainkey.{key.domain}", "TXT").records)


def _to_publish(rotation: FleetRotation) -> tuple[DnsRecord, ...]:
    """The records that DNS must have, whether it has them already or not."""
    from pmtaform.dns.dkim_record import dkim_text
    from pmtaform.dns.records import DnsRecord, zone_of

    records = []
    for name, status in rotation.statuses.items():
        domain = rotation.keys[name].domain.lower()
        for selector, public, algorithm in status.wanted.records:
            if public:
                host = f"{selector.lower()}._domainkey.{domain}"
                zone = zone_of(host, rotation.stack.dns.zones, [domain])
                value = dkim_text(public, algorithm)
                records.append(DnsRecord(zone=zone, name=host, kind="TXT", value=value, purpose="dkim"))
    return tuple(records)


def _is_there(rotation: FleetRotation, record: DnsRecord) -> bool:
    looks = {
        f"{selector.lower()}._domainkey.{rotation.keys[name].domain.lower()}": look
        for name, facts in rotation.facts.items()
        for selector, look in facts.records.items()
    }
    return record.name in looks and looks[record.name].published is True


def _to_remove(rotation: FleetRotation) -> tuple[str, ...]:
    """The names of records that no mail needs any more and that DNS still has, as far as is known."""
    return tuple(
        f"{row.selector.lower()}._domainkey.{rotation.keys[name].domain.lower()}"
        for name, status in rotation.statuses.items()
        for row in status.selectors
        if row.step.todo is Todo.REMOVE_RECORD
        and row.step.due is not None
        and row.step.due <= rotation.at
        and rotation.facts[name].records[row.selector].gone is not True
    )
