"""The certificates and private keys of a PEM file. Of a private key only the public half is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pmtaform.pem import is_complete, is_locked, is_openssh, pem_blocks

if TYPE_CHECKING:
    from cryptography import x509

_MOST_SHOWN: Final = 6  # names of one certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One certificate. Times are in UTC; `public` is the DER of its public key."""

    subject: str  # its common name; empty without one
    subject_dn: str
    issuer_dn: str
    names: tuple[str, ...]  # DNS names and addresses that it is for
    begins: datetime
    ends: datetime
    public: bytes

    @property
    def is_self_signed(self) -> bool:
        """Whether it is its own issuer: a root, or one made for oneself."""
        return self.subject_dn == self.issuer_dn

    @property
    def name(self) -> str:
        """The name it is known by: its common name, else the first that it is for."""
        return self.subject or (self.names[0] if self.names else "a certificate without a name")

    def __str__(self) -> str:
        others = [name for name in self.names if name != self.subject]
        shown = ", ".join(others[:_MOST_SHOWN]) + (
            f" and {len(others) - _MOST_SHOWN} more" * (len(others) > _MOST_SHOWN)
        )
        return f"{self.name}{f' (also for {shown})' if others else ''}, expires {self.ends:%Y-%m-%d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateKey:
    """A private key, as far as it may be shown. `public` is None where a passphrase locks it."""

    kind: str  # "RSA 2048", "EC secp256r1", "locked with a passphrase"
    public: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFile:
    """The certificates and keys of a file, in its order. `problems` are what cannot be read, in words."""

    certificates: tuple[Certificate, ...] = ()
    keys: tuple[PrivateKey, ...] = ()
    problems: tuple[str, ...] = ()


# By the digest of the file, whose bytes are not kept: many hosts have one certificate, and a key takes time to read.
_READ: dict[bytes, TlsFile] = {}
_MOST_READ: Final = 1024


def read_tls_file(content: bytes) -> TlsFile:
    """What a file holds. What is neither a certificate nor a private key (parameters, text) is passed over."""
    digest = hashlib.sha256(content).digest()
    file = _READ.get(digest)
    if file is None:
        if len(_READ) >= _MOST_READ:
            _READ.clear()
        file = _READ[digest] = _read(content)
    return file


def _read(content: bytes) -> TlsFile:
    certificates: list[Certificate] = []
    keys: list[PrivateKey] = []
    problems: list[str] = []
    for number, block in enumerate(pem_blocks(content), start=1):
        try:
            if block.is_certificate:
                certificates.append(_certificate(block.text))
            elif block.is_private_key:
                keys.append(_key(block.text))
        except ValueError:
            problems.append(f"its PEM block {number} ({block.label.lower()}) is damaged")
    if not is_complete(content):
        problems.append("a PEM block has no end, or another one than its beginning")
    return TlsFile(certificates=tuple(certificates), keys=tuple(keys), problems=tuple(problems))


def _certificate(pem: bytes) -> Certificate:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        certificate = x509.load_pem_x509_certificate(pem.replace(b"X509 CERTIFICATE", b"CERTIFICATE"))
        public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except UnsupportedAlgorithm as problem:
        raise ValueError("unsupported") from problem
    return Certificate(
        subject=_common_name(certificate.subject),
        subject_dn=certificate.subject.rfc4514_string(),
        issuer_dn=certificate.issuer.rfc4514_string(),
        names=_names(certificate),
        begins=certificate.not_valid_before_utc,
        ends=certificate.not_valid_after_utc,
        public=public,
    )


def _common_name(name: x509.Name) -> str:
    from cryptography.x509.oid import NameOID

    attributes = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else ""


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    names = [str(name) for name in extension.get_values_for_type(x509.DNSName)]
    return (*names, *(str(address) for address in extension.get_values_for_type(x509.IPAddress)))


def _key(pem: bytes) -> PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    if is_locked(pem) and not is_openssh(pem):
        return PrivateKey(kind="locked with a passphrase", public=None)
    try:
        key = load_pem_private_key(pem, None)
    except (TypeError, UnsupportedAlgorithm) as problem:
        raise ValueError("unreadable") from problem
    if isinstance(key, rsa.RSAPrivateKey):
        kind = f"RSA {key.key_size}"
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        kind = f"EC {key.curve.name}"
    else:
        kind = type(key).__name__.lstrip("_").removesuffix("PrivateKey")
    return PrivateKey(kind=kind, public=key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
