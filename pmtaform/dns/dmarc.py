"""DMARC (RFC 7489): a policy for every From domain, and something in the stack that is aligned with it.

The organisational domain is the one with the policy nearest below the top level, found by walking up, as
DMARC's revision does; no list of public suffixes is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pmtaform.diagnostics.codes.dns_names import DMARC_MISSING, DMARC_NOT_ALIGNED, DMARC_UNREADABLE
from pmtaform.dns.facts import DnsFacts
from pmtaform.dns.findings import DnsFinding, finding, not_asked
from pmtaform.dns.resolver import DnsAnswer, DnsResolver, parents
from pmtaform.dns.tags import TagError, tags_of

_MOST_LABELS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcPolicy:
    """A DMARC record: policies are `none`, `quarantine` or `reject`; alignments are `r` or `s`."""

    policy: str
    subdomains: str
    dkim: str = "r"
    spf: str = "r"
    reports: str = ""


def parse_dmarc(text: str) -> DmarcPolicy:
    """The policy in a record. Raises `TagError`."""
    tags = tags_of(text)
    if next(iter(tags)) != "v" or tags["v"] != "DMARC1":
        raise TagError("v=DMARC1 is not first")
    policy = tags.get("p", "").lower()
    if policy not in ("none", "quarantine", "reject"):
        raise TagError("p is not none, quarantine or reject")
    record = DmarcPolicy(
        policy=policy,
        subdomains=tags.get("sp", policy).lower(),
        dkim=tags.get("adkim", "r").lower(),
        spf=tags.get("aspf", "r").lower(),
        reports=tags.get("rua", ""),
    )
    if record.subdomains not in ("none", "quarantine", "reject") or {record.dkim, record.spf} - {"r", "s"}:
        raise TagError("sp, adkim or aspf has an invalid value")
    return record


def dmarc_findings(resolver: DnsResolver, facts: DnsFacts, domain: str) -> Iterator[DnsFinding]:
    """What is wrong with the policy of a From domain, or with what has to be aligned with it."""
    at, answer = _nearest(resolver, domain)
    if not answer.is_known:
        yield not_asked(domain, [answer])
        return
    records = _records(answer)
    if not records:
        detail = (
            f"Neither _dmarc.{domain} nor a domain above has a policy. Gmail and Yahoo require one from bulk senders. "
        )
        detail += f'Start with _dmarc.{domain} TXT "v=DMARC1; p=none".'
        yield finding(DMARC_MISSING, domain, detail, answer)
        return
    try:
        if len(records) > 1:
            raise TagError("there are several, so none counts")
        policy = parse_dmarc(records[0])
    except TagError as problem:
        detail = f"The DMARC record of {at} does not count: {problem}."
        yield finding(DMARC_UNREADABLE, domain, detail, answer)
        return
    yield from _aligned(resolver, facts, domain, policy, answer)


def _aligned(
    resolver: DnsResolver, facts: DnsFacts, domain: str, policy: DmarcPolicy, answer: DnsAnswer
) -> Iterator[DnsFinding]:
    organisation = organisation_of(resolver, domain)
    signing = sorted({selector.domain for selector in facts.selectors})
    by_key = any(_agree(domain, one, policy.dkim, organisation) for one in signing)
    by_envelope = any(_agree(domain, one, policy.spf, organisation) for one in facts.envelope_domains)
    if by_key or by_envelope:
        return
    strict = " (the policy requires the same domain: adkim=s or aspf=s)" if "s" in policy.dkim + policy.spf else ""
    detail = f"DKIM signs for {', '.join(signing) or 'no domain'}, envelope senders are in "
    detail += f"{', '.join(facts.envelope_domains) or 'no known domain'}; none is aligned with {domain}{strict}, so "
    detail += f"its mail fails DMARC (p={policy.policy}). Add a key for {domain}, or its envelope domain to `dns:`."
    yield finding(DMARC_NOT_ALIGNED, domain, detail, answer)


def _agree(domain: str, other: str, mode: str, organisation: str) -> bool:
    if domain == other or mode == "s":
        return domain == other
    return other == organisation or other.endswith(f".{organisation}")


def organisation_of(resolver: DnsResolver, domain: str) -> str:
    """The organisation's domain: the highest of two labels or more with a policy, else the domain itself."""
    organisation = domain
    for up in _above(domain):
        if _records(resolver.ask(f"_dmarc.{up}", "TXT")):
            organisation = up
    return organisation


def _nearest(resolver: DnsResolver, domain: str) -> tuple[str, DnsAnswer]:
    """The policy that holds for `domain`: its own, else that of the nearest domain above."""
    first = answer = resolver.ask(f"_dmarc.{domain}", "TXT")
    for up in _above(domain):
        answer = resolver.ask(f"_dmarc.{up}", "TXT")
        if not answer.is_known or _records(answer):
            return up, answer
    return domain, first


def _above(domain: str) -> tuple[str, ...]:
    return tuple(up for up in parents(domain) if 2 <= up.count(".") + 1 <= _MOST_LABELS)


def _records(answer: DnsAnswer) -> list[str]:
    return [text for text in answer.records if text.replace(" ", "").startswith("v=DMARC1")]
