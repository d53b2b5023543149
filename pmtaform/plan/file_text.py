"""The parts of a file that a plan may show: its kind, and its lines if they are not secret."""

from __future__ import annotations

import re
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.values.show import SENSITIVE, sounds_secret
from pmtaform.model.desired import FileRole
from pmtaform.pem import has_private_key
from pmtaform.tls.content import TlsFile, read_tls_file

_WORD: Final = re.compile(r"[A-Za-z][\w-]*")
_MOST: Final = 2000  # lines of one file
_LINES: Final = frozenset({FileRole.FRAGMENT, FileRole.TEXT})


def is_shown(role: FileRole, content: bytes) -> bool:
    """Whether the lines of a file are useful to people, and hold no key."""
    return role in _LINES and not has_private_key(content) and content.count(b"\n") <= _MOST


def lines_of(content: bytes) -> tuple[str, ...]:
    """The lines of a file as they may be shown. A line with a word for a secret is masked after it."""
    text = content.decode("utf-8", "surrogateescape")
    return tuple(_line(line) for line in text.splitlines())


def _line(line: str) -> str:
    for word in _WORD.finditer(line):
        name = word[0].lower()
        if any(spec.sensitive for spec in catalogue().anywhere(name)) or sounds_secret(name):
            return values.shown(line[: word.end()]) + f" {SENSITIVE}" * bool(line[word.end() :].strip())
    return values.shown(line.replace("\t", "    "))


def described(role: FileRole, content: bytes) -> dict[str, tuple[str, ...]]:
    """The kind of a file: its certificates, its key. Empty where only its digest is known."""
    if role not in {FileRole.CERTIFICATE, FileRole.CA, FileRole.PRIVATE_KEY} and not has_private_key(content):
        return {}
    pem = read_tls_file(content)
    keys = tuple(f"{key.kind}{_mark(key.public)}" for key in pem.keys)
    return {"certificate": _certificates(role, pem), "private-key": keys}


def _certificates(role: FileRole, pem: TlsFile) -> tuple[str, ...]:
    certificates = pem.certificates
    if role is FileRole.CA:
        return tuple(str(certificate) for certificate in certificates)
    issuers = [certificate.name for certificate in certificates[1:]]
    return tuple(
        str(certificate) + (f"; with {', '.join(issuers)}" if issuers else "") for certificate in certificates[:1]
    )


def _mark(public: bytes | None) -> str:
    """The mark that distinguishes keys: a digest of the public half, which every client sees."""
    import hashlib

    return f", public key {hashlib.sha256(public).hexdigest()[:12]}" if public is not None else ""
