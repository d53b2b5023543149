"""Lines of a zone file (RFC 1035, section 5.1), every name whole: they can be put into any zone's file."""

from __future__ import annotations

from collections.abc import Sequence

from pmtaform.dns.dkim_record import chunked
from pmtaform.dns.formats import by_zone
from pmtaform.dns.records import DnsRecord


def write(records: Sequence[DnsRecord]) -> str:
    """The records, zone by zone."""
    lines: list[str] = []
    for zone, zone_records in by_zone(records):
        lines += [*([""] if lines else []), f"; zone {zone}", f"$ORIGIN {zone}."]
        lines += [f"{one.name}. {one.ttl} IN {one.kind} {_value(one)}" for one in zone_records]
    return "".join(line + "\n" for line in lines)


def _value(record: DnsRecord) -> str:
    if record.kind == "TXT":
        return " ".join(quoted(piece) for piece in chunked(record.value))
    return f"{record.value}." if record.kind == "PTR" else record.value


def quoted(text: str) -> str:
    r"""One string of a TXT record: `"` and `\` behind a backslash, what is not ASCII as `\DDD`."""
    octets = text.encode("utf-8", "surrogateescape")
    shown = (f"\\{chr(o)}" if o in b'"\\' else chr(o) if 32 <= o < 127 else f"\\{o:03d}" for o in octets)
    return '"' + "".join(shown) + '"'
