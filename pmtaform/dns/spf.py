"""RFC 7208: whether a domain's SPF lets an address send, and what that costs in lookups.

`check_host` is the RFC's function. `costs_of` walks through the whole of a policy as an address sees it that
nothing matches: the most that any receiver has to look up.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pmtaform.dns.resolver import DnsAnswer, DnsResolver, DnsStatus, reverse_name
from pmtaform.dns.spf_macros import MacroError, Macros, expand
from pmtaform.dns.spf_record import SpfPolicy, SpfSyntaxError, Term, parse

MOST_LOOKUPS: Final = 10
MOST_VOID: Final = 2
_MOST_NAMES: Final = 10
_COSTLY: Final = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
_RUNAWAY: Final = 100  # where even a walk that has no limit ends


class SpfVerdict(StrEnum):
    """Results of `check_host`."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105  (the RFC's word)
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


_QUALIFIERS: Final = {"+": SpfVerdict.PASS, "-": SpfVerdict.FAIL, "~": SpfVerdict.SOFTFAIL, "?": SpfVerdict.NEUTRAL}


@dataclass(frozen=True, slots=True)
class LookupCost:
    """What one term takes: `lookups` counts it and everything below it."""

    domain: str  # whose record the term is in
    term: str
    lookups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpfResult:
    """What a receiver decides. `matched` is the term that did; `costs` are the terms of the domain's own record."""

    verdict: SpfVerdict
    matched: str = ""
    why: str = ""
    lookups: int = 0
    void: int = 0
    costs: tuple[LookupCost, ...] = ()
    unasked: tuple[DnsAnswer, ...] = ()  # the answers that a temperror is about


class _Stop(Exception):
    def __init__(self, verdict: SpfVerdict, why: str) -> None:
        self.verdict, self.why = verdict, why
        super().__init__(why)


@dataclass(slots=True)
class _Run:
    resolver: DnsResolver
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    sender: str
    helo: str
    limited: bool = True  # False: nothing matches, and nothing ends at ten
    lookups: int = 0
    void: int = 0
    costs: list[LookupCost] = field(default_factory=list)
    unasked: list[DnsAnswer] = field(default_factory=list)

    def check(self, domain: str, path: tuple[str, ...] = ()) -> tuple[SpfVerdict, str]:
        """The verdict, and the term that gave it."""
        if domain in path:
            raise _Stop(SpfVerdict.PERMERROR, f"{' includes '.join((*path, domain))}: a loop")
        policy = self._policy(domain)
        if policy is None:
            return SpfVerdict.NONE, ""
        path = (*path, domain)
        for term in policy.terms:
            before = self.lookups
            matches = self._matches(term, domain, path)
            self._note(domain, term.text, before, path)
            if matches and (self.limited or term.name == "all"):
                return _QUALIFIERS[term.qualifier], term.text
        if policy.redirect is None:
            return SpfVerdict.NEUTRAL, ""
        return self._redirect(policy.redirect, domain, path)

    def _redirect(self, target: str, domain: str, path: tuple[str, ...]) -> tuple[SpfVerdict, str]:
        before = self.lookups
        self._count(f"redirect={target}")
        verdict, matched = self.check(self._expand(target, domain), path)
        self._note(domain, f"redirect={target}", before, path)
        if verdict is SpfVerdict.NONE:
            raise _Stop(SpfVerdict.PERMERROR, f"redirect={target} leads to a domain without an SPF record")
        return verdict, matched

    def _note(self, domain: str, term: str, before: int, path: tuple[str, ...]) -> None:
        if self.lookups > before and len(path) == 1:
            self.costs.append(LookupCost(domain, term, self.lookups - before))

    def _policy(self, domain: str) -> SpfPolicy | None:
        answer = self._ask(domain, "TXT")
        records = [text for text in answer.records if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]
        if not records:
            return None
        if len(records) > 1:
            raise _Stop(SpfVerdict.PERMERROR, f"{domain} has {len(records)} SPF records; only one may be there")
        try:
            return parse(records[0])
        except SpfSyntaxError as problem:
            raise _Stop(SpfVerdict.PERMERROR, f"the SPF record of {domain} cannot be read: {problem}") from None

    def _matches(self, term: Term, domain: str, path: tuple[str, ...]) -> bool:
        if term.name == "all":
            return True
        if term.network is not None:
            return self.address in term.network
        self._count(term.text)
        target = self._expand(term.domain, domain) if term.domain else domain
        if term.name == "include":
            return self._include(term, target, path)
        if term.name == "a":
            return self._in_addresses(target, term, void=True)
        if term.name == "mx":
            return self._mx(target, term)
        if term.name == "exists":
            return self._ask(target, "A", void=True).status is DnsStatus.ANSWERED
        return self._ptr(target)

    def _include(self, term: Term, target: str, path: tuple[str, ...]) -> bool:
        verdict, _ = self.check(target, path)
        if verdict is SpfVerdict.NONE:
            raise _Stop(SpfVerdict.PERMERROR, f"{term.text} leads to a domain without an SPF record")
        return verdict is SpfVerdict.PASS

    def _in_addresses(self, name: str, term: Term, *, void: bool) -> bool:
        kind, prefix = ("A", term.prefix4) if self.address.version == 4 else ("AAAA", term.prefix6)
        return any(
            self.address in ipaddress.ip_network(f"{text}/{prefix}", strict=False)
            for text in self._ask(name, kind, void=void).records
        )

    def _mx(self, target: str, term: Term) -> bool:
        names = [text.split()[-1] for text in self._ask(target, "MX", void=True).records]
        if len(names) > _MOST_NAMES:
            raise _Stop(SpfVerdict.PERMERROR, f"{term.text}: {target} has {len(names)} MX records, more than ten")
        return any(self._in_addresses(name, term, void=False) for name in names if name != ".")

    def _ptr(self, target: str) -> bool:
        answer = self.resolver.ask(reverse_name(str(self.address)), "PTR")
        kind = "A" if self.address.version == 4 else "AAAA"
        for name in answer.records[:_MOST_NAMES]:
            forward = self.resolver.ask(name, kind).records
            if str(self.address) in forward and (name == target or name.endswith(f".{target}")):
                return True
        return False

    def _expand(self, text: str, domain: str) -> str:
        try:
            return expand(text, Macros(self.address, self.sender, self.helo, domain))
        except MacroError as problem:
            raise _Stop(SpfVerdict.PERMERROR, str(problem)) from None

    def _count(self, term: str) -> None:
        self.lookups += 1
        if self.lookups > (MOST_LOOKUPS if self.limited else _RUNAWAY):
            raise _Stop(SpfVerdict.PERMERROR, f"{term} is the {self.lookups}th lookup; only {MOST_LOOKUPS} are allowed")

    def _ask(self, name: str, kind: str, *, void: bool = False) -> DnsAnswer:
        answer = self.resolver.ask(name, kind)
        if not answer.is_known:
            self.unasked.append(answer)
            raise _Stop(SpfVerdict.TEMPERROR, f"{kind} of {name}: {answer.status}")
        if void and answer.is_absent:
            self.void += 1
            if self.limited and self.void > MOST_VOID:
                raise _Stop(SpfVerdict.PERMERROR, f"{kind} of {name} is the third lookup that finds nothing; two may")
        return answer


def check_host(
    resolver: DnsResolver, domain: str, address: str, *, sender: str = "", helo: str = "unknown"
) -> SpfResult:
    """What a receiver decides about mail of `sender` (postmaster@`domain`) from `address`.

    Never raises for what DNS says. Raises `ValueError` when `address` is no IP address.
    """
    return _result(resolver, domain, address, sender, helo, limited=True)


def costs_of(resolver: DnsResolver, domain: str, *, version: int = 4) -> SpfResult:
    """All that the policy of `domain` takes when nothing in it matches; its verdict is that of `all`."""
    address = "192.0.2.255" if version == 4 else "2001:db8::ffff"
    return _result(resolver, domain, address, "", "unknown", limited=False)


def _result(resolver: DnsResolver, domain: str, address: str, sender: str, helo: str, *, limited: bool) -> SpfResult:
    run = _Run(resolver, ipaddress.ip_address(address), sender or f"postmaster@{domain}", helo, limited)
    why = ""
    try:
        verdict, matched = run.check(domain)
    except _Stop as stop:
        verdict, matched, why = stop.verdict, "", stop.why
    return SpfResult(
        verdict=verdict,
        matched=matched,
        why=why,
        lookups=run.lookups,
        void=run.void,
        costs=tuple(run.costs),
        unasked=tuple(run.unasked),
    )
