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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pmtaform.host.name_patterns import NamePatterns
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
    """The entries of some files. A `name` is `host`, or `[host]:port` if the port is not 22.

    A line with a hashed name can only be tried, which costs one HMAC for each host. So the key that a server shows is
    looked for among the hashed lines with that key, and all of them are tried only for a host whose key is not known.
    """

    lines: list[tuple[str, str, str]] = field(default_factory=list)  # names, type and key as written
    index: NamePatterns = field(default_factory=lambda: NamePatterns("*?", ""))
    hashed: dict[bytes, list[int]] = field(default_factory=dict)  # the lines with hashed names, by their key
    hashed_types: dict[str, None] = field(default_factory=dict)
    revoked: dict[bytes, list[str]] = field(default_factory=dict)  # the names, by key

    def add(self, names: str, kind: str, key: str) -> None:
        """Add a line. It is read when it is asked for."""
        number = len(self.lines)
        self.lines.append((names, kind, key))
        if "|1|" not in names:
            self.index.add(names.lower().split(","), number)
        elif (blob := _blob(key)) is not None:
            self.hashed.setdefault(blob, []).append(number)
            self.hashed_types[kind] = None

    def revoke(self, names: str, key: str) -> None:
        """Add an `@revoked` line."""
        if (blob := _blob(key)) is not None:
            self.revoked.setdefault(blob, []).append(names)

    def types(self, name: str) -> tuple[str, ...]:
        """The types of key that `name` is known by in lines with plain names."""
        plain = [key.type for key in self._plain(name.lower()) if not self.is_revoked(name, key.blob)]
        return tuple(dict.fromkeys(plain))

    def has(self, name: str, blob: bytes) -> bool:
        """Whether `name` may show this key: it is known, and not revoked."""
        name = name.lower()
        is_known = any(key.blob == blob for key in self._plain(name)) or any(
            _names_match(self.lines[number][0], name) for number in self.hashed.get(blob, ())
        )
        return is_known and not self.is_revoked(name, blob)

    def is_revoked(self, name: str, blob: bytes) -> bool:
        """Whether `name` must never show this key."""
        return any(_names_match(names, name.lower()) for names in self.revoked.get(blob, ()))

    def keys(self, name: str) -> list[HostKey]:
        """All keys that `name` may show. Tries every hashed line, so it is for a host whose key is not known."""
        name = name.lower()
        keys = [*self._plain(name), *self._hidden(name)]
        return [key for key in dict.fromkeys(keys) if not self.is_revoked(name, key.blob)]

    def _plain(self, name: str) -> Iterator[HostKey]:
        for number in self.index.candidates(name):
            names, kind, text = self.lines[number]
            if _names_match(names, name) and (blob := _blob(text)) is not None:
                yield HostKey(kind, blob)

    def _hidden(self, name: str) -> Iterator[HostKey]:
        for blob, numbers in self.hashed.items():
            for number in numbers:
                if _names_match(self.lines[number][0], name):
                    yield HostKey(self.lines[number][1], blob)


def lookup_name(host: str, port: int) -> str:
    """The name under which OpenSSH files a host."""
    return host if port == 22 else f"[{host}]:{port}"


def parse(text: str, into: KnownHosts) -> None:
    """Add the lines of a known_hosts file. Lines that make no sense are omitted, as OpenSSH does."""
    for line in text.splitlines():
        fields = line.split(None, 4)
        if not fields or fields[0].startswith("#"):
            continue
        marker = fields.pop(0) if fields[0].startswith("@") else ""
        if len(fields) < 3:
            continue
        if not marker:
            into.add(*fields[:3])
        elif marker == "@revoked":
            into.revoke(fields[0], fields[2])


def _blob(text: str) -> bytes | None:
    """A key's bytes; None if the text is no key."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _hash_parts(name: str) -> tuple[bytes, bytes] | None:
    try:
        _, _, salt, hashed = name.split("|")
        return base64.b64decode(salt), base64.b64decode(hashed)
    except (ValueError, binascii.Error):
        return None


def _hash_matches(salt: bytes, hashed: bytes, name: str) -> bool:
    return hmac.compare_digest(hmac.digest(salt, name.encode("utf-8"), "sha1"), hashed)


def _names_match(names: str, name: str) -> bool:
    """OpenSSH's rule for the names of a line: some name must match, and no `!` name."""
    if names == name:
        return True
    matched = False
    for wanted in names.split(","):
        negated = wanted.startswith("!")
        if wanted.startswith("|1|"):
            parts = _hash_parts(wanted)
            hit = parts is not None and _hash_matches(*parts, name)
        else:
            # Brackets are part of a name here, not a set of characters.
            hit = fnmatch.fnmatchcase(name, wanted.lower().lstrip("!").replace("[", "[[]"))
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
        name = os.path.expanduser(path)  # noqa: PTH111  (a Path for each file of each host takes longer than the look)
        try:
            status = os.stat(name)  # noqa: PTH116  (for the same reason)
        except OSError:
            continue
        stamps.append((str(name), status.st_mtime_ns, status.st_size))
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
