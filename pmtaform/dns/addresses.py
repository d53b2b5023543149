"""Addresses that are used twice in the fleet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pmtaform.diagnostics.codes.dns_names import ADDRESS_NAMES, ADDRESS_TWICE
from pmtaform.dns.facts import SendingAddress
from pmtaform.dns.findings import DnsFinding, finding


def address_findings(sources: Iterable[SendingAddress]) -> Iterator[DnsFinding]:
    """Addresses that several hosts send from, or that one host gives several HELO names."""
    users: dict[str, list[SendingAddress]] = {}
    for source in sources:
        users.setdefault(source.address, []).append(source)
    for address, own in users.items():
        hosts = sorted({source.host for source in own})
        names = sorted({source.helo for source in own if source.helo})
        where = "; ".join(dict.fromkeys(source.where for source in own))
        if len(hosts) > 1 and not own[0].is_network:
            detail = f"{where}. An address belongs to one machine: the other cannot bind it, and reputation and rate "
            detail += "limits are counted twice. Give each host its own."
            yield finding(ADDRESS_TWICE, address, detail)
        elif len(names) > 1:
            detail = f"{where} say HELO {' and '.join(names)}. Its PTR can agree with one name only. Use one."
            yield finding(ADDRESS_NAMES, address, detail)
