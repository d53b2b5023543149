"""What of DNS single changes depend on, and whether that is so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from pmtaform.dns.check import PARALLEL, dkim_findings, spf_findings
from pmtaform.dns.facts import DnsFacts, Selector, SendingAddress
from pmtaform.dns.findings import DnsFinding
from pmtaform.dns.mx import mx_findings
from pmtaform.dns.resolver import DnsResolver
from pmtaform.dns.reverse import reverse_findings

Owner = tuple[str, str]  # a host, and the address of the block or file that changes
_Key = tuple[object, ...]


@dataclass(slots=True)
class Touched:
    """What one change adds: addresses that send, keys that sign, domains that take mail (`bounce`: they send, too)."""

    sources: list[SendingAddress] = field(default_factory=list)
    selectors: list[Selector] = field(default_factory=list)
    mail: list[str] = field(default_factory=list)
    bounce: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.sources or self.selectors or self.mail)


@dataclass(slots=True)
class _Checks:
    """Each check once, and whose changes it is about."""

    resolver: DnsResolver
    facts: DnsFacts
    run: dict[_Key, Callable[[], Iterable[DnsFinding]]] = field(default_factory=dict)
    owners: dict[_Key, list[Owner]] = field(default_factory=dict)

    def add(self, owner: Owner, key: _Key, check: Callable[[], Iterable[DnsFinding]]) -> None:
        self.run.setdefault(key, check)
        self.owners.setdefault(key, []).append(owner)

    def of(self, owner: Owner, touched: Touched) -> None:
        for source in touched.sources:
            self.add(owner, ("ptr", source), partial(reverse_findings, self.resolver, source))
        addresses = tuple(dict.fromkeys(source.address for source in touched.sources if not source.is_network))
        for domain in self.facts.envelope_domains if addresses else ():
            self._spf(owner, domain, addresses)
        for selector in touched.selectors:
            self.add(owner, ("dkim", selector), partial(dkim_findings, self.resolver, selector))
        for domain in touched.mail:
            self.add(owner, ("mx", domain), partial(mx_findings, self.resolver, self.facts, domain))
        for domain in touched.bounce:
            self._spf(owner, domain, self.facts.addresses)

    def _spf(self, owner: Owner, domain: str, addresses: tuple[str, ...]) -> None:
        key = ("spf", domain, addresses)
        self.add(owner, key, partial(spf_findings, self.resolver, addresses, domain, {}))


def touched_findings(
    resolver: DnsResolver, facts: DnsFacts, touched: Mapping[Owner, Touched], parallel: int = PARALLEL
) -> Iterator[tuple[Owner, DnsFinding]]:
    """What is wrong with what changes add; `facts` are those of the whole fleet, as it will be."""
    checks = _Checks(resolver, facts)
    for owner, added in touched.items():
        checks.of(owner, added)
    with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="dns") as pool:
        results = list(pool.map(lambda check: list(check()), checks.run.values()))
    by_owner: dict[tuple[Owner, DnsFinding], None] = {}
    for key, findings in zip(checks.run, results, strict=True):
        for owner in checks.owners[key]:
            by_owner.update(dict.fromkeys((owner, finding) for finding in findings))
    yield from by_owner
