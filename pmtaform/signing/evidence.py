"""The keys in the secret store and the records in DNS for the selectors of rotated keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pmtaform.diagnostics import Place
from pmtaform.dkim.observation import RecordStatus
from pmtaform.errors import PmtaformError
from pmtaform.model.dns import DnsSettings
from pmtaform.model.rotation import SelectorLife
from pmtaform.stack.resolve import Resolve
from pmtaform.stack.rotations import RotatedKey

if TYPE_CHECKING:
    from pmtaform.dns.resolver import DnsResolver


class KeyEvidence:
    """Asks the secret store and DNS once for each selector, however often a plan looks at its hosts."""

    def __init__(self, dns: DnsSettings, resolve: Resolve, resolver: DnsResolver | None) -> None:
        self.resolver = resolver  # None: DNS is not asked
        self._dns, self._resolve = dns, resolve
        self._records: dict[tuple[str, str], RecordStatus] = {}
        self._publics: dict[tuple[str, str], tuple[str, str] | str] = {}

    def public_key(self, key: RotatedKey, life: SelectorLife) -> tuple[str, str] | str:
        """`p=` and `k=` of a selector's key, or why it is not available.

        Once its file is gone, they are those of the history.
        """
        if life.removed is not None or (life.stopped is not None and life.public):
            return (life.public, life.algorithm)
        index = (key.name, life.selector)
        if index not in self._publics:
            self._publics[index] = _public_key(key.reference_of(life.selector), key.place, self._resolve)
        return self._publics[index]

    def record(self, key: RotatedKey, life: SelectorLife, public: tuple[str, str] | str) -> RecordStatus:
        """The record in DNS, compared with the key, or with the history's public key where the key is not available."""
        index = (key.name, life.selector)
        if index not in self._records:
            known = public if isinstance(public, tuple) else (life.public, life.algorithm)
            self._records[index] = self._ask(f"{life.selector}._domainkey.{key.domain}", known)
        return self._records[index]

    def _ask(self, name: str, public: tuple[str, str]) -> RecordStatus:
        from pmtaform.dns.facts import PublicKey

        if self._dns.mode == "off":
            return RecordStatus(why="`dns: {mode: off}` in the stack, so DNS is not asked")
        if self.resolver is None:
            return RecordStatus()
        from pmtaform.dns.published import look_at_record

        known = PublicKey(*public) if public[0] else None
        return look_at_record(self.resolver, name, known, authoritative=self._dns.authoritative)


def _public_key(reference: str, place: Place, resolve: Resolve) -> tuple[str, str] | str:
    from pmtaform.dns.public_key import public_key_of

    try:
        public = public_key_of(resolve(reference, place).reveal())
    except PmtaformError as problem:
        return problem.diagnostics[0].detail
    return (public.key, public.algorithm) if public is not None else f"{reference} holds no key that could sign"
