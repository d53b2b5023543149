"""One side of a change: a configuration that is parsed once for all that look at it at the same time.

It is shared while anyone uses it, and dropped with the last: 50 hosts that all differ would otherwise keep 50 trees.
"""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakValueDictionary

from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.lang.parsing.similar import parse_similar
from pmtaform.lang.tree import Tree

Files = tuple[tuple[str, bytes], ...]
Patterns = tuple[tuple[str, tuple[str, ...]], ...]

_sides: WeakValueDictionary[tuple[str, Files, Patterns], Configuration] = WeakValueDictionary()


def side(
    main: str, files: Mapping[str, bytes], patterns: Mapping[str, tuple[str, ...]], similar: Tree | None = None
) -> Configuration:
    """A configuration: the content of every file by its absolute path, and what each wildcard names.

    `similar` is a tree that the one of the main file may share nodes with.
    """
    key = main, plain(files), named(patterns)
    known = _sides.get(key)
    if known is None:
        tree = parse_similar(similar, files[main], main) if similar is not None and main in files else None
        trees = {main: tree} if tree is not None else None
        known = _sides[key] = read_configuration(main, dict(files), patterns, trees=trees)
    return known


def plain(files: Mapping[str, bytes]) -> Files:
    """Files in an order that does not depend on the host's."""
    return tuple(sorted(files.items()))


def named(patterns: Mapping[str, tuple[str, ...]]) -> Patterns:
    """Patterns in an order that does not depend on the host's."""
    return tuple(sorted(patterns.items()))
