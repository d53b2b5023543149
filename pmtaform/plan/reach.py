"""Whether PowerMTA would read a file: a block in a file that is not included has no effect."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.plans import FILE_IN_THE_WAY, FILE_NOT_INCLUDED
from pmtaform.lang.blocks import Address, Block, directives_in
from pmtaform.lang.catalogue import GLOBAL, Impact, catalogue
from pmtaform.lang.edit import FileEdit
from pmtaform.lang.effective.signing import key_line
from pmtaform.lang.includes import Configuration, include_arguments, is_pattern, may_name
from pmtaform.lang.parsing import parse_bytes
from pmtaform.lang.tree import Directive, Tree

_KEY: Final = "domain-key"


def unread_notes(
    host: str, configuration: Configuration, edits: Mapping[str, FileEdit], existing: Collection[str]
) -> Iterator[Diagnostic]:
    """Notes that stop an apply: on new files that would not be read, and on existing ones that would be overwritten."""
    waiting = {path for path, edit in edits.items() if edit.is_new and path != configuration.main}
    if not waiting:
        return
    trees = [
        parse_bytes(edits[path].content, path) if path in edits else tree
        for path, tree in configuration.trees.items()
        if path not in configuration.fragments
    ]
    if configuration.main not in configuration.trees and configuration.main in edits:
        trees.append(parse_bytes(edits[configuration.main].content, configuration.main))
    for path in sorted(waiting & set(existing)):
        yield FILE_IN_THE_WAY.diagnostic(
            f"Blocks would be written to {path}, which exists already, and nothing includes it. Its content would be "
            "lost. Include it first (by hand, or in the stack with a separate apply), or move it away.",
            host=host,
        )
    while trees:
        tree = trees.pop()
        read = {path for path in waiting if _includes(tree, path)}
        waiting -= read
        trees += [parse_bytes(edits[path].content, path) for path in sorted(read)]
    for path in sorted(waiting):
        yield FILE_NOT_INCLUDED.diagnostic(
            f"Blocks would be written to {path}, and nothing includes it, so they would have no effect. Declare the "
            f"include in the stack as well: config: {{include: [{path}]}}, or a pattern that matches it.",
            host=host,
        )


class UsedNames:
    """The files that directives name once the edits are made; collected at the first use."""

    def __init__(self, configuration: Configuration, edits: Mapping[str, FileEdit]) -> None:
        self._configuration = configuration
        self._edits = edits
        self._words: set[str] = set()
        self._patterns: set[str] = set()
        self._keys: set[str] = set()
        self._read = False

    def __contains__(self, path: object) -> bool:
        """Whether `path` is one of the words of a directive, or an include's wildcard can lead to it."""
        self._look()
        return path in self._words or any(may_name(pattern, str(path)) for pattern in self._patterns)

    def as_key(self, path: str) -> bool:
        """Whether a `domain-key` line names the file, with `{selector}` and `{domain}` in its path filled in."""
        self._look()
        return path in self._keys

    def _look(self) -> None:
        if not self._read:
            self._read = True
            for tree in self._trees():
                self._look_through(tree)

    def _trees(self) -> Iterator[Tree]:
        known = self._configuration.trees
        yield from (tree for path, tree in known.items() if path not in self._edits)
        yield from (parse_bytes(edit.content, path) for path, edit in self._edits.items())

    def _look_through(self, tree: Tree) -> None:
        for _, node in tree.walk():
            if isinstance(node, Directive):
                if node.name.lower() == _KEY and (key := key_line(node.value)) is not None:
                    filled = key.path.replace("{selector}", key.selector).replace("{domain}", key.domain)
                    self._keys |= {key.path, filled}
                self._words |= {word.strip('"') for word in re.split(r"[\s,]+", node.value)}
        self._patterns |= {argument for argument, _, _ in include_arguments(tree) if is_pattern(argument)}


def read_at_start(blocks: Mapping[Address, Block]) -> frozenset[str]:
    """The files that sections name which take effect only after a restart (a bounce processor's lists)."""
    known = catalogue()
    paths: set[str] = set()
    for address, block in blocks.items():
        section = known.section(address.kind)
        if section is None or section.impact is not Impact.RESTART:
            continue
        for _, path, directive in directives_in(block):
            spec = known.directive(path[-1].partition("[")[0] if path else address.kind, directive.name)
            if spec is not None and spec.type == "path":
                paths.add(directive.value.strip('"'))
    return frozenset(paths)


def _includes(tree: Tree, path: str) -> bool:
    return any(may_name(argument, path) for argument, scope, _ in include_arguments(tree) if scope == GLOBAL)
