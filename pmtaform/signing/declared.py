"""The DKIM keys of a stack: where each is used, what it is, and what DNS says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pmtaform.diagnostics import Diagnostic, Diagnostics, Place, did_you_mean
from pmtaform.diagnostics.codes.key_commands import NO_SUCH_KEY
from pmtaform.diagnostics.codes.keys import DKIM_UNDECLARED
from pmtaform.dkim.keys import SigningKey
from pmtaform.dns.check import dkim_findings
from pmtaform.dns.dkim_record import dkim_text
from pmtaform.dns.facts import PublicKey, Selector
from pmtaform.dns.findings import DnsFinding, DnsLevel
from pmtaform.dns.live import live_resolver
from pmtaform.dns.records import DnsRecord, zone_of
from pmtaform.dns.resolver import DnsResolver, plain
from pmtaform.errors import SecretUnavailable, UsageError
from pmtaform.lang.effective.signing import KeyLine
from pmtaform.model.desired import Desired, KeyFile
from pmtaform.model.selection import matches
from pmtaform.parallel import run_all
from pmtaform.secrets import Resolver as Secrets
from pmtaform.secrets import require_reference
from pmtaform.signing.key_lines import idle_lines, keys_of, line_of, signers_of
from pmtaform.stack import Stack
from pmtaform.stack.compile import compile_all
from pmtaform.stack.emit import Resolve
from pmtaform.stack.private_keys import read_key
from pmtaform.stack.resolve import resolver_for

_PARALLEL: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredKey:
    """A key of a stack: one reference and passphrase under one name. Hosts whose layers name another are another key.

    `reference` is empty for a key that a `domain-key` line of the stack names and `dkim-keys` does not have: its file
    is not ours, and what it is is known on hosts alone.

    `signers` are the virtual MTAs, pools and lists that it is given to; empty: all. `idle_on` are the hosts on which
    nothing signs with it, as far as the stack says.
    """

    domain: str
    selector: str
    reference: str
    passphrase: str | None
    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    signers: tuple[str, ...] = ()
    idle_on: tuple[str, ...] = ()
    place: Place | None = None

    @property
    def name(self) -> str:
        """`example.com/s2026`."""
        return f"{self.domain}/{self.selector}"

    @property
    def is_ours(self) -> bool:
        """Whether `dkim-keys` has it."""
        return bool(self.reference)

    @property
    def record_name(self) -> str:
        """Where its record is; empty for a key that signs for all domains, each of which needs one."""
        return "" if self.domain == "*" else plain(f"{self.selector}._domainkey.{self.domain}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key, what it is and what DNS says. `key` is None with the `problems` that kept it from being read, and for one
    that is not ours.

    `stored` is when the file that holds it was written; None where that is not known. `dns` are the findings of the
    check of its record, None when DNS was not asked.
    """

    declared: DeclaredKey
    key: SigningKey | None
    problems: tuple[Diagnostic, ...] = ()
    stored: datetime | None = None
    dns: tuple[DnsFinding, ...] | None = None

    @property
    def dns_status(self) -> str:
        """`published`, the code of what is wrong, or `not-checked`."""
        if self.dns is None:
            return "not-checked"
        wrong = [each for each in self.dns if each.level in (DnsLevel.ERROR, DnsLevel.UNKNOWN)]
        return (wrong or list(self.dns))[0].code if self.dns else "published"


def declared_keys(stack: Stack, names: Sequence[str] = (), hosts: Sequence[str] = ()) -> tuple[DeclaredKey, ...]:
    """The keys of a stack, sorted by name. No secret is looked up.

    `names` are patterns of `DOMAIN` or `DOMAIN/SELECTOR` with `*`, `hosts` those of hosts and groups; empty: all.
    Raises `UsageError` for a pattern that matches nothing, `Invalid`.
    """
    from pmtaform.model.choice import Choice

    compiled = compile_all(stack, hosts=Choice(hosts=tuple(hosts)).select(stack))
    uses_by_key: dict[tuple[str, ...], list[tuple[str, KeyFile]]] = {}
    for host, desired in compiled.items():
        for key in keys_of(desired):
            kept = (key.reference, key.passphrase or "") if key.reference else ("", key.path)
            index = (key.domain, key.selector, *kept)
            uses_by_key.setdefault(index, []).append((host, key))
    idle = {host: idle_lines(compiled[host]) for host in {host for uses in uses_by_key.values() for host, _ in uses}}
    keys = [_declared(uses, compiled, idle) for uses in uses_by_key.values()]
    return _chosen(
        sorted(keys, key=lambda key: (key.name, key.reference, key.passphrase or "", key.paths)), names, stack
    )


def _declared(
    uses: list[tuple[str, KeyFile]], compiled: Mapping[str, Desired], idle: Mapping[str, frozenset[KeyLine]]
) -> DeclaredKey:
    first = uses[0][1]
    return DeclaredKey(
        domain=first.domain,
        selector=first.selector,
        reference=first.reference,
        passphrase=first.passphrase,
        hosts=tuple(host for host, _ in uses),
        paths=tuple(dict.fromkeys(key.path for _, key in uses)),
        signers=tuple(dict.fromkeys(name for host, key in uses for name in signers_of(compiled[host], key))),
        idle_on=tuple(host for host, key in uses if line_of(key) in idle[host]),
        place=first.place,
    )


def _chosen(keys: list[DeclaredKey], names: Sequence[str], stack: Stack) -> tuple[DeclaredKey, ...]:
    for pattern in names:
        if not any(_fits(key, pattern) for key in keys):
            known = [name for key in keys for name in (key.name, key.domain)]
            detail = f'Stack "{stack.name}" has no DKIM key "{pattern}".{did_you_mean(pattern, known)}'
            if keys and not did_you_mean(pattern, known):
                detail += f" It has {', '.join(dict.fromkeys(key.name for key in keys[:10]))}."
            raise UsageError.of(NO_SUCH_KEY, detail)
    return tuple(key for key in keys if not names or any(_fits(key, pattern) for pattern in names))


def _fits(key: DeclaredKey, pattern: str) -> bool:
    name = key.name if "/" in pattern else key.domain
    return matches(pattern.lower(), name.lower())


def read_declared(key: DeclaredKey, resolve: Resolve) -> tuple[SigningKey | None, tuple[Diagnostic, ...]]:
    """The key itself with its warnings, or None with the reasons; of one that is not ours, nothing."""
    if not key.is_ours:
        return None, ()
    place = key.place or Place("")
    problems = Diagnostics()
    passphrase = (key.passphrase, place) if key.passphrase else None
    read = read_key((key.reference, place), passphrase, resolve, problems)
    return read, tuple(problems) if read is None else read.warnings


def key_rows(
    stack: Stack, keys: Sequence[DeclaredKey], *, ask: bool = True, resolver: DnsResolver | None = None
) -> tuple[KeyRow, ...]:
    """What each key is. With `ask`, DNS is asked for its record: `resolver`, else those that the stack names."""
    resolve, secrets = resolver_for(stack), Secrets(stack.folder)
    asked = (resolver or live_resolver(stack.dns)) if ask else None
    rows: dict[int, KeyRow] = {}

    def work(number: int) -> None:
        rows[number] = _row(keys[number], resolve, secrets, asked)

    run_all(range(len(keys)), work, parallel=_PARALLEL)
    return tuple(rows[number] for number in range(len(keys)))


def _row(declared: DeclaredKey, resolve: Resolve, secrets: Secrets, resolver: DnsResolver | None) -> KeyRow:
    key, problems = read_declared(declared, resolve)
    dns = None
    if resolver is not None and declared.record_name:
        dns = tuple(dkim_findings(resolver, selector_of(declared, key)))
    return KeyRow(declared=declared, key=key, problems=problems, stored=_stored(declared, secrets), dns=dns)


def _stored(key: DeclaredKey, secrets: Secrets) -> datetime | None:
    if not key.is_ours:
        return None
    with suppress(SecretUnavailable, OSError):
        path = secrets.file_of(require_reference(key.reference))
        return None if path is None else datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return None


def selector_of(declared: DeclaredKey, key: SigningKey | None) -> Selector:
    """What DNS must say of a key."""
    public = PublicKey(key.p, "rsa") if key is not None else None
    return Selector(domain=plain(declared.domain), selector=declared.selector.lower(), public=public)


def record_of(stack: Stack, domain: str, selector: str, text: str, known: Iterable[str] = ()) -> DnsRecord:
    """The TXT record of a selector with this text. `known` are domains that may be zones."""
    name = plain(f"{selector}._domainkey.{domain}")
    zone = zone_of(name, stack.dns.zones, {*map(plain, known), *stack.dns.from_domains, plain(domain)})
    return DnsRecord(zone=zone, name=name, kind="TXT", value=text, purpose="dkim")


def key_records(
    stack: Stack, keys: Sequence[DeclaredKey], *, flags: tuple[str, ...] = (), revoked: bool = False
) -> tuple[tuple[DnsRecord, ...], tuple[Diagnostic, ...]]:
    """The records of keys, and what is wrong with or doubtful about them. One that revokes a key needs no key.

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
        key, told = (None, ()) if revoked else read_declared(declared, resolve)
        problems += told
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
