"""Whether a passphrase opens an SSH key. Nothing of the key itself is kept or reported.

`pmtaform.dkim.keys` reads the keys that sign.
"""

from __future__ import annotations

from dataclasses import dataclass

from pmtaform.pem import is_openssh


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a passphrase is of no use for a key, and what to do."""

    why: str
    fix: str


def passphrase_problem(value: bytes, passphrase: bytes) -> Unusable | None:
    """Why `passphrase` does not open the locked private key in `value`, which may be in OpenSSH's own format."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    load = load_ssh_private_key if is_openssh(value) else load_pem_private_key
    try:
        load(value.strip() + b"\n", passphrase)
    except UnsupportedAlgorithm:
        return Unusable("it is of a type that is not known here", "Take an Ed25519 or an RSA key.")
    except (ValueError, TypeError):
        return Unusable("the passphrase does not open it", "Is it the passphrase of this key?")
    return None
