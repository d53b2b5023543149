"""Includes with unknown contents, and whether two configurations have them in the same place.

The contents of a web address are not read, nor those of a file that is not there. They count where the `include` is,
and order means something to http-access, to keys, to rules: with the include in another place, whether two
configurations are equal is not known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pmtaform.lang.blocks import Content, content_of
from pmtaform.lang.effective.flattening import flattened
from pmtaform.lang.includes import Configuration, include_path, is_pattern, is_url
from pmtaform.lang.tree import Directive, Junk, Node, Section

_INCLUDE: Final = "include"
_LINE: Final = re.compile(r"^[^\S\n]*include.*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class UnseenInclude:
    """One include that was not followed: what it names, the section that it is in, and what is above it there."""

    argument: str
    section: str
    above: tuple[Content, ...]

    @property
    def text(self) -> str:
        """The include in words."""
        return f"include {self.argument}" + (f" in {self.section}" if self.section else "")


def unseen_includes(configuration: Configuration) -> tuple[UnseenInclude, ...]:
    """The includes of a configuration whose contents are not known, in order."""
    if not any(_is_unseen(configuration, text) for text in _include_lines(configuration)):
        return ()
    tree = configuration.tree if len(configuration.trees) == 1 else flattened(configuration)
    return tuple(_in(tree.children, tree.scope, ""))


def _include_lines(configuration: Configuration) -> Iterator[str]:
    """What the include lines of all files name."""
    for tree in configuration.trees.values():
        for match in _LINE.finditer(str(tree)):
            words = match[0].partition("#")[0].split(None, 1)
            if len(words) == 2 and words[0].lower() == _INCLUDE:
                yield include_path(words[1].strip())


def _is_unseen(configuration: Configuration, path: str) -> bool:
    if is_pattern(path) and not is_url(path):
        return path not in configuration.patterns
    return path not in configuration.trees


def _in(nodes: list[Node], scope: str, section: str) -> Iterator[UnseenInclude]:
    above: list[Content] = []
    for node in nodes:
        if isinstance(node, Junk):
            continue
        if isinstance(node, Directive) and node.name.lower() == _INCLUDE:
            yield UnseenInclude(include_path(node.value), section, tuple(above))
        elif isinstance(node, Section):
            title = f"<{node.tag} {node.argument}>" if node.argument else f"<{node.tag}>"
            yield from _in(node.children, node.tag, f"{title} in {section}" if section else title)
        above.append(content_of(node, scope))


def web_addresses(configuration: Configuration) -> tuple[str, ...]:
    """The web addresses that a configuration includes, each once."""
    addresses = dict.fromkeys(path for path in _include_lines(configuration) if is_url(path))
    return tuple(addresses)


def moved_includes(before: Configuration, after: Configuration) -> tuple[UnseenInclude, ...]:
    """The unseen includes that both have and that are not in the same place in both.

    An include that only one of them has is a separate difference; places are counted among those that both have.
    """
    left, right = unseen_includes(before), unseen_includes(after)
    if not left or not right:
        return ()
    common = _contents(before) & _contents(after)
    counts = Counter(_sight(include, common) for include in right)
    named = {(include.argument, include.section) for include in right}
    moved = []
    for include in left:
        sight = _sight(include, common)
        if counts[sight]:
            counts[sight] -= 1
        elif (include.argument, include.section) in named:
            moved.append(include)
    return tuple(moved)


def _sight(include: UnseenInclude, common: set[Content]) -> tuple[str, str, frozenset[tuple[Content, int]]]:
    """An include as compared: what is above it counts, not in which order."""
    above = Counter(content for content in include.above if content in common)
    return include.argument, include.section, frozenset(above.items())


def _contents(configuration: Configuration) -> set[Content]:
    tree = configuration.tree if len(configuration.trees) == 1 else flattened(configuration)
    contents: set[Content] = set()
    pending: list[tuple[list[Node], str]] = [(tree.children, tree.scope)]
    while pending:
        nodes, scope = pending.pop()
        for node in nodes:
            if isinstance(node, Junk):
                continue
            contents.add(content_of(node, scope))
            if isinstance(node, Section):
                pending.append((node.children, node.tag))
    return contents
