"""Certificates and their keys."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

CERTIFICATE_MISSING: Final = Definition(
    code="certificate-missing",
    summary="File without a certificate",
    kind=Kind.INVALID,
    explanation=(
        "The file should hold a certificate, and its content has none. Give it PEM with a BEGIN CERTIFICATE line, "
        "or write another kind."
    ),
)
CERTIFICATE_KEYS: Final = Definition(
    code="certificate-keys",
    summary="Several private keys of a certificate",
    kind=Kind.INVALID,
    explanation="More than one private key belongs to the certificate, and PowerMTA can use one only. Leave one.",
)
PRIVATE_KEY_MISSING: Final = Definition(
    code="private-key-missing",
    summary="File without a private key",
    kind=Kind.INVALID,
    explanation=(
        "The file should hold a private key, and its content has none. Give it PEM with a BEGIN PRIVATE KEY line, "
        "or write another kind."
    ),
)
PEM_DAMAGED: Final = Definition(
    code="pem-damaged",
    summary="Damaged PEM file",
    kind=Kind.INVALID,
    explanation=(
        "A PEM block of the file is cut off or changed, and PowerMTA could not read it. Copy the file again, with "
        "every line."
    ),
)
CERTIFICATE_ORDER: Final = Definition(
    code="certificate-order",
    summary="Certificates in the wrong order",
    kind=Kind.INVALID,
    explanation=(
        "The server's own certificate comes first, and then the issuer of each one; clients need not put them in "
        "order. Reorder the file."
    ),
)
CERTIFICATE_KEY: Final = Definition(
    code="certificate-key",
    summary="Certificate and private key do not match",
    kind=Kind.INVALID,
    explanation=(
        "The private key is not that of the certificate, so TLS would fail with every client. Use the key that "
        "the certificate was requested with."
    ),
)
CERTIFICATE_CHAIN: Final = Definition(
    code="certificate-chain",
    summary="Certificate outside the chain",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "A certificate in the file is not the issuer of the one before it. Remove it, or put the missing issuer "
        "between them."
    ),
)
CERTIFICATE_EXPIRED: Final = Definition(
    code="certificate-expired",
    summary="Expired certificate",
    kind=Kind.INVALID,
    explanation=(
        "The validity of the certificate has ended. Clients that verify it reject the connection or send in "
        "clear text. Renew it."
    ),
)
CERTIFICATE_TOO_EARLY: Final = Definition(
    code="certificate-too-early",
    summary="Certificate not valid yet",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The validity of the certificate starts in the future, and clients reject it until then. Check the clock, "
        "or wait with the change."
    ),
)
CERTIFICATE_EXPIRES: Final = Definition(
    code="certificate-expires",
    summary="Certificate expires soon",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation="The validity of the certificate ends within thirty days. Renew it before that.",
)
