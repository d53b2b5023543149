"""PEM texts: their blocks, and whether a passphrase locks a private key. No key is decoded here."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from typing import Final

_BEGIN: Final = b"-----BEGIN "
_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----.*?-----END \1-----", re.DOTALL)
_PRIVATE_KEY: Final = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----")
_CERTIFICATE: Final = re.compile(rb"-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----")
_LOCKED: Final = re.compile(rb"BEGIN ENCRYPTED PRIVATE KEY|Proc-Type:[ \t]*4,[ \t]*ENCRYPTED")
_OPENSSH: Final = b"BEGIN OPENSSH PRIVATE KEY"
_OPENSSH_HEAD: Final = b"openssh-key-v1\x00"
_NO_CIPHER: Final = b"\x00\x00\x00\x04none"


@dataclass(frozen=True, slots=True)
class PemBlock:
    """One block: its label (`RSA PRIVATE KEY`), and its text with the lines that begin and end it."""

    label: str
    text: bytes = field(repr=False)

    @property
    def is_certificate(self) -> bool:
        """Whether it holds a certificate."""
        return self.label in ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")

    @property
    def is_private_key(self) -> bool:
        """Whether it holds a private key, locked or not."""
        return self.label.endswith("PRIVATE KEY")


def pem_blocks(content: bytes) -> tuple[PemBlock, ...]:
    """The complete blocks of a text, in its order."""
    return tuple(PemBlock(match[1].decode("ascii"), match[0]) for match in _BLOCK.finditer(content))


def is_complete(content: bytes) -> bool:
    """Whether every block that begins also ends, under the label with which it began."""
    return content.count(_BEGIN) == len(pem_blocks(content))


def is_pem(value: bytes) -> bool:
    """Whether a value is a PEM text (a key or a certificate) and not a password."""
    return value.lstrip().startswith(_BEGIN)


def has_private_key(content: bytes) -> bool:
    """Whether a text holds a private key, by the line that begins one."""
    return _PRIVATE_KEY.search(content) is not None


def has_certificate(content: bytes) -> bool:
    """Whether a text holds a certificate, by the line that begins one."""
    return _CERTIFICATE.search(content) is not None


def is_openssh(content: bytes) -> bool:
    """Whether a text holds a private key in OpenSSH's own format."""
    return _OPENSSH in content


def is_locked(content: bytes) -> bool:
    """Whether a passphrase locks the private key in a text."""
    return _LOCKED.search(content) is not None or (is_openssh(content) and _has_cipher(content))


def _has_cipher(content: bytes) -> bool:
    """OpenSSH's format names its cipher after a fixed head, inside of the base64 text."""
    lines = content.partition(_OPENSSH)[2].splitlines()[1:]
    body = b"".join(b"".join(line.split()) for line in lines if not line.lstrip().startswith(b"-----"))
    try:
        head = binascii.a2b_base64(body[:64])
    except binascii.Error:
        return False
    return head.startswith(_OPENSSH_HEAD) and not head.removeprefix(_OPENSSH_HEAD).startswith(_NO_CIPHER)
