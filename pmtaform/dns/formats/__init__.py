"""How wanted records are written: one module a format, each with `write(records) -> str`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from importlib import import_module
from itertools import groupby

from pmtaform.dns.records import DnsRecord


class As(StrEnum):
    """The formats."""

    BIND = "bind"
    OCTODNS = "octodns"
    DNSCONTROL = "dnscontrol"
    ROUTE53 = "route53"
    CLOUDFLARE = "cloudflare"
    JSON = "json"


_MODULES = {form: f"pmtaform.dns.formats.{form.value}" for form in As} | {As.JSON: "pmtaform.dns.formats.json_"}


def write_records(records: Sequence[DnsRecord], form: As) -> str:
    """The records in one format; a comment when there are none."""
    return str(import_module(_MODULES[form]).write(records))


def by_zone(records: Sequence[DnsRecord]) -> list[tuple[str, list[DnsRecord]]]:
    """The records of each zone."""
    ordered = sorted(records, key=lambda one: one.zone)
    return [(zone, list(group)) for zone, group in groupby(ordered, key=lambda one: one.zone)]


def sets_of(records: Sequence[DnsRecord]) -> list[tuple[DnsRecord, list[str]]]:
    """Record sets: the first record of each name and kind, and all their values."""
    sets: dict[tuple[str, str], list[DnsRecord]] = {}
    for record in records:
        sets.setdefault((record.name, record.kind), []).append(record)
    return [(same[0], [one.value for one in same]) for same in sets.values()]
