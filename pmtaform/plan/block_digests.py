"""The digest of a block in a state: the keyed digest of its meaning, and 32 digits of that of its lines.

The lines decide first: a host of 100,000 lines has 7,000 blocks, whose meanings take 350 ms to work out and whose lines
25 ms to hash. The meaning is worked out only for a block with other lines, so that another spelling is no change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

from pmtaform.fingerprint import fingerprint
from pmtaform.lang.blocks import Block

if TYPE_CHECKING:
    from hashlib import _Hash

Keyed = Callable[[bytes], str]

_TEXT: Final = 32  # digits of the digest of the lines: enough to tell texts apart
_BELOW: Final = b" below the source that uses it"  # no content ends so
_MOST: Final = 16384  # contents that are remembered: hosts share blocks
_contents: dict[str, str] = {}  # hashes of contents by those of lines; nothing of a block itself


def block_digest(block: Block, keyed: Keyed, known: str | None = None) -> str:
    """The digest of a block. `known` is an earlier one, and is returned where it is of the same lines."""
    lines = _hash_of_lines(block)
    text = _of_text(lines, keyed)
    if known is not None and known.endswith(text):
        return known
    return _of_content(block, lines, keyed) + text


def digest_below(block: Block, keyed: Keyed) -> str:
    """The digest of a pattern list below a source that uses it. No plan takes it for that of a list above."""
    return keyed(hashlib.sha256(block.canonical() + _BELOW).hexdigest().encode())


def is_digest_of(digest: str, block: Block, keyed: Keyed) -> bool:
    """Whether a digest is that of a block, or of one with the same meaning."""
    lines = _hash_of_lines(block)
    return digest.endswith(_of_text(lines, keyed)) or digest[:-_TEXT] == _of_content(block, lines, keyed)


def _of_text(lines: str, keyed: Keyed) -> str:
    return keyed(lines.encode())[:_TEXT]


def _of_content(block: Block, lines: str, keyed: Keyed) -> str:
    content = _contents.get(lines)
    if content is None:
        content = hashlib.sha256(block.canonical()).hexdigest()
        if len(_contents) >= _MOST:
            _contents.clear()
        _contents[lines] = content
    return keyed(content.encode())


def _hash_of_lines(block: Block) -> str:
    """A hash of a block's lines. Another build of pmtaform may read another meaning in them."""
    whole = _start().copy()
    whole.update("\0".join([part.text for part in block.parts]).encode("utf-8", "surrogatepass"))
    return whole.hexdigest()


@cache
def _start() -> _Hash:
    return hashlib.sha256(fingerprint().encode() + b"\0")
