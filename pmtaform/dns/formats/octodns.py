"""octoDNS YAML: one document for each zone, which belongs in a file ZONE.yaml. Keys and texts are JSON strings."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from pmtaform.dns.formats import by_zone, sets_of
from pmtaform.dns.records import DnsRecord


def write(records: Sequence[DnsRecord]) -> str:
    """The zones' documents, the name of its file above each."""
    return "".join(f"---\n# {zone}.yaml\n" + _zone(zone_records) for zone, zone_records in by_zone(records))


def _zone(records: Sequence[DnsRecord]) -> str:
    names: dict[str, list[tuple[DnsRecord, list[str]]]] = {}
    for first, values in sets_of(records):
        names.setdefault(first.relative, []).append((first, values))
    lines: list[str] = []
    for name in sorted(names, key=_natural):
        lines.append(f"{json.dumps(name)}:")
        for first, values in names[name]:
            lines.append(f"  - ttl: {first.ttl}")
            lines.append(f"    type: {first.kind}")
            lines += _values(first.kind, values)
    return "".join(line + "\n" for line in lines)


def _natural(name: str) -> list[str | int]:
    """OctoDNS refuses a file whose names are not in natural order: mta2 before mta10."""
    return [int(part) if n % 2 else part for n, part in enumerate(re.split(r"(\d+)", name))]


def _values(kind: str, values: Sequence[str]) -> list[str]:
    written = [json.dumps(_value(kind, value)) for value in values]
    if len(written) == 1:
        return [f"    value: {written[0]}"]
    return ["    values:", *(f"      - {value}" for value in written)]


def _value(kind: str, value: str) -> str:
    if kind == "TXT":
        return value.replace(";", "\\;")  # octoDNS needs escaped semicolons, and splits long texts itself
    return f"{value}." if kind == "PTR" else value
