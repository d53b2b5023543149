"""From a private key to what its record says. Nothing of the private key is kept."""

from __future__ import annotations

import base64

from pmtaform.dns.facts import PublicKey


def public_key_of(private_key: bytes, passphrase: bytes | None = None) -> PublicKey | None:
    """The public key of a PEM file; None when it is no RSA or Ed25519 key that can be read."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    locked = b"ENCRYPTED" in private_key
    try:
        key = serialization.load_pem_private_key(private_key, passphrase if locked else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, Ed25519PrivateKey):  # RFC 8463: the bare 32 octets
        return PublicKey(base64.b64encode(key.public_key().public_bytes_raw()).decode(), "ed25519")
    if isinstance(key, RSAPrivateKey):
        der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return PublicKey(base64.b64encode(der).decode(), "rsa")
    return None
