"""JSON: everything that is known of a record; the strings of a TXT record besides its text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pmtaform.dns.dkim_record import chunked
from pmtaform.dns.records import DnsRecord


def write(records: Sequence[DnsRecord]) -> str:
    """One document."""
    rows = [_row(record) for record in records]
    return json.dumps({"format": 1, "kind": "pmtaform-dns-records", "records": rows}, indent=1) + "\n"


def _row(record: DnsRecord) -> dict[str, Any]:
    row: dict[str, Any] = {
        "zone": record.zone,
        "name": record.name,
        "type": record.kind,
        "ttl": record.ttl,
        "value": record.value,
        "purpose": record.purpose,
    }
    return row | ({"strings": list(chunked(record.value))} if record.kind == "TXT" else {})
