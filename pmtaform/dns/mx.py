"""MX of the domains that take bounces and complaints: they must lead to a host that accepts them (RFC 5321, 5.1)."""

from __future__ import annotations

from collections.abc import Iterator

from pmtaform.diagnostics.codes.dns_names import (
    MX_ALIAS,
    MX_NOT_ACCEPTED,
    MX_NULL,
    MX_OUTSIDE_FLEET,
    MX_WITHOUT_ADDRESS,
)
from pmtaform.dns.facts import DnsFacts
from pmtaform.dns.findings import DnsFinding, finding, not_asked
from pmtaform.dns.resolver import DnsAnswer, DnsResolver


def mx_findings(resolver: DnsResolver, facts: DnsFacts, domain: str) -> Iterator[DnsFinding]:
    """What is wrong with the way of mail to `domain`."""
    takers = sorted(host for host, domains in facts.accepts.items() if domain in domains)
    if facts.accepts and not takers:
        detail = "No host has it in an address-list of a processor or as relay-domain, so that mail to it is refused. "
        detail += "Add it there, or take it out of `dns:`."
        yield finding(MX_NOT_ACCEPTED, domain, detail)
    answer = resolver.ask(domain, "MX")
    if not answer.is_known:
        yield not_asked(domain, [answer])
        return
    exchanges = [text.split()[-1] for text in answer.records]
    if exchanges == ["."]:
        detail = 'Its MX is "." (RFC 7505): it takes no mail, so bounces and complaints are lost. Name a host.'
        yield finding(MX_NULL, domain, detail, answer)
        return
    yield from _exchanges(resolver, facts, domain, answer, exchanges or [domain])


def _exchanges(
    resolver: DnsResolver, facts: DnsFacts, domain: str, answer: DnsAnswer, exchanges: list[str]
) -> Iterator[DnsFinding]:
    reached: set[str] = set()
    asked = [answer]
    for name in exchanges:
        answers = [resolver.ask(name, kind) for kind in ("A", "AAAA")]
        asked += answers
        records = {text for one in answers for text in one.records}
        unknown = [one for one in answers if not one.is_known]
        if answer.records and any(one.chain for one in answers):
            detail = f"MX names {name}, which is a CNAME. RFC 2181 forbids that, and some senders refuse it. "
            detail += f"Name {answers[0].chain[-1] if answers[0].chain else 'the host itself'}."
            yield finding(MX_ALIAS, domain, detail, answer, *answers)
        if not records and unknown:
            yield not_asked(domain, unknown)
            return
        if not records:
            detail = f"{name} has neither A nor AAAA" + ("" if answer.records else ", and there is no MX")
            detail += ": bounces and complaints cannot be delivered. Point the MX at a host of the fleet."
            yield finding(MX_WITHOUT_ADDRESS, domain, detail, answer, *answers)
        reached |= records
    if reached and not reached & facts.listens:
        detail = f"It leads to {', '.join(sorted(reached))}, none of which is an address of a host here. That is right "
        detail += "only if something there (NAT, a balancer) passes mail on to one."
        yield finding(MX_OUTSIDE_FLEET, domain, detail, *asked)
