"""Reverse DNS: PTR of every address, forward-confirmed, in agreement with the HELO name (RFC 1912, section 2.1)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from pmtaform.diagnostics.codes.dns_names import (
    HELO_DIFFERS,
    HELO_MISSING,
    HELO_WITHOUT_ADDRESS,
    PTR_MISSING,
    PTR_UNCONFIRMED,
    SOURCE_NETWORK,
)
from pmtaform.dns.facts import SendingAddress
from pmtaform.dns.findings import DnsFinding, finding, not_asked
from pmtaform.dns.resolver import DnsResolver, reverse_name


def reverse_findings(resolver: DnsResolver, source: SendingAddress) -> Iterator[DnsFinding]:
    """What is wrong with the names of one address. A network's addresses are known only on the host."""
    if source.is_network:
        detail = f"{source.where} sends from every local address in it; which there are is not known here."
        yield finding(SOURCE_NETWORK, source.address, detail)
        return
    if not source.helo:
        detail = f"smtp-source-host of {source.where} has no name after the address. Add the name of the address."
        yield finding(HELO_MISSING, source.address, detail)
    yield from _pointer(resolver, source)
    if source.helo:
        yield from _forward(resolver, source)


def _pointer(resolver: DnsResolver, source: SendingAddress) -> Iterator[DnsFinding]:
    pointer = resolver.ask(reverse_name(source.address), "PTR")
    subject = source.address
    if not pointer.is_known:
        yield not_asked(subject, [pointer])
        return
    wanted = source.helo or "its name"
    if not pointer.records:
        detail = f"{source.where} sends from it, and it has no PTR: many receivers refuse its mail. Ask the owner of "
        detail += f"the address to set {pointer.name} to {wanted}."
        yield finding(PTR_MISSING, subject, detail, pointer)
        return
    kind = _kind(source.address)
    forward = {name: resolver.ask(name, kind) for name in pointer.records[:10]}
    confirmed = [name for name, answer in forward.items() if source.address in _addresses(answer.records)]
    unknown = [answer for answer in forward.values() if not answer.is_known]
    if not confirmed and unknown:
        yield not_asked(subject, unknown)
    elif not confirmed:
        detail = f"Its PTR names {', '.join(pointer.records)}, and no {kind} record there leads back to it: receivers "
        detail += f"take that for no reverse DNS. Add {kind} {source.address} to the name, or set the PTR to {wanted}."
        yield finding(PTR_UNCONFIRMED, subject, detail, pointer, *forward.values())
    elif source.helo and source.helo not in pointer.records:
        detail = f"{source.where} sends HELO {source.helo}, and the PTR names {', '.join(pointer.records)}. Receivers "
        detail += f"compare them. Set the PTR to {source.helo}, or write the PTR's name in smtp-source-host."
        yield finding(HELO_DIFFERS, subject, detail, pointer)


def _forward(resolver: DnsResolver, source: SendingAddress) -> Iterator[DnsFinding]:
    kind = _kind(source.address)
    answer = resolver.ask(source.helo, kind)
    if not answer.is_known:
        yield not_asked(source.helo, [answer])
    elif source.address not in _addresses(answer.records):
        has = ", ".join(answer.records) or "none"
        detail = f"{source.where} sends HELO {source.helo} from {source.address}, and its {kind} records are: {has}. "
        detail += f"Add {kind} {source.address}."
        yield finding(HELO_WITHOUT_ADDRESS, source.helo, detail, answer)


def _kind(address: str) -> str:
    return "A" if ipaddress.ip_address(address).version == 4 else "AAAA"


def _addresses(records: tuple[str, ...]) -> set[str]:
    return {str(ipaddress.ip_address(text)) for text in records}
