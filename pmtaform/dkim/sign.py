"""Signing a message as PowerMTA does by default: rsa-sha256, relaxed/relaxed (RFC 6376 sections 3.4 and 3.7)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pmtaform.dkim.keys import SigningKey

_SIGNED: Final = ("from", "to", "subject", "date", "message-id")
_NAME: Final = b"DKIM-Signature"
_WIDTH: Final = 70

Header = tuple[bytes, bytes]  # its name and the rest of its field, folds and all


def sign_message(message: bytes, key: SigningKey, domain: str, selector: str, when: datetime | None = None) -> bytes:
    """The message with a DKIM-Signature before it. Its lines end with CRLF, and a line From is in it.

    `domain` and `selector` are `d=` and `s=`; `when` is `t=`, which is left out without it. Raises `ValueError` for a
    message that is none.
    """
    headers, body = parted(message)
    present = {name.lower() for name, _ in headers}
    signed = [name.encode() for name in _SIGNED if name.encode() in present]
    if b"from" not in signed:
        raise ValueError("a message without From cannot be signed")
    stamp = f" t={int(when.timestamp())};" if when is not None else ""
    digest = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode("ascii")
    value = (
        f" v=1; a=rsa-sha256; c=relaxed/relaxed; d={_ascii(domain)}; s={_ascii(selector)};{stamp}\r\n"
        f"\th={':'.join(name.decode('ascii') for name in signed)};\r\n\tbh={digest};\r\n\tb="
    ).encode("ascii")
    signature = base64.b64encode(_signature(key, signing_input(headers, signed, value))).decode("ascii")
    folded = "\r\n\t ".join(signature[at : at + _WIDTH] for at in range(0, len(signature), _WIDTH))
    return _NAME + b":" + value + folded.encode("ascii") + b"\r\n" + message


def parted(message: bytes) -> tuple[list[Header], bytes]:
    """The header fields in their order, and the body. Raises `ValueError`."""
    head, separator, body = message.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError("a message needs an empty line after its header")
    headers: list[Header] = []
    for field in re.split(rb"\r\n(?![ \t])", head):
        name, colon, value = field.partition(b":")
        if not colon:
            raise ValueError("a header line is not a field")
        headers.append((name.strip(), value))
    return headers, body


def relaxed_header(name: bytes, value: bytes) -> bytes:
    """One field in canonical form, without a line end (section 3.4.2)."""
    unfolded = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b""))
    return name.lower() + b":" + unfolded.strip(b" \t")


def relaxed_body(body: bytes) -> bytes:
    """The body in canonical form (section 3.4.4)."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def signing_input(headers: Sequence[Header], signed: Sequence[bytes], value: bytes) -> bytes:
    """What is signed: the chosen fields, of equal ones the last first, and the signature's own with an empty `b=`."""
    left = [(name.lower(), rest) for name, rest in headers]
    chosen: list[bytes] = []
    for name in signed:
        at = max(n for n, (known, _) in enumerate(left) if known == name)
        chosen.append(relaxed_header(*left.pop(at)))
    return b"".join(line + b"\r\n" for line in chosen) + relaxed_header(_NAME, value)


def _signature(key: SigningKey, data: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return key.rsa().sign(data, padding.PKCS1v15(), hashes.SHA256())


def _ascii(name: str) -> str:
    """A domain or a selector as DNS has it."""
    return name if name.isascii() else name.encode("idna").decode("ascii")
