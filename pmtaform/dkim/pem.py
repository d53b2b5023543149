"""The form of the key in a PEM file, by its label, and the key itself."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final

from pmtaform.pem import is_locked, pem_blocks

_MOST_IN_A_LINE: Final = 76  # OpenSSL writes 64, and old versions read no more than these


class KeyForm(Enum):
    """The form of a file, by its `-----BEGIN` line."""

    PKCS1 = "RSA PRIVATE KEY"
    PKCS8 = "PRIVATE KEY"
    PKCS1_ENCRYPTED = "RSA PRIVATE KEY, encrypted"
    PKCS8_ENCRYPTED = "ENCRYPTED PRIVATE KEY"
    OPENSSH = "OPENSSH PRIVATE KEY"
    OPENSSH_ENCRYPTED = "OPENSSH PRIVATE KEY, encrypted"
    OTHER_TYPE = "EC or DSA"
    PUBLIC = "a public key or a certificate"
    SEVERAL = "several private keys"
    NONE = "no PEM"

    @property
    def encrypted(self) -> bool:
        """Whether it takes a passphrase to read it."""
        return self in (KeyForm.PKCS1_ENCRYPTED, KeyForm.PKCS8_ENCRYPTED, KeyForm.OPENSSH_ENCRYPTED)

    @property
    def writable(self) -> bool:
        """Whether PowerMTA's OpenSSL reads it as it is."""
        return self in (KeyForm.PKCS1, KeyForm.PKCS8)

    @property
    def opened(self) -> KeyForm:
        """What it is once its passphrase was the right one."""
        return KeyForm.PKCS1 if self is KeyForm.PKCS1_ENCRYPTED else KeyForm.PKCS8 if self.encrypted else self


_FORMS: Final = {
    "RSA PRIVATE KEY": KeyForm.PKCS1,
    "PRIVATE KEY": KeyForm.PKCS8,
    "ENCRYPTED PRIVATE KEY": KeyForm.PKCS8_ENCRYPTED,
    "OPENSSH PRIVATE KEY": KeyForm.OPENSSH,
    "EC PRIVATE KEY": KeyForm.OTHER_TYPE,
    "DSA PRIVATE KEY": KeyForm.OTHER_TYPE,
    "PUBLIC KEY": KeyForm.PUBLIC,
    "RSA PUBLIC KEY": KeyForm.PUBLIC,
    "CERTIFICATE": KeyForm.PUBLIC,
}

_LOCKED: Final = {KeyForm.PKCS1: KeyForm.PKCS1_ENCRYPTED, KeyForm.OPENSSH: KeyForm.OPENSSH_ENCRYPTED}


def form_of(content: bytes) -> KeyForm:
    """The form of a file; `NONE` also when its end is missing."""
    return key_in(content)[0]


def key_in(content: bytes) -> tuple[KeyForm, bytes]:
    """The one private key of a file: its form, and its lines without the text around them.

    Certificates and public keys beside it are passed over. The lines are empty for `PUBLIC`, `SEVERAL` and `NONE`.
    """
    blocks = list(_blocks(content))
    private = [(form, text) for form, text in blocks if form is not KeyForm.PUBLIC]
    if len(private) == 1:
        return private[0]
    if private:
        return KeyForm.SEVERAL, b""
    return (KeyForm.PUBLIC if blocks else KeyForm.NONE), b""


def is_tidy(text: bytes) -> bool:
    """Whether every OpenSSL reads the lines of an unencrypted key: none empty, indented or too long."""
    lines = text.replace(b"\r\n", b"\n").split(b"\n")
    return all(line.strip() == line and b"\r" not in line and 0 < len(line) <= _MOST_IN_A_LINE for line in lines)


def decoded(content: bytes, passphrase: bytes | None) -> object:
    """The key inside, of whatever type. Raises `ValueError` for everything that keeps it from being read."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    form, text = key_in(content)
    if not text:
        raise ValueError("unreadable")
    # The library's own check is slow and reports only "invalid"; `keys._is_sound` checks instead.
    try:
        if form in (KeyForm.OPENSSH, KeyForm.OPENSSH_ENCRYPTED):
            return serialization.load_ssh_private_key(text + b"\n", passphrase)
        return serialization.load_pem_private_key(text + b"\n", passphrase, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise ValueError("unreadable") from problem


def _blocks(content: bytes) -> Iterator[tuple[KeyForm, bytes]]:
    """The keys and certificates of a file, each with its form. Parameters of curves and the like are passed over."""
    for block in pem_blocks(content):
        form = _FORMS.get(block.label)
        if form is not None:
            yield _LOCKED.get(form, form) if is_locked(block.text) else form, block.text
