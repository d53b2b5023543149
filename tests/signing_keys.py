"""RSA keys for tests, each made once: a name is a key."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

FORMATS = serialization.PrivateFormat


def private(name: str = "one", bits: int = 2048) -> rsa.RSAPrivateKey:
    return _made(name, bits)


@cache
def _made(name: str, bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def pem(
    name: str = "one",
    bits: int = 2048,
    form: FORMATS = FORMATS.PKCS8,
    passphrase: bytes | None = None,
) -> bytes:
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        # OpenSSH's way is slow by intent; one round will do here.
        quick = FORMATS.OpenSSH.encryption_builder().kdf_rounds(1).build(passphrase)
        lock = quick if form is FORMATS.OpenSSH else serialization.BestAvailableEncryption(passphrase)
    return private(name, bits).private_bytes(serialization.Encoding.PEM, form, lock)


def another() -> bytes:
    """A key that no one has yet; short, because those are made quickly."""
    return rsa.generate_private_key(65537, 1024).private_bytes(
        serialization.Encoding.PEM, FORMATS.PKCS8, serialization.NoEncryption()
    )


def pkcs1(name: str = "one", bits: int = 2048) -> bytes:
    return pem(name, bits, FORMATS.TraditionalOpenSSL)


def other_type(kind: str) -> bytes:
    made = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    form = FORMATS.TraditionalOpenSSL if kind == "ec-traditional" else FORMATS.PKCS8
    return made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def short() -> bytes:
    """A key of 512 bits, which libraries do not make any more."""
    e, p, q = 65537, _prime(2**255 + 2**254), _prime(2**255 + 2**254 + 2**200)
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    made = numbers.private_key(unsafe_skip_rsa_key_validation=True)
    return made.private_bytes(serialization.Encoding.PEM, FORMATS.PKCS8, serialization.NoEncryption())


def _prime(start: int) -> int:
    """The next that is one, as far as these tests care."""
    return next(n for n in range(start | 1, start + 10_000, 2) if pow(2, n - 1, n) == 1 and n % 65537 != 1)


def public(name: str = "one", bits: int = 2048) -> bytes:
    """The public key in PEM form."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private(name, bits).public_key().public_bytes(serialization.Encoding.PEM, form)
