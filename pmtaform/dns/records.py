"""The records that make DNS right, as data; `pmtaform.dns.formats` writes them. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pmtaform.dns.dkim_record import dkim_text
from pmtaform.dns.facts import DnsFacts
from pmtaform.dns.resolver import parents, plain, reverse_name

TTL: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsRecord:
    """One record. Names are whole, without a dot at their end; a TXT value is one text, however long."""

    zone: str
    name: str
    kind: str  # A, AAAA, PTR or TXT
    value: str
    purpose: str  # "helo", "ptr", "spf", "dkim" or "dmarc"
    ttl: int = TTL

    @property
    def relative(self) -> str:
        """The name within its zone; empty for the zone itself."""
        return "" if self.name == self.zone else self.name.removesuffix(f".{self.zone}")


def records_of(facts: DnsFacts, zone: str | None = None) -> tuple[DnsRecord, ...]:
    """What is wanted, sorted by zone and name; with `zone`, only what is in that domain.

    SPF is written as the fleet alone needs it: who else sends for the domain has to be added. A DMARC policy of
    `p=none` is a beginning, and only for domains below no other From domain.
    """
    wanted: set[tuple[str, str, str, str]] = set()
    for source in facts.sources:
        if source.helo and not source.is_network:
            kind = "AAAA" if ":" in source.address else "A"
            wanted.add((source.helo, kind, source.address, "helo"))
    for address, helo in _pointers(facts).items():
        wanted.add((reverse_name(address), "PTR", helo, "ptr"))
    if spf := spf_text(facts):
        wanted |= {(domain, "TXT", spf, "spf") for domain in facts.envelope_domains}
    for selector in facts.selectors:
        if selector.public is not None:
            text = dkim_text(selector.public.key, selector.public.algorithm)
            wanted.add((selector.name, "TXT", text, "dkim"))
    tops = [d for d in facts.from_domains if not set(parents(d)[1:]) & set(facts.from_domains)]
    wanted |= {(f"_dmarc.{domain}", "TXT", "v=DMARC1; p=none", "dmarc") for domain in tops}
    known = _domains(facts)
    records = [
        DnsRecord(zone=zone_of(name, facts.zones, known), name=name, kind=kind, value=value, purpose=purpose)
        for name, kind, value, purpose in wanted
    ]
    if zone is not None:
        records = [one for one in records if _within(one, plain(zone))]
    return tuple(sorted(records, key=lambda one: (one.zone, one.name, one.kind, one.value)))


def _within(record: DnsRecord, zone: str) -> bool:
    return record.name == zone or record.name.endswith(f".{zone}")


def _pointers(facts: DnsFacts) -> dict[str, str]:
    """One name for each address: the first that the fleet gives it."""
    names: dict[str, str] = {}
    for source in facts.sources:
        if source.helo and not source.is_network:
            names.setdefault(source.address, source.helo)
    return names


def spf_text(facts: DnsFacts) -> str:
    """An SPF policy for the fleet's addresses and networks, neighbours together; empty when there are none."""
    networks = [ipaddress.ip_network(source.address) for source in facts.sources]
    four = ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv4Network))
    six = ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv6Network))
    terms = [*map(_term, four), *map(_term, six)]
    return f"v=spf1 {' '.join(terms)} -all" if terms else ""


def _term(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    single = network.prefixlen == network.max_prefixlen
    return f"ip{network.version}:{network.network_address if single else network}"


def _domains(facts: DnsFacts) -> set[str]:
    signing = {selector.domain for selector in facts.selectors}
    return {*signing, *facts.envelope_domains, *facts.from_domains, *facts.feedback_domains}


def zone_of(name: str, zones: Iterable[str], domains: Iterable[str]) -> str:
    """The zone of a name: the longest of `zones`, else the shortest of `domains` above it, else a guess.

    The guess for reverse names is the /24 or the /64; for others, the name without its first label.
    """
    above = parents(name)
    declared, known = set(zones), set(domains)
    if names := next((up for up in above if up in declared), None):
        return names
    labels = name.split(".")
    if name.endswith((".in-addr.arpa", ".ip6.arpa")):
        return ".".join(labels[1 if name.endswith(".in-addr.arpa") else 16 :])
    if names := next((up for up in reversed(above) if up in known), None):
        return names
    return ".".join(labels[1:]) if len(labels) > 2 else name
