"""Certificates and keys for tests, made in memory: elliptic curves, which cost nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
LONG = timedelta(days=3650)


@dataclass(frozen=True)
class Made:
    """A certificate, its key, and who signed it."""

    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def secret_line(self) -> str:
        """A line of the private key, which nothing may show."""
        return self.key_pem.decode().splitlines()[1]


def made(name: str, by: Made | None = None, *, ends: datetime | None = None, also: tuple[str, ...] = ()) -> Made:
    """A certificate for `name`, signed by `by` or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    last = ends or datetime.now(UTC) + LONG
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(last)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in (name, *also)]), critical=False)
        .sign(by.key if by else key, hashes.SHA256())
    )
    return Made(name, key, certificate)
