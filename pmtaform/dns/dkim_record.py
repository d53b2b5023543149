"""DKIM key records (RFC 6376, section 3.6.1; RFC 8463): read, compared with the key that signs, and written. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pmtaform.diagnostics import Definition
from pmtaform.diagnostics.codes.dns import (
    DKIM_ALGORITHM,
    DKIM_HASH,
    DKIM_KEY,
    DKIM_REVOKED,
    DKIM_SERVICE,
    DKIM_TESTING,
    DKIM_UNREADABLE,
)
from pmtaform.dns.tags import TagError, tags_of

STRING: Final = 255  # octets in one string of a TXT record


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimRecord:
    """A key record. `key` is base64 without blanks; empty means revoked."""

    key: str
    algorithm: str = "rsa"
    hashes: tuple[str, ...] = ()  # none: all
    services: tuple[str, ...] = ("*",)
    flags: tuple[str, ...] = ()

    @property
    def is_revoked(self) -> bool:
        """Whether the domain revoked the key."""
        return not self.key


def parse_dkim(text: str) -> DkimRecord:
    """The record in the joined strings of a TXT record. Raises `TagError`."""
    tags = tags_of(text)
    if "v" in tags and (tags["v"] != "DKIM1" or next(iter(tags)) != "v"):
        raise TagError("v is not DKIM1, or is not first")
    if "p" not in tags:
        raise TagError("p, the public key, is missing")
    key = re.sub(r"\s", "", tags["p"])
    if not re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", key):
        raise TagError("p is not base64")
    return DkimRecord(
        key=key,
        algorithm=tags.get("k", "rsa").lower(),
        hashes=_list(tags, "h", ""),
        services=_list(tags, "s", "*"),
        flags=_list(tags, "t", ""),
    )


def _list(tags: Mapping[str, str], name: str, default: str) -> tuple[str, ...]:
    return tuple(word.strip().lower() for word in tags.get(name, default).split(":") if word.strip())


def dkim_problems(text: str, expected: str, algorithm: str = "rsa") -> tuple[tuple[Definition, str], ...]:
    """What is wrong with a record for a key whose `p=` should be `expected`, each with its detail. None: nothing."""
    try:
        record = parse_dkim(text)
    except TagError as problem:
        return ((DKIM_UNREADABLE, f"The record cannot be read: {problem}."),)
    if record.is_revoked:
        return ((DKIM_REVOKED, "Its p= is empty: the key is revoked, and signatures with it fail."),)
    differences: list[tuple[Definition, str]] = []
    if record.algorithm != algorithm:
        differences.append((DKIM_ALGORITHM, f"It has k={record.algorithm}, and the key that signs is {algorithm}."))
    if record.key.rstrip("=") != re.sub(r"\s", "", expected).rstrip("="):
        differences.append((DKIM_KEY, "Its public key is not that of the private key that signs: signatures fail."))
    if record.hashes and "sha256" not in record.hashes:
        differences.append((DKIM_HASH, "Its h= does not allow sha256, which signatures use."))
    if not {"*", "email"} & set(record.services):
        differences.append((DKIM_SERVICE, "Its s= does not allow email."))
    if "y" in record.flags:
        differences.append((DKIM_TESTING, "It has t=y: receivers treat the domain as testing DKIM."))
    return tuple(differences)


def dkim_text(key: str, algorithm: str = "rsa", *, flags: tuple[str, ...] = ()) -> str:
    """The text of the record for a public key in base64; without a key, that of one that is revoked.

    `flags` are those of `t=`: `y` for a domain that tests DKIM, `s` for one whose subdomains may not sign with it.
    """
    marked = f" t={':'.join(flags)};" if flags else ""
    return f"v=DKIM1; k={algorithm};{marked} p={key}"


def chunked(text: str) -> tuple[str, ...]:
    """The strings of a TXT record: at most 255 octets each, at least one."""
    data = text.encode()
    pieces = [data[n : n + STRING] for n in range(0, len(data), STRING)] or [b""]
    return tuple(piece.decode("utf-8", "surrogateescape") for piece in pieces)
