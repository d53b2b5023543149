"""What a secret that is a private key is: its type and size, which may be told, and whether it is good enough.

Nothing of the key itself is kept or told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REFUSED_BELOW: Final = 1024  # bits: receivers take no shorter key (RFC 8301, section 3.2)
WARNED_BELOW: Final = 2048  # bits: what RFC 8301 wants signers to use
_BEGIN: Final = b"-----BEGIN "
_OPENSSH: Final = b"BEGIN OPENSSH PRIVATE KEY"
_LOCKED: Final = (b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED", b"Proc-Type:4,ENCRYPTED")


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """Type and size of a private key. `bits` is 0 where the type has only one size."""

    kind: str  # "RSA", "Ed25519", "EC"
    bits: int

    def __str__(self) -> str:
        return f"{self.kind} {self.bits}" if self.bits else self.kind


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a text is no private key that can be used, and what to do."""

    why: str
    fix: str


def is_pem(value: bytes) -> bool:
    """Whether a value is a PEM text (a key or a certificate) and not a password."""
    return value.lstrip().startswith(_BEGIN)


def is_encrypted(value: bytes) -> bool:
    """Whether a value is a private key that a passphrase locks."""
    return is_pem(value) and (any(mark in value for mark in _LOCKED) or _is_locked_openssh(value))


def key_facts(value: bytes, passphrase: bytes | None = None, *, ssh: bool = False) -> KeyFacts | Unusable:
    """Type and size of the private key in `value`, opened with `passphrase` if it is locked.

    `ssh`: OpenSSH's own format will do, too.
    """
    if not is_pem(value):
        return Unusable("it is no PEM text", "A private key begins with a line -----BEGIN … PRIVATE KEY-----.")
    if _OPENSSH in value and not ssh:
        fix = "Make it PEM: ssh-keygen -p -m PEM -f KEY."
        return Unusable("it is in OpenSSH's own format, which PowerMTA does not read", fix)
    locked = is_encrypted(value)
    if locked and passphrase is None:
        return Unusable(
            "it is locked with a passphrase, and none is given", "Unlock it: openssl pkey -in KEY -out NEW."
        )
    try:
        return _facts(value, passphrase if locked else None)
    except (ValueError, TypeError):
        if locked:
            return Unusable("the passphrase does not open it", "Is it the passphrase of this key?")
        return Unusable("it is damaged: it cannot be read as a private key", "Write it again, with every line.")


def strength_problem(facts: KeyFacts) -> str | None:
    """Why PowerMTA should not sign with such a key, or None."""
    if facts.kind != "RSA":
        return f"it is a key of type {facts.kind}, and PowerMTA's guide documents rsa-sha1 and rsa-sha256 only"
    if facts.bits < REFUSED_BELOW:
        return f"it has {facts.bits} bits, and receivers take no signature of a key under {REFUSED_BELOW}"
    return None


def _facts(value: bytes, passphrase: bytes | None) -> KeyFacts | Unusable:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    load = load_ssh_private_key if _OPENSSH in value else load_pem_private_key
    try:
        key = load(value.strip() + b"\n", passphrase)
    except UnsupportedAlgorithm:
        return Unusable("it is of a type that is not known here", "Take an RSA key of 2048 bits.")
    if isinstance(key, rsa.RSAPrivateKey):
        return KeyFacts("RSA", key.key_size)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return KeyFacts("EC", key.curve.key_size)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return KeyFacts("Ed25519", 0)
    return KeyFacts(type(key).__name__.removeprefix("_").removesuffix("PrivateKey"), 0)


def _is_locked_openssh(value: bytes) -> bool:
    """OpenSSH's own format says its cipher after a fixed head, inside of the base64 text."""
    import binascii

    if _OPENSSH not in value:
        return False
    body = b"".join(line for line in value.splitlines() if not line.startswith(b"-----"))
    try:
        head = binascii.a2b_base64(body[:64])
    except binascii.Error:
        return False
    return b"openssh-key-v1\x00" in head and b"\x00\x00\x00\x04none" not in head
