"""Verify that hosts have the keys of the stack, and that receivers can verify their signatures.

The key file is read from the host as a plan reads it. A test message is signed with it here, and verified with an
independent implementation and the record in DNS. Neither the key nor the message is sent anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from pmtaform.clock import Clock, SystemClock
from pmtaform.diagnostics import Kind
from pmtaform.diagnostics.codes.dns import DKIM_ALL_DOMAINS, DKIM_SIGNATURE, DKIM_TESTING
from pmtaform.diagnostics.codes.key_checks import (
    HOST_FAILED,
    HOST_KEY_DIFFERS,
    HOST_KEY_FORM,
    HOST_KEY_MISSING,
    HOST_KEY_UNREADABLE,
    HOST_UNREACHABLE,
    STACK_KEY_UNKNOWN,
)
from pmtaform.diagnostics.codes.keys import DKIM_UNDECLARED
from pmtaform.diagnostics.registry import table
from pmtaform.dkim.keys import SigningKey, load_private_key, same_private_key
from pmtaform.dkim.sign import sign_message
from pmtaform.dkim.trial import trial_message
from pmtaform.dkim.verification import verify_signature
from pmtaform.dns.check import dkim_findings, same_everywhere
from pmtaform.dns.findings import DnsFinding, DnsLevel, finding, not_asked
from pmtaform.dns.live import live_resolver
from pmtaform.dns.resolver import DnsResolver, plain
from pmtaform.errors import HostError, Invalid
from pmtaform.host import HASH_ONLY, HostSpec, Known, Snapshot, probe
from pmtaform.host_specs import host_spec
from pmtaform.parallel import run_all
from pmtaform.signing.declared import DeclaredKey, read_declared, selector_of
from pmtaform.stack import Stack, compile_host
from pmtaform.stack.resolve import resolver_for

_LOCAL: Final = (DKIM_TESTING,)  # a warning, and no reason to doubt that the record is the key's


class Confirmed(StrEnum):
    """Whether something could be confirmed."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVerification:
    """The verification of one key on one host. `key` and `fingerprint` are those of the key on the host."""

    host: str
    domain: str
    selector: str
    path: str
    key: str = ""
    fingerprint: str = ""
    as_stack: Confirmed = Confirmed.UNKNOWN
    as_dns: Confirmed = Confirmed.UNKNOWN
    verified: Confirmed = Confirmed.UNKNOWN
    findings: tuple[DnsFinding, ...] = ()

    @property
    def name(self) -> str:
        """`example.com/s2026`."""
        return f"{self.domain}/{self.selector}"

    @property
    def is_wrong(self) -> bool:
        """Whether something is wrong."""
        return Confirmed.NO in (self.as_stack, self.as_dns, self.verified) or self._has(DnsLevel.ERROR)

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is known to be wrong, and something could not be checked."""
        return not self.is_wrong and self._has(DnsLevel.UNKNOWN)

    def _has(self, level: DnsLevel) -> bool:
        return any(each.level is level for each in self.findings)


@dataclass(slots=True)
class _Run:
    """The data that all verifications of one run share."""

    stack: Stack
    resolver: DnsResolver
    clock: Clock
    wanted: dict[DeclaredKey, tuple[SigningKey | None, str]] = field(default_factory=dict)


def verify_keys(
    stack: Stack, keys: Sequence[DeclaredKey], *, resolver: DnsResolver | None = None, clock: Clock | None = None
) -> tuple[KeyVerification, ...]:
    """Verify every key on every host that should have it. Nothing is changed anywhere.

    An unreachable host is a finding of its verifications. Raises `Invalid`, and `SecretUnavailable` for a login secret
    that is not available.
    """
    run = _Run(stack, resolver or live_resolver(stack.dns), clock or SystemClock())
    resolve = resolver_for(stack)
    for key in keys:
        read, problems = read_declared(key, resolve)
        run.wanted[key] = read, " ".join(each.detail for each in problems) if read is None else ""
    hosts = list(dict.fromkeys(host for key in keys for host in key.hosts))
    specs = {host: host_spec(stack, stack.hosts[host], resolve) for host in hosts}
    by_host: dict[str, list[KeyVerification]] = {}

    def work(host: str) -> None:
        by_host[host] = _host(run, specs[host], [key for key in keys if host in key.hosts])

    run_all(hosts, work, parallel=stack.rollout.looking)
    return tuple(proof for host in hosts for proof in by_host[host])


def _host(run: _Run, spec: HostSpec, keys: Sequence[DeclaredKey]) -> list[KeyVerification]:
    own = {key.address.key: key.path for key in compile_host(run.stack, spec.name).keys}
    paths = {key: own[key.name] if key.is_ours else key.paths[0] for key in keys}
    try:
        snapshot = _fetch(spec, list(paths.values()))
    except HostError as problem:
        reason = _not_seen(spec, problem)
        return [replace(_unproved(spec, key, paths), findings=(reason,)) for key in keys]
    return [_prove(run, spec, key, paths, snapshot) for key in keys]


def _not_seen(spec: HostSpec, problem: HostError) -> DnsFinding:
    """The finding on a host that was not read: unknown if it is unreachable, else an error."""
    why = " ".join(each.detail or each.summary for each in problem.diagnostics)
    if problem.kind is Kind.HOST_UNREACHABLE:
        return finding(HOST_UNREACHABLE, spec.name, why)
    return finding(HOST_FAILED, spec.name, why)


def _fetch(spec: HostSpec, paths: Sequence[str]) -> Snapshot:
    files = {spec.config: HASH_ONLY, **dict.fromkeys(paths)}  # the configuration is asked for always, and not needed
    session = spec.open()
    try:
        return probe(session, spec, Known(files=files), lambda *_: ())
    finally:
        session.close()


def _unproved(spec: HostSpec, key: DeclaredKey, paths: Mapping[DeclaredKey, str]) -> KeyVerification:
    return KeyVerification(host=spec.name, domain=key.domain, selector=key.selector, path=paths[key])


def _prove(
    run: _Run, spec: HostSpec, key: DeclaredKey, paths: Mapping[DeclaredKey, str], snapshot: Snapshot
) -> KeyVerification:
    proof = _unproved(spec, key, paths)
    subject = f"{spec.name}: {key.name}"
    live_key = _on_host(proof.path, snapshot, subject)
    if isinstance(live_key, DnsFinding):
        return replace(proof, as_stack=Confirmed.NO, findings=(live_key,))
    as_stack, differences = _compared(run, key, live_key, subject, proof.path)
    as_dns, record_findings = _published(run, key, live_key)
    verified, signature_findings = _tried(run, key, live_key, subject)
    return replace(
        proof,
        key=live_key.describe,
        fingerprint=live_key.fingerprint,
        as_stack=as_stack,
        as_dns=as_dns,
        verified=verified,
        findings=tuple(dict.fromkeys((*differences, *record_findings, *signature_findings))),
    )


def _on_host(path: str, snapshot: Snapshot, subject: str) -> SigningKey | DnsFinding:
    """The key in the file on the host, or why there is none."""
    live = snapshot.files.get(path)
    if path in snapshot.unreadable:
        detail = f"{path} is {snapshot.unreadable[path]}."
        return finding(HOST_KEY_UNREADABLE, subject, detail)
    if live is None or live.content is None:
        detail = f"{path} does not exist, so PowerMTA cannot sign with it. See the plan:\n    pmtaform plan"
        return finding(HOST_KEY_MISSING, subject, detail)
    try:
        key = load_private_key(live.content, reference=path)
    except Invalid as problem:
        reason = problem.diagnostics[0]
        return finding(table()[reason.code], subject, reason.detail)
    if not same_private_key(live.content, key.pem.reveal()):
        detail = (
            f"{path} is in a form that PowerMTA may not read. `pmtaform apply` rewrites the key in one that it reads."
        )
        return finding(HOST_KEY_FORM, subject, detail)
    return key


def _compared(
    run: _Run, key: DeclaredKey, live_key: SigningKey, subject: str, path: str
) -> tuple[Confirmed, tuple[DnsFinding, ...]]:
    if not key.is_ours:
        detail = f"A `domain-key` line of the stack names {path}, and `dkim-keys` has no entry for it, so the file "
        detail += "was compared with DNS only."
        return Confirmed.UNKNOWN, (finding(DKIM_UNDECLARED, subject, detail),)
    wanted, why = run.wanted[key]
    if wanted is None:
        return Confirmed.UNKNOWN, (finding(STACK_KEY_UNKNOWN, subject, why),)
    if wanted.public == live_key.public:
        return Confirmed.YES, ()
    detail = f"{path} holds {live_key.describe} {live_key.fingerprint}, and {key.reference} is {wanted.describe} "
    detail += f"{wanted.fingerprint}. `pmtaform plan` shows the difference."
    return Confirmed.NO, (finding(HOST_KEY_DIFFERS, subject, detail),)


def _published(run: _Run, key: DeclaredKey, live_key: SigningKey) -> tuple[Confirmed, tuple[DnsFinding, ...]]:
    """Whether DNS shows the key that the host has."""
    if not key.record_name:
        detail = "The key signs for all domains, and each sender domain needs a record of it. "
        detail += "The stack does not name these domains, so no record was checked."
        return Confirmed.UNKNOWN, (finding(DKIM_ALL_DOMAINS, key.name, detail),)
    findings = list(dkim_findings(run.resolver, selector_of(key, live_key)))
    levels = {each.level for each in findings if each.definition not in _LOCAL}
    findings += same_everywhere(run.resolver, key.record_name, "TXT", authoritative=run.stack.dns.authoritative)
    answer = (
        Confirmed.NO if DnsLevel.ERROR in levels else Confirmed.UNKNOWN if DnsLevel.UNKNOWN in levels else Confirmed.YES
    )
    return answer, tuple(findings)


def _tried(run: _Run, key: DeclaredKey, live_key: SigningKey, subject: str) -> tuple[Confirmed, tuple[DnsFinding, ...]]:
    """Sign a message with the host's key, and verify it with the record in DNS."""
    if not key.record_name:
        return Confirmed.UNKNOWN, ()
    record = run.resolver.ask(key.record_name, "TXT")
    if not record.is_known:
        return Confirmed.UNKNOWN, (not_asked(key.record_name, [record]),)
    if not record.records:
        return Confirmed.UNKNOWN, ()  # the missing record is a finding already
    now = run.clock.now()
    message = sign_message(trial_message(key.domain, now), live_key, key.domain, key.selector)
    verified = verify_signature(message, lambda name: record.records[0] if plain(name) == key.record_name else None)
    if verified.ok:
        return Confirmed.YES, ()
    detail = f"A message signed with the host's key does not verify: {verified.why}. Receivers get the same result."
    return Confirmed.NO, (finding(DKIM_SIGNATURE, subject, detail),)
