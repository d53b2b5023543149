"""The DKIM keys that a stack declares, and where each is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pmtaform.diagnostics import Diagnostic, Diagnostics, Place, did_you_mean
from pmtaform.diagnostics.codes.key_commands import NO_SUCH_KEY
from pmtaform.dkim.keys import SigningKey
from pmtaform.dns.facts import PublicKey, Selector
from pmtaform.dns.resolver import plain
from pmtaform.errors import UsageError
from pmtaform.lang.effective.signing import KeyLine
from pmtaform.model.desired import Desired, KeyFile
from pmtaform.model.selection import matches
from pmtaform.signing.key_lines import idle_lines, keys_of, line_of, signers_of
from pmtaform.stack import Stack
from pmtaform.stack.compile import compile_all
from pmtaform.stack.emit import Resolve
from pmtaform.stack.private_keys import read_key


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredKey:
    """A key of a stack: one reference and passphrase under one name. Hosts whose layers name another are another key.

    `reference` is empty for a key that a `domain-key` line of the stack names and `dkim-keys` does not have: its file
    is not managed here, and only hosts know what it holds.

    `signers` are the virtual MTAs, pools and lists that it is given to; empty: all. `idle_on` are the hosts on which
    no mail is signed with it, by the configuration of the stack.
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
            source = (key.reference, key.passphrase or "") if key.reference else ("", key.path)
            index = (key.domain, key.selector, *source)
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
    """The key with its warnings, or None with the reasons. A key that is not in `dkim-keys` has neither."""
    if not key.is_ours:
        return None, ()
    place = key.place or Place("")
    problems = Diagnostics()
    passphrase = (key.passphrase, place) if key.passphrase else None
    read = read_key((key.reference, place), passphrase, resolve, problems)
    return read, tuple(problems) if read is None else read.warnings


def selector_of(declared: DeclaredKey, key: SigningKey | None) -> Selector:
    """The required DNS record of a key."""
    public = PublicKey(key.p, "rsa") if key is not None else None
    return Selector(domain=plain(declared.domain), selector=declared.selector.lower(), public=public)
