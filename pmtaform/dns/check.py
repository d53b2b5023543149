"""Run all DNS checks at once, within bounds; the findings have a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

from pmtaform.diagnostics.codes.dns import (
    DKIM_MISSING,
    DKIM_NEXT_MISSING,
    DKIM_NOT_COMPARED,
    DKIM_SEVERAL,
    DNS_FLAKY,
    DNS_SPLIT,
)
from pmtaform.diagnostics.codes.dns_names import (
    SPF_BROKEN_LATER,
    SPF_LOOKUPS,
    SPF_MISSING,
    SPF_PERMERROR,
    SPF_UNCOVERED,
)
from pmtaform.dns.addresses import address_findings
from pmtaform.dns.dkim_record import dkim_problems
from pmtaform.dns.dmarc import dmarc_findings
from pmtaform.dns.facts import DnsFacts, Selector
from pmtaform.dns.findings import DnsFinding, DnsLevel, finding, not_asked
from pmtaform.dns.mx import mx_findings
from pmtaform.dns.resolver import DnsAnswer, DnsResolver, DnsStatus, reverse_name
from pmtaform.dns.reverse import reverse_findings
from pmtaform.dns.spf import MOST_LOOKUPS, SpfResult, SpfVerdict, check_host, costs_of

PARALLEL: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfCost:
    """What the SPF record of a domain takes of the ten lookups."""

    domain: str
    result: SpfResult


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsReport:
    """The findings. `checked` counts the checks by family; `servers` are the configured ones."""

    findings: tuple[DnsFinding, ...]
    costs: tuple[SpfCost, ...]
    checked: int
    servers: tuple[str, ...]

    def at(self, level: DnsLevel) -> tuple[DnsFinding, ...]:
        """The findings of one level."""
        return tuple(one for one in self.findings if one.level is level)

    @property
    def is_wrong(self) -> bool:
        """Whether something is wrong."""
        return bool(self.at(DnsLevel.ERROR))

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is wrong as far as could be asked, and something could not be asked."""
        return not self.is_wrong and bool(self.at(DnsLevel.UNKNOWN))


def check_dns(
    resolver: DnsResolver, facts: DnsFacts, *, authoritative: bool = True, parallel: int = PARALLEL
) -> DnsReport:
    """Check all that `facts` want. With `authoritative`, the zones' own servers are compared with the resolvers."""
    checks: list[Callable[[], Iterable[DnsFinding]]] = []
    costs: dict[str, SpfResult] = {}
    sources = {(s.address, s.helo): s for s in reversed(facts.sources)}
    checks += [partial(reverse_findings, resolver, source) for source in reversed(sources.values())]
    checks += [partial(spf_findings, resolver, facts.addresses, domain, costs) for domain in facts.envelope_domains]
    checks += [partial(dkim_findings, resolver, selector) for selector in facts.selectors]
    checks += [partial(dmarc_findings, resolver, facts, domain) for domain in facts.from_domains]
    mail = sorted({*facts.bounce_domains, *facts.feedback_domains})
    checks += [partial(mx_findings, resolver, facts, domain) for domain in mail]
    checks += [partial(same_everywhere, resolver, *q, authoritative=authoritative) for q in _questions(facts)]
    with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="dns") as pool:
        questions = [one for each in pool.map(_run, checks) for one in each]
    questions += address_findings(facts.sources)
    return DnsReport(
        findings=tuple(dict.fromkeys(questions)),
        costs=tuple(SpfCost(domain=domain, result=costs[domain]) for domain in sorted(costs)),
        checked=len(checks),
        servers=tuple(str(server) for server in resolver.servers),
    )


def _run(check: Callable[[], Iterable[DnsFinding]]) -> list[DnsFinding]:
    return list(check())


def dkim_findings(resolver: DnsResolver, selector: Selector) -> Iterator[DnsFinding]:
    """What is wrong with the record of a key."""
    answer = resolver.ask(selector.name, "TXT")
    name = selector.name
    if not answer.is_known:
        yield not_asked(name, [answer])
        return
    if not answer.records and not selector.signs:
        detail = (
            "Hosts do not sign with this key yet, and will when its record is there. `pmtaform dkim rotate` writes it."
        )
        yield finding(DKIM_NEXT_MISSING, name, detail, answer)
        return
    if not answer.records:
        detail = "Mail is signed with this key, and receivers find no public key: every signature fails. "
        detail += "`pmtaform dns records` writes the record."
        yield finding(DKIM_MISSING, name, detail, answer)
        return
    if len(answer.records) > 1:
        detail = f"There are {len(answer.records)} TXT records; receivers may take any of them. Leave one."
        yield finding(DKIM_SEVERAL, name, detail, answer)
        return
    if selector.public is None:
        detail = "The private key could not be read here, so its record cannot be compared."
        yield finding(DKIM_NOT_COMPARED, name, detail, answer)
        return
    for problem, what in dkim_problems(answer.records[0], selector.public.key, selector.public.algorithm):
        yield finding(problem, name, what, answer)


def spf_findings(
    resolver: DnsResolver, addresses: Sequence[str], domain: str, costs: dict[str, SpfResult]
) -> Iterator[DnsFinding]:
    """What is wrong with the SPF of a domain that `addresses` send for; `costs` gets what it takes."""
    answer = resolver.ask(domain, "TXT")
    if not answer.is_known:
        yield not_asked(domain, [answer])
        return
    whole = costs[domain] = costs_of(resolver, domain)
    refused: dict[tuple[SpfVerdict, str], list[str]] = {}
    for address in addresses:
        result = check_host(resolver, domain, address)
        if result.verdict is SpfVerdict.TEMPERROR:
            yield not_asked(domain, result.unasked)
            return
        if result.verdict is not SpfVerdict.PASS:
            refused.setdefault((result.verdict, result.why or result.matched), []).append(address)
    if whole.verdict is SpfVerdict.TEMPERROR:
        yield not_asked(domain, whole.unasked)  # a term that only other addresses come to
    if whole.verdict is SpfVerdict.NONE:
        detail = "It has no SPF record, so nothing allows the fleet to send for it. "
        detail += "`pmtaform dns records` writes one."
        yield finding(SPF_MISSING, domain, detail, answer)
        return
    for (verdict, why), addresses in refused.items():
        yield _refused(domain, verdict, why, addresses, answer)
    if whole.lookups > MOST_LOOKUPS and not any(verdict is SpfVerdict.PERMERROR for verdict, _ in refused):
        detail = f"It takes {whole.lookups} lookups, and ten are allowed: {spelled(whole)}. An address that matches "
        detail += "late, or not at all, gets permerror. Replace includes by ip4 and ip6."
        yield finding(SPF_LOOKUPS, domain, detail, answer)
    elif whole.verdict is SpfVerdict.PERMERROR and not refused:
        detail = (
            f"{whole.why[:1].upper()}{whole.why[1:]}. The addresses of the fleet match before that; all others get "
        )
        detail += "permerror instead of the result of `all`. Fix or remove the term."
        yield finding(SPF_BROKEN_LATER, domain, detail, answer)


def _refused(domain: str, verdict: SpfVerdict, why: str, addresses: list[str], answer: DnsAnswer) -> DnsFinding:
    shown = ", ".join(addresses[:8]) + (f" and {len(addresses) - 8} more" if len(addresses) > 8 else "")
    if verdict is SpfVerdict.PERMERROR:
        detail = f"{why[:1].upper()}{why[1:]}. Receivers treat all mail of the domain as without SPF, or refuse it."
        return finding(SPF_PERMERROR, domain, detail, answer)
    detail = f"{shown}: {verdict}" + (f" by {why}" if why else "") + ". They may send for this domain. "
    detail += "Add them as ip4: or ip6:, before `all`."
    return finding(SPF_UNCOVERED, domain, detail, answer)


def spelled(result: SpfResult) -> str:
    """`include:a.example 4, mx 1`."""
    return ", ".join(f"{cost.term} {cost.lookups}" for cost in result.costs) or "none"


def _questions(facts: DnsFacts) -> list[tuple[str, str]]:
    """What every server must answer alike."""
    questions = [(reverse_name(address), "PTR") for address in facts.addresses]
    named = [source for source in facts.sources if source.helo and not source.is_network]
    questions += [(source.helo, "AAAA" if ":" in source.address else "A") for source in named]
    questions += [(domain, "TXT") for domain in facts.envelope_domains]
    questions += [(selector.name, "TXT") for selector in facts.selectors]
    questions += [(f"_dmarc.{domain}", "TXT") for domain in facts.from_domains]
    questions += [(domain, "MX") for domain in (*facts.bounce_domains, *facts.feedback_domains)]
    return list(dict.fromkeys(questions))


def same_everywhere(resolver: DnsResolver, name: str, kind: str, *, authoritative: bool) -> Iterator[DnsFinding]:
    """The differences between servers. Only answers are compared; a server that cannot be asked is no difference."""
    servers = list(resolver.servers)
    if authoritative and resolver.ask(name, kind).is_known:
        servers += resolver.authoritative(name)
    if len(servers) < 2:
        return
    answers = [resolver.ask(name, kind, server=server) for server in dict.fromkeys(servers)]
    known = [answer for answer in answers if answer.is_known]
    broken = [answer for answer in answers if answer.status is DnsStatus.FAILED]
    if len({answer.records for answer in known}) > 1:
        detail = "Their answers differ, so receivers see one or the other: a change that is still on its way (wait "
        detail += "for the TTL), a secondary that is behind, or a split view."
        yield finding(DNS_SPLIT, f"{name} {kind}", detail, *answers)
    elif known and broken:
        detail = "Some servers fail, so receivers fail now and then: "
        detail += ", ".join(answer.server for answer in broken) + "."
        yield finding(DNS_FLAKY, f"{name} {kind}", detail, *answers)
