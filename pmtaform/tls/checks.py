"""Whether certificates are what a server can show: the right key, the right order, still valid.

The order is that of RFC 8446, section 4.4.2, and RFC 5246, section 7.4.2: the server's own certificate first, then each
one's issuer. Whether PowerMTA puts another order right is not documented, and clients need not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.diagnostics.codes.tls import (
    CERTIFICATE_CHAIN,
    CERTIFICATE_EXPIRED,
    CERTIFICATE_EXPIRES,
    CERTIFICATE_KEY,
    CERTIFICATE_KEYS,
    CERTIFICATE_MISSING,
    CERTIFICATE_ORDER,
    CERTIFICATE_TOO_EARLY,
    PEM_DAMAGED,
    PRIVATE_KEY_MISSING,
)
from pmtaform.tls.content import Certificate, TlsFile

SOON: Final = timedelta(days=30)


def certificate_findings(path: str, pem: TlsFile, key: TlsFile | None = None) -> Iterator[Diagnostic]:
    """What is wrong with a certificate file whatever the time; `key` is the file of its private key, if it has one."""
    yield from _unreadable(path, pem)
    if not pem.certificates:
        if not pem.problems:
            detail = f"{path} must contain a certificate, but its source has none. Give it PEM, with the lines "
            detail += "-----BEGIN CERTIFICATE-----, or write another `kind`."
            yield CERTIFICATE_MISSING.diagnostic(detail)
        return
    keys = [*pem.keys, *(key.keys if key is not None else ())]
    if len(keys) > 1:
        detail = f"{path}: {len(keys)} private keys belong to it, but PowerMTA uses only one. Keep one."
        yield CERTIFICATE_KEYS.diagnostic(detail)
    elif keys and keys[0].public is not None and keys[0].public != pem.certificates[0].public:
        yield _other_key(path, pem.certificates, keys[0].public)
        return
    yield from _order(path, pem.certificates)


def key_findings(path: str, pem: TlsFile) -> Iterator[Diagnostic]:
    """What is wrong with the file of a private key."""
    yield from _unreadable(path, pem)
    if not pem.keys and not pem.problems:
        detail = f"{path} must contain a private key, but its source has none. Give it PEM, with the lines "
        detail += "-----BEGIN … PRIVATE KEY-----, or write another `kind`."
        yield PRIVATE_KEY_MISSING.diagnostic(detail)


def _unreadable(path: str, pem: TlsFile) -> Iterator[Diagnostic]:
    for problem in pem.problems:
        detail = f"{path}: {problem}. PowerMTA would not read it either. Copy the file again, with every line."
        yield PEM_DAMAGED.diagnostic(detail)


def _other_key(path: str, chain: tuple[Certificate, ...], public: bytes) -> Diagnostic:
    own = next((n for n, one in enumerate(chain) if one.public == public), None)
    if own is not None:
        detail = f"{path}: the private key is that of its certificate {own + 1} ({chain[own].name}), and the first is "
        detail += f"{chain[0].name}. The server's own certificate must be first, then its issuers. Move it there."
        return CERTIFICATE_ORDER.diagnostic(detail)
    detail = f"{path}: the private key is not that of {chain[0].name}: TLS would fail with every client. Take the key "
    detail += "that the certificate was asked for with, or the certificate that was made for this key."
    return CERTIFICATE_KEY.diagnostic(detail)


def _order(path: str, chain: tuple[Certificate, ...]) -> Iterator[Diagnostic]:
    for place, one in enumerate(chain):
        issuers = [n for n, other in enumerate(chain) if n != place and other.subject_dn == one.issuer_dn]
        if issuers and place + 1 not in issuers and not one.is_self_signed:
            yield _misplaced(path, chain, place, issuers[0])
            return
    for one, following in pairwise(chain):
        if one.issuer_dn != following.subject_dn:
            yield _stranger(path, one, following)
            return


def _misplaced(path: str, chain: tuple[Certificate, ...], place: int, issuer: int) -> Diagnostic:
    detail = f"{path}: certificate {place + 1} ({chain[place].name}) was issued by certificate {issuer + 1} "
    detail += f"({chain[issuer].name}), which does not follow it. The server's own certificate must be first, "
    detail += "then each one's issuer; clients need not put them in order."
    return CERTIFICATE_ORDER.diagnostic(detail)


def _stranger(path: str, one: Certificate, following: Certificate) -> Diagnostic:
    detail = f"{path}: {following.name} follows {one.name} and is not its issuer. Remove it, or put the issuer "
    detail += f"({one.issuer_dn}) between them."
    return CERTIFICATE_CHAIN.diagnostic(detail)


def expiry_findings(path: str, pem: TlsFile, now: datetime, *, grave: bool = True) -> Iterator[Diagnostic]:
    """Certificates that have expired, are not valid yet, or expire within thirty days.

    `grave`: an expired one is an error; else a warning, as for a bundle of others' certificates.
    """
    worst = Severity.ERROR if grave else Severity.WARNING
    for one in pem.certificates:
        if one.ends <= now:
            detail = f"{path}: {one.name} expired on {_day(one.ends)}. Clients that verify it refuse the connection or "
            detail += "send in clear text. Renew it."
            yield CERTIFICATE_EXPIRED.diagnostic(detail, severity=worst)
        elif one.begins > now:
            detail = (
                f"{path}: {one.name} is valid from {one.begins:%Y-%m-%d %H:%M} UTC on. Until then clients refuse it."
            )
            yield CERTIFICATE_TOO_EARLY.diagnostic(detail)
        elif one.ends - now <= SOON:
            days = (one.ends - now).days
            detail = (
                f"{path}: {one.name} expires on {_day(one.ends)}, in {days} day{'' if days == 1 else 's'}. Renew it."
            )
            yield CERTIFICATE_EXPIRES.diagnostic(detail)


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
