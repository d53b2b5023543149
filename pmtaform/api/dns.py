"""The DNS records that a stack needs: list them and check them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pmtaform.dns.check import DnsReport, check_dns
from pmtaform.dns.facts import DnsFacts, PublicKey, Selector, facts_of
from pmtaform.dns.records import DnsRecord, records_of
from pmtaform.dns.resolver import DnsResolver, plain
from pmtaform.errors import PmtaformError
from pmtaform.model.desired import KeyFile
from pmtaform.stack import Stack
from pmtaform.stack.compile import compile_all
from pmtaform.stack.dns_inputs import declared_names, reached_at, waiting_selectors
from pmtaform.stack.resolve import resolver_for

if TYPE_CHECKING:
    from pmtaform.diagnostics import Diagnostic


def dns_facts(stack: Stack, hosts: Sequence[str] = ()) -> tuple[DnsFacts, tuple[Diagnostic, ...]]:
    """The DNS facts of a stack, and the reasons for keys that could not be read.

    With `hosts`, patterns of hosts and groups, only their addresses; domains are the whole fleet's all the same.

    Private keys are resolved one by one: one that is not available omits its own record only. Raises
    `UsageError` when none matches, `Invalid`.
    """
    from pmtaform.model.choice import Choice

    chosen = Choice(hosts=tuple(hosts)).select(stack)
    compiled = compile_all(stack)
    secret = resolver_for(stack)
    problems: dict[str, tuple[Diagnostic, ...]] = {}

    def public_key(key: KeyFile) -> PublicKey | None:
        from pmtaform.dns.public_key import public_key_of

        try:
            passphrase = secret(key.passphrase, key.place).reveal() if key.passphrase else None
            return public_key_of(secret(key.reference, key.place).reveal(), passphrase)
        except PmtaformError as problem:
            problems[key.reference] = problem.diagnostics
            return None

    facts = facts_of(compiled.values(), declared_names(stack), public_key, reached_at(stack, list(compiled)))
    sources = tuple(source for source in facts.sources if source.host in chosen)
    waiting = waiting_selectors(stack)
    selectors = [replace(one, signs=(one.domain, one.selector) not in waiting) for one in facts.selectors]
    facts = replace(facts, sources=sources, selectors=(*selectors, *_retiring(stack, facts)))
    return facts, tuple(d for listed in problems.values() for d in listed)


def _retiring(stack: Stack, facts: DnsFacts) -> list[Selector]:
    """Selectors whose files have left the hosts, and whose records must stay for mail that is on its way."""
    known = {(one.domain, one.selector) for one in facts.selectors}
    return [
        Selector(domain=domain, selector=selector.lower(), public=PublicKey(public, algorithm))
        for name, wanted in sorted(stack.selectors.items())
        for selector, public, algorithm in wanted.records
        if public and ((domain := plain(name.partition("/")[0])), selector.lower()) not in known
    ]


def check_stack_dns(stack: Stack, facts: DnsFacts, resolver: DnsResolver | None = None) -> DnsReport:
    """Check DNS against `facts`."""
    from pmtaform.dns.live import live_resolver

    return check_dns(resolver or live_resolver(stack.dns), facts, authoritative=stack.dns.authoritative)


def dns_records(facts: DnsFacts, zone: str | None = None) -> tuple[DnsRecord, ...]:
    """The wanted records, in all zones or those in one domain."""
    return records_of(facts, zone)
