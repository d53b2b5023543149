"""The DNS records of declared keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.keys import DKIM_UNDECLARED
from pmtaform.dns.dkim_record import dkim_text
from pmtaform.dns.records import DnsRecord, zone_of
from pmtaform.dns.resolver import plain
from pmtaform.signing.declared import DeclaredKey, read_declared
from pmtaform.stack import Stack
from pmtaform.stack.resolve import resolver_for


def record_of(stack: Stack, domain: str, selector: str, text: str, known: Iterable[str] = ()) -> DnsRecord:
    """The TXT record of a selector with this text. `known` are domains that may be zones."""
    name = plain(f"{selector}._domainkey.{domain}")
    zone = zone_of(name, stack.dns.zones, {*map(plain, known), *stack.dns.from_domains, plain(domain)})
    return DnsRecord(zone=zone, name=name, kind="TXT", value=text, purpose="dkim")


def key_records(
    stack: Stack, keys: Sequence[DeclaredKey], *, flags: tuple[str, ...] = (), revoked: bool = False
) -> tuple[tuple[DnsRecord, ...], tuple[Diagnostic, ...]]:
    """The records of keys, with errors and warnings. A record that revokes a key does not need the key.

    A key for all domains has a record at each of them: those of `dns: from-domains`.
    """
    resolve = resolver_for(stack)
    zones = [key.domain for key in keys if key.record_name]
    by_name: dict[tuple[str, str], DnsRecord] = {}
    problems: list[Diagnostic] = []
    for declared in keys:
        if not declared.is_ours and not revoked:
            problems.append(_not_ours(declared))
            continue
        key, notes = (None, ()) if revoked else read_declared(declared, resolve)
        problems += notes
        if key is None and not revoked:
            continue
        text = dkim_text(key.p if key is not None else "", flags=flags)
        for domain in [declared.domain] if declared.record_name else stack.dns.from_domains:
            record = record_of(stack, domain, declared.selector, text, zones)
            by_name[record.name, record.value] = record
    records = sorted(by_name.values(), key=lambda one: (one.zone, one.name, one.value))
    return tuple(records), tuple(dict.fromkeys(problems))


def _not_ours(key: DeclaredKey) -> Diagnostic:
    detail = f"{key.name}: a `domain-key` line names {key.paths[0]}, and `dkim-keys` has no entry for it, so what its "
    detail += "record has to be is known on hosts alone. `pmtaform dkim verify` compares them with DNS."
    return DKIM_UNDECLARED.diagnostic(detail, key.place)
