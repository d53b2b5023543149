"""RSA keys for tests, each made once: a name is a key."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

FORMATS = serialization.PrivateFormat


@cache
def private(name: str = "one", bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def pem(
    name: str = "one",
    bits: int = 2048,
    form: FORMATS = FORMATS.PKCS8,
    passphrase: bytes | None = None,
) -> bytes:
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        lock = serialization.BestAvailableEncryption(passphrase)
    return private(name, bits).private_bytes(serialization.Encoding.PEM, form, lock)


def another() -> bytes:
    """A key that nobody has yet; short, because those are made quickly."""
    return rsa.generate_private_key(65537, 1024).private_bytes(
        serialization.Encoding.PEM, FORMATS.PKCS8, serialization.NoEncryption()
    )


def pkcs1(name: str = "one", bits: int = 2048) -> bytes:
    return pem(name, bits, FORMATS.TraditionalOpenSSL)


def other_type(kind: str) -> bytes:
    made = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    form = FORMATS.TraditionalOpenSSL if kind == "ec-traditional" else FORMATS.PKCS8
    return made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
