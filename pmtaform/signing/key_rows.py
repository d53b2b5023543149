"""The properties of each declared key: type, size, time of storage, and findings on its DNS record."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pmtaform.diagnostics import Diagnostic
from pmtaform.dkim.keys import SigningKey
from pmtaform.dns.check import dkim_findings
from pmtaform.dns.findings import DnsFinding, DnsLevel
from pmtaform.dns.live import live_resolver
from pmtaform.dns.resolver import DnsResolver
from pmtaform.errors import SecretUnavailable
from pmtaform.parallel import run_all
from pmtaform.secrets import Resolver as Secrets
from pmtaform.secrets import require_reference
from pmtaform.signing.declared import DeclaredKey, read_declared, selector_of
from pmtaform.stack import Stack
from pmtaform.stack.emit import Resolve
from pmtaform.stack.resolve import resolver_for

_PARALLEL: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A declared key, the key itself and the check of its record.

    `key` is None for one that cannot be read, for the reasons in `problems`, and for one that is not in `dkim-keys`.

    `stored` is when its file was written, None where that is not known. `dns` are the findings on its record, None
    when DNS was not asked.
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


def key_rows(
    stack: Stack, keys: Sequence[DeclaredKey], *, ask: bool = True, resolver: DnsResolver | None = None
) -> tuple[KeyRow, ...]:
    """Read each key. With `ask`, check its record too: through `resolver`, else through the stack's resolvers."""
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
