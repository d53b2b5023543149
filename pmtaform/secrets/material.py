"""Whether a secret is PEM, and whether a passphrase opens an SSH key. Nothing of the key itself is kept or told.

What a key to sign with has to be is `pmtaform.dkim.keys`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_BEGIN: Final = b"-----BEGIN "
_OPENSSH: Final = b"BEGIN OPENSSH PRIVATE KEY"
_LOCKED: Final = (b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED", b"Proc-Type:4,ENCRYPTED")


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a passphrase is of no use for a key, and what to do."""

    why: str
    fix: str


def is_pem(value: bytes) -> bool:
    """Whether a value is a PEM text (a key or a certificate) and not a password."""
    return value.lstrip().startswith(_BEGIN)


def is_encrypted(value: bytes) -> bool:
    """Whether a value is a private key that a passphrase locks."""
    return is_pem(value) and (any(mark in value for mark in _LOCKED) or _is_locked_openssh(value))


def passphrase_problem(value: bytes, passphrase: bytes) -> Unusable | None:
    """Why `passphrase` does not open the locked private key in `value`, which may be in OpenSSH's own format."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    load = load_ssh_private_key if _OPENSSH in value else load_pem_private_key
    try:
        load(value.strip() + b"\n", passphrase)
    except UnsupportedAlgorithm:
        return Unusable("it is of a type that is not known here", "Take an Ed25519 or an RSA key.")
    except (ValueError, TypeError):
        return Unusable("the passphrase does not open it", "Is it the passphrase of this key?")
    return None


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
