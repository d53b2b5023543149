"""OpenSSH's known_hosts, read once per process and never written.

paramiko's own reader is quadratic, is run per connection, and refuses a whole file for one `@cert-authority` line.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pmtaform.reading import read_regular


@dataclass(frozen=True, slots=True)
class HostKey:
    """One public key of a host: its type as written, and its bytes."""

    type: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -lf` shows it: `SHA256:…`."""
        return fingerprint(self.blob)


def fingerprint(blob: bytes) -> str:
    """The fingerprint of a public key's bytes."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


@dataclass(slots=True)
class KnownHosts:
    """The entries of some files."""

    exact: dict[str, list[HostKey]] = field(default_factory=dict)
    hashed: list[tuple[bytes, bytes, HostKey]] = field(default_factory=list)
    patterns: list[tuple[list[str], HostKey]] = field(default_factory=list)
    revoked: list[tuple[list[str], HostKey]] = field(default_factory=list)

    def keys(self, name: str) -> list[HostKey]:
        """The keys that `name` (`host`, or `[host]:port` if the port is not 22) may show, without revoked ones."""
        name = name.lower()
        candidates = list(self.exact.get(name, ()))
        candidates += [key for salt, hashed, key in self.hashed if _hash_matches(salt, hashed, name)]
        candidates += [key for names, key in self.patterns if _names_match(names, name)]
        bad = self.revoked_keys(name)
        return [key for key in dict.fromkeys(candidates) if key.blob not in bad]

    def revoked_keys(self, name: str) -> frozenset[bytes]:
        """The bytes of keys that `name` must never show."""
        return frozenset(key.blob for names, key in self.revoked if _names_match(names, name.lower()))


def lookup_name(host: str, port: int) -> str:
    """The name under which OpenSSH files a host."""
    return host if port == 22 else f"[{host}]:{port}"


def parse(text: str, into: KnownHosts) -> None:
    """Add the lines of a known_hosts file. Lines that make no sense are left out, as OpenSSH does."""
    for line in text.splitlines():
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        marker = fields.pop(0) if fields[0].startswith("@") else ""
        if marker not in {"", "@revoked"} or len(fields) < 3:
            continue
        try:
            key = HostKey(fields[1], base64.b64decode(fields[2], validate=True))
        except (binascii.Error, ValueError):
            continue
        names = fields[0].lower().split(",") if not fields[0].startswith("|") else [fields[0]]
        if marker:
            into.revoked.append((names, key))
        else:
            _file(names, key, into)


def _file(names: list[str], key: HostKey, into: KnownHosts) -> None:
    if any(c in name for name in names for c in "*?!"):
        into.patterns.append((names, key))
        return
    for name in names:
        if name.startswith("|1|"):
            parts = _hash_parts(name)
            if parts:
                into.hashed.append((*parts, key))
        else:
            into.exact.setdefault(name, []).append(key)


def _hash_parts(name: str) -> tuple[bytes, bytes] | None:
    try:
        _, _, salt, hashed = name.split("|")
        return base64.b64decode(salt), base64.b64decode(hashed)
    except (ValueError, binascii.Error):
        return None


def _hash_matches(salt: bytes, hashed: bytes, name: str) -> bool:
    return hmac.compare_digest(hmac.new(salt, name.encode("utf-8"), hashlib.sha1).digest(), hashed)


def _names_match(names: list[str], name: str) -> bool:
    """OpenSSH's rule: some name must match, and no `!` name."""
    matched = False
    for wanted in names:
        negated = wanted.startswith("!")
        if wanted.startswith("|1|"):
            parts = _hash_parts(wanted)
            hit = parts is not None and _hash_matches(*parts, name)
        else:
            # Brackets are part of a name here, not a set of characters.
            hit = fnmatch.fnmatchcase(name, wanted.lstrip("!").replace("[", "[[]"))
        if hit and negated:
            return False
        matched = matched or hit
    return matched


_cache: dict[tuple[tuple[str, int, int], ...], KnownHosts] = {}
_lock = threading.Lock()


def load(paths: Iterable[str | os.PathLike[str]]) -> KnownHosts:
    """The entries of `paths`, parsed once; files that are not there or cannot be read count as empty."""
    stamps: list[tuple[str, int, int]] = []
    for path in paths:
        try:
            status = Path(path).expanduser().stat()
        except OSError:
            continue
        stamps.append((str(Path(path).expanduser()), status.st_mtime_ns, status.st_size))
    with _lock:
        known = _cache.get(tuple(stamps))
        if known is None:
            known = KnownHosts()
            for name, _, _ in stamps:
                try:
                    parse(read_regular(Path(name)).decode("utf-8", "replace"), known)
                except OSError:
                    continue
            _cache[tuple(stamps)] = known
        return known
