"""From the text of one PowerMTA configuration file to its tree.

`str(parse(text)) == text` for every text. Lines that make no sense become `Junk` with a diagnostic; parsing never
stops.

Facts (docs/powermta/language.md section 1): one directive a line, `#` starts a comment anywhere on a line, a tag has
its own line, no continuation is documented. Published files have continued lists and broken regexes all the same:
they become one node over several lines, and are reported.

`quick.py` has the meanings of plain lines, `parser.py` the loop over the lines, `careful.py` all other lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from pmtaform.diagnostics import Place
from pmtaform.lang.parsing.collector import gc_paused
from pmtaform.lang.parsing.parser import parsed
from pmtaform.lang.tree import Tree, decode

__all__ = ["gc_paused", "parse", "parse_bytes"]


def parse(
    text: str,
    path: str = "",
    *,
    scope: str = "global",
    origins: Sequence[Place | None] | None = None,
) -> Tree:
    """The tree of `text`. Never fails; what is odd is in the tree's `diagnostics`."""
    with gc_paused():
        return parsed(text, path, scope, origins)


def parse_bytes(content: bytes, path: str = "", *, scope: str = "global") -> Tree:
    """The tree of a file's bytes. Many hosts have the same: the last few trees are shared, unless they are large."""
    return (_recent if len(content) <= _SHARED else _tree_of)(content, path, scope)


def _tree_of(content: bytes, path: str, scope: str) -> Tree:
    return parse(decode(content), path, scope=scope)


_SHARED: Final = 2**18  # bytes; such a tree takes 2 MB
_recent = lru_cache(maxsize=8)(_tree_of)
