"""From a private key to its record. Nothing of the private key is kept."""

from __future__ import annotations

import base64

from pmtaform.dns.facts import PublicKey


def public_key_of(private_key: bytes, passphrase: bytes | None = None) -> PublicKey | None:
    """The public key of a PEM file; None when it holds no RSA key that could sign, and no Ed25519 key."""
    from pmtaform.dkim.keys import load_private_key
    from pmtaform.errors import Invalid

    try:
        return PublicKey(load_private_key(private_key, passphrase).p, "rsa")
    except Invalid:
        return _ed25519(private_key, passphrase)


def _ed25519(private_key: bytes, passphrase: bytes | None) -> PublicKey | None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from pmtaform.dkim.pem import decoded, form_of

    try:
        key = decoded(private_key, passphrase if form_of(private_key).encrypted else None)
    except ValueError:
        return None
    if not isinstance(key, Ed25519PrivateKey):
        return None
    return PublicKey(base64.b64encode(key.public_key().public_bytes_raw()).decode(), "ed25519")  # RFC 8463: 32 octets
