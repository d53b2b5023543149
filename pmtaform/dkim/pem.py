"""The outside of PEM files: what kind of key one says that it holds, before anything is decoded."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

_BEGIN: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")


class Form(Enum):
    """What a file says that it is, by its `-----BEGIN` line."""

    PKCS1 = "RSA PRIVATE KEY"
    PKCS8 = "PRIVATE KEY"
    PKCS1_ENCRYPTED = "RSA PRIVATE KEY, encrypted"
    PKCS8_ENCRYPTED = "ENCRYPTED PRIVATE KEY"
    OPENSSH = "OPENSSH PRIVATE KEY"
    OPENSSH_ENCRYPTED = "OPENSSH PRIVATE KEY, encrypted"
    OTHER_TYPE = "EC or DSA"
    PUBLIC = "a public key or a certificate"
    NONE = "no PEM"

    @property
    def encrypted(self) -> bool:
        """Whether it takes a passphrase to read it."""
        return self in (Form.PKCS1_ENCRYPTED, Form.PKCS8_ENCRYPTED, Form.OPENSSH_ENCRYPTED)

    @property
    def writable(self) -> bool:
        """Whether PowerMTA's OpenSSL reads it as it is."""
        return self in (Form.PKCS1, Form.PKCS8)

    @property
    def opened(self) -> Form:
        """What it is once its passphrase was the right one."""
        return Form.PKCS1 if self is Form.PKCS1_ENCRYPTED else Form.PKCS8 if self.encrypted else self


_LABELS: Final = {
    b"RSA PRIVATE KEY": Form.PKCS1,
    b"PRIVATE KEY": Form.PKCS8,
    b"ENCRYPTED PRIVATE KEY": Form.PKCS8_ENCRYPTED,
    b"OPENSSH PRIVATE KEY": Form.OPENSSH,
    b"EC PRIVATE KEY": Form.OTHER_TYPE,
    b"DSA PRIVATE KEY": Form.OTHER_TYPE,
    b"EC PARAMETERS": Form.OTHER_TYPE,
    b"PUBLIC KEY": Form.PUBLIC,
    b"RSA PUBLIC KEY": Form.PUBLIC,
    b"CERTIFICATE": Form.PUBLIC,
}


def form_of(content: bytes) -> Form:
    """What the first PEM block of a file says that it is; `NONE` also when it has no end."""
    begin = _BEGIN.search(content)
    if begin is None or b"-----END " + begin[1] + b"-----" not in content:
        return Form.NONE
    form = _LABELS.get(begin[1], Form.NONE)
    if form is Form.PKCS1 and b"ENCRYPTED" in content[begin.end() : begin.end() + 200]:
        return Form.PKCS1_ENCRYPTED
    if form is Form.OPENSSH and _is_encrypted_openssh(content[begin.end() :]):
        return Form.OPENSSH_ENCRYPTED
    return form


def _is_encrypted_openssh(body: bytes) -> bool:
    """OpenSSH's own form names its cipher at the start: `openssh-key-v1`, a zero, a length, `none`."""
    import base64
    import binascii

    text = b"".join(body.split(b"-----END", 1)[0].split())
    try:
        head = base64.b64decode(text[:40])
    except binascii.Error:
        return False
    return not head[19:].startswith(b"none")


def decoded(content: bytes, passphrase: bytes | None) -> object:
    """The key inside, of whatever type. Raises `ValueError` for everything that keeps it from being read."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    # Not that the library does not check: it checks too much (see `keys._is_sound`), and says no more than "invalid".
    try:
        if b"-----BEGIN OPENSSH" in content:
            return serialization.load_ssh_private_key(content, passphrase)
        return serialization.load_pem_private_key(content, passphrase, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise ValueError("unreadable") from problem
