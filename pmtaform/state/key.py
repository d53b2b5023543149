"""The stack's own key: what makes digests in states and plans useless for guessing.

It never goes into Git. Who shares a state shares the key by another way; with another key every digest differs,
which `StateDocument.key_id` tells before anything is compared.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, Self

_BYTES = 32
_FORM = re.compile(rb"[0-9a-f]{64}\n?")
Seal = Callable[[str], str]


def new_key_text() -> bytes:
    """A new key, as a file holds it: 64 hexadecimal digits and a line end."""
    return os.urandom(_BYTES).hex().encode("ascii") + b"\n"


class DigestSeal:
    """Seals digests in hex. It can be pickled for a worker process, and does not show its key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, digest: str) -> str:
        """The keyed digest of a digest."""
        return hmac.digest(self._key, digest.encode("ascii"), "sha256").hex()


class ContentSeal:
    """Seals contents. It can be pickled for a worker process, and does not show its key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, content: bytes) -> str:
        """The keyed digest of a content."""
        return hmac.digest(self._key, content, "sha256").hex()


@dataclass(frozen=True, slots=True)
class HostKeys:
    """What makes of the files (`seal`) and blocks (`keyed`) of one host digests as states and plans have them."""

    seal: Seal = field(repr=False)
    keyed: Callable[[bytes], str] = field(repr=False)


class StackKey:
    """A key of 32 bytes, from which a key for each purpose is derived. It cannot be printed or pickled."""

    __slots__ = ("__key", "block_key", "id")

    def __init__(self, key: bytes) -> None:
        if len(key) != _BYTES:
            raise ValueError("a stack's key has 32 bytes")
        self.__key = key
        self.block_key = self._derive("block")
        self.id = self._derive("id").hex()[:16]

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """The key in `text`, as `new_key_text` writes it. Raises `ValueError`, without repeating it."""
        if not _FORM.fullmatch(text):
            raise ValueError("a stack's key has 64 hexadecimal digits")
        return cls(bytes.fromhex(text.decode("ascii")))

    @classmethod
    def ephemeral(cls) -> Self:
        """A key for this process only: for plans where there is no state folder."""
        return cls(os.urandom(_BYTES))

    def seal_for(self, host: str) -> Seal:
        """What makes of the digest of a file on `host` one that is of no use for guessing: 64 hex digits of both."""
        return DigestSeal(self._derive(f"files of {host}"))

    def inputs_for(self, host: str) -> Seal:
        """What makes of the digest of the inputs of `host` one that is of no use for guessing: 64 hex digits of both.

        Under another key than `seal_for`: a file of a stack is often a file of the host, too.
        """
        return DigestSeal(self._derive(f"inputs of {host}"))

    def host_keys(self, host: str) -> HostKeys:
        """What a worker needs to compare one host: keys that are derived, and of no use for another stack."""
        return HostKeys(self.seal_for(host), ContentSeal(self.block_key))

    def digest(self, content: bytes) -> str:
        """The keyed digest of a hash of a block: HMAC-SHA-256 under `block_key`, 64 hex digits."""
        return hmac.digest(self.block_key, content, "sha256").hex()

    def seal_plan(self, content: bytes) -> str:
        """What proves that the holder of this key wrote a plan: HMAC-SHA-256, 64 hex digits."""
        return hmac.digest(self._derive("plan"), content, "sha256").hex()

    def derived_for(self, host: str) -> dict[str, str]:
        """The derived keys that a plan of one host needs, in hex. No other key can be made from them."""
        purposes = ("block", "id", f"files of {host}", f"inputs of {host}")
        return {purpose: self._derive(purpose).hex() for purpose in purposes}

    def _derive(self, purpose: str) -> bytes:
        return hmac.new(self.__key, purpose.encode("utf-8", "surrogateescape"), hashlib.sha256).digest()

    def __repr__(self) -> str:
        return f"<stack key {self.id}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a stack's key is not pickled or copied")


class DerivedKey(StackKey):
    """The keys that were derived from a stack's key for one host (`derived_for`). It seals no plans."""

    __slots__ = ("__derived",)

    def __init__(self, derived: Mapping[str, str]) -> None:
        self.__derived = {purpose: bytes.fromhex(key) for purpose, key in derived.items()}
        self.block_key = self._derive("block")
        self.id = self._derive("id").hex()[:16]

    def _derive(self, purpose: str) -> bytes:
        if purpose not in self.__derived:
            raise ValueError(f"no key was derived for: {purpose}")
        return self.__derived[purpose]
