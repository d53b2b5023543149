"""Whether the world can see a selector's record: the zone's own servers, and the configured resolvers."""

from __future__ import annotations

from collections.abc import Iterable

from pmtaform.diagnostics.codes.dns import DKIM_TESTING
from pmtaform.dkim.observation import RecordStatus
from pmtaform.dns.dkim_record import dkim_problems, parse_dkim
from pmtaform.dns.facts import PublicKey
from pmtaform.dns.resolver import DnsAnswer, DnsResolver, DnsServer
from pmtaform.dns.tags import TagError


def look_at_record(
    resolver: DnsResolver, name: str, public: PublicKey | None, *, authoritative: bool = True
) -> RecordStatus:
    """What servers say of the record at `name` (`s1._domainkey.example.com`), each asked by itself.

    It fits when there is one TXT record that has `public`. What depends on a server that is silent or fails is None.
    Without `authoritative`, the resolvers take the place of the zone's servers.
    """
    owners = _asked(resolver, name, resolver.authoritative(name)) if authoritative else []
    others = _asked(resolver, name, resolver.servers)
    if authoritative and not owners:
        why = "the zone's own name servers cannot be found"
        return RecordStatus(
            published=None, verified=None, gone=None, why=_first([_problem(a, public) for a in others], why)
        )
    problems = {id(answer): _problem(answer, public) for answer in (*owners, *others)}

    def all_fit(answers: list[DnsAnswer]) -> bool | None:
        if any(answer.is_known and problems[id(answer)] for answer in answers):
            return False
        return None if not answers or any(not answer.is_known for answer in answers) else True

    published = all_fit(owners if authoritative else others)
    verified = all_fit([*owners, *others]) if others else None
    why = _first(problems.values(), "" if others else "there is no resolver to ask")
    return RecordStatus(published=published, verified=verified, gone=_gone([*owners, *others]), why=why)


def _asked(resolver: DnsResolver, name: str, servers: Iterable[DnsServer]) -> list[DnsAnswer]:
    return [resolver.ask(name, "TXT", server=server) for server in dict.fromkeys(servers)]


def _first(problems: Iterable[str], otherwise: str) -> str:
    return next((problem for problem in problems if problem), otherwise)


def _problem(answer: DnsAnswer, public: PublicKey | None) -> str:
    """What is wrong with one server's answer, in words that follow a name; empty: nothing."""
    who = answer.server or "a name server"
    if not answer.is_known:
        return f"{who} gives no answer ({answer.status})"
    if not answer.records:
        return f"{who} has no record"
    if len(answer.records) > 1:
        return f"{who} has {len(answer.records)} records where one belongs"
    if public is None:
        return f"{who} has a record, and there is no key to compare it with"
    differences = [
        what
        for problem, what in dkim_problems(answer.records[0], public.key, public.algorithm)
        if problem is not DKIM_TESTING
    ]
    return f"{who} has another record: {differences[0].rstrip('.')}" if differences else ""


def _gone(answers: list[DnsAnswer]) -> bool | None:
    if any(answer.records and not _is_revoked(answer) for answer in answers):
        return False
    return None if not answers or any(not answer.is_known for answer in answers) else True


def _is_revoked(answer: DnsAnswer) -> bool:
    try:
        return all(parse_dkim(text).is_revoked for text in answer.records)
    except TagError:
        return False
