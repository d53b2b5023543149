"""DNSControl's JavaScript: one D_EXTEND for each zone, to be put beside the zone's own D(...)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pmtaform.dns.formats import by_zone
from pmtaform.dns.records import DnsRecord


def write(records: Sequence[DnsRecord]) -> str:
    """The zones, one after another."""
    return "".join(_zone(zone, zone_records) for zone, zone_records in by_zone(records))


def _zone(zone: str, records: Sequence[DnsRecord]) -> str:
    lines = [f"  {_line(record)}" for record in records]
    return f"D_EXTEND({json.dumps(zone)},\n" + ",\n".join(lines) + "\n);\n"


def _line(record: DnsRecord) -> str:
    value = f"{record.value}." if record.kind == "PTR" else record.value
    # A JSON string is a JavaScript string; DNSControl cuts long texts itself.
    return f"{record.kind}({json.dumps(record.relative or '@')}, {json.dumps(value)}, TTL({record.ttl}))"
