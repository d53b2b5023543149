"""The stack's own key, `state/<stack>.key`: what makes digests in state files and plans useless for guessing.

It never goes into Git. Who shares a state shares the key by another way; with another key every digest differs,
which `StateDocument.key_id` tells before anything is compared.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, Self

from pmtaform.diagnostics import Place
from pmtaform.errors import SecretUnavailable
from pmtaform.state.atomic import check_stack_name, create_file, ensure_folder

_BYTES = 32
_FORM = re.compile(rb"[0-9a-f]{64}\n?")
_OPEN_TO_OTHERS = 0o077
Seal = Callable[[str], str]
_GITIGNORE = b"# Keys are secrets; locks and journals belong to one machine.\n*.key\n*.lock\n*.journal\n.*.tmp\n"


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
    def ephemeral(cls) -> Self:
        """A key for this process only: for plans where there is no state folder."""
        return cls(os.urandom(_BYTES))

    @classmethod
    def open(cls, folder: Path, stack: str) -> Self:
        """The key of `stack` in the state folder; made, by exactly one of all who ask at once, if there is none.

        Raises `SecretUnavailable` (code `state-key`) when others may read it or it is no key.
        """
        path = folder / f"{check_stack_name(stack)}.key"
        if not path.exists():
            ensure_folder(folder)
            create_file(folder / ".gitignore", _GITIGNORE)
            create_file(path, os.urandom(_BYTES).hex().encode() + b"\n")
        return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The key in the file `path`. Raises `SecretUnavailable` (code `state-key`)."""
        try:
            content = _read_private(path)
        except OSError as problem:
            _refused(path, f"it cannot be read: {(problem.strerror or '').lower()}.")
        if not _FORM.fullmatch(content):
            _refused(
                path,
                "it is no key (64 hexadecimal digits). Put back the one that was there; or delete it, and a new one is "
                "made: every block then shows as changed once, until the next apply.",
            )
        return cls(bytes.fromhex(content.decode("ascii")))

    def seal_for(self, host: str) -> Seal:
        """What makes of the digest of a file on `host` one that is of no use for guessing: 64 hex digits of both."""
        key = self._derive(f"files of {host}")
        return lambda digest: hmac.digest(key, digest.encode("ascii"), "sha256").hex()

    def digest(self, content: bytes) -> str:
        """The keyed digest of a block's normalised content: HMAC-SHA-256 under `block_key`, 64 hex digits."""
        return hmac.digest(self.block_key, content, "sha256").hex()

    def seal_plan(self, content: bytes) -> str:
        """What proves that the holder of this key wrote a plan: HMAC-SHA-256, 64 hex digits."""
        return hmac.digest(self._derive("plan"), content, "sha256").hex()

    def _derive(self, purpose: str) -> bytes:
        return hmac.new(self.__key, purpose.encode("utf-8", "surrogateescape"), hashlib.sha256).digest()

    def __repr__(self) -> str:
        return f"<stack key {self.id}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a stack's key is not pickled or copied")


def _read_private(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            _refused(path, "it is not a regular file.")
        if found.st_mode & _OPEN_TO_OTHERS:
            mode = f"{stat.S_IMODE(found.st_mode):04o}"
            _refused(
                path,
                f"its mode is {mode}: with it, others can test guesses at the passwords in your configurations "
                f"against the digests in the state. Run: chmod 600 {path}.",
            )
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


def _refused(path: Path, detail: str) -> NoReturn:
    raise SecretUnavailable.of("state-key", "the stack's key cannot be used", detail, place=Place(str(path)))
