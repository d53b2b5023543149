"""Comparing private keys by what they are, not by how they are written down."""

from __future__ import annotations


def same_private_key(left: bytes, right: bytes) -> bool:
    """Whether two key files hold the same private key; PKCS#1 and PKCS#8 are two spellings of one key.

    Files that cannot be read as unencrypted PEM keys are the same only byte for byte. Nothing of either key is kept.
    """
    if left == right:
        return True
    first, second = _canonical(left), _canonical(right)
    return first is not None and first == second


def _canonical(content: bytes) -> bytes | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_private_key(content, password=None)
        return key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
