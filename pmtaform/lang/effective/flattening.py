"""A configuration as one file: the content of included files replaces the includes.

PowerMTA reads an included file in the place of its `include` line, so two configurations that differ in nothing but
how they are cut into files are the same to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pmtaform.diagnostics import Place
from pmtaform.lang.blocks import Address, Block, collect
from pmtaform.lang.includes import Configuration, include_path, is_pattern
from pmtaform.lang.parsing import parse
from pmtaform.lang.tree import Directive, Node, Section, Tree

_MAX_DEPTH: Final = 16


def flat_blocks(configuration: Configuration) -> dict[Address, Block]:
    """The blocks of a configuration with every include that could be followed replaced by what it names."""
    if len(configuration.trees) == 1:
        return collect(configuration.top_level())
    tree = flattened(configuration)
    return collect((tree, node) for node in tree.children)


def flattened(configuration: Configuration) -> Tree:
    """The configuration as one tree; every line knows the file and line that it came from."""
    writer = _Writer(configuration)
    writer.nodes(configuration.tree, configuration.tree.children, (configuration.main,))
    return parse("".join(writer.lines), configuration.main, origins=writer.origins)


class _Writer:
    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.lines: list[str] = []
        self.origins: list[Place] = []

    def nodes(self, tree: Tree, nodes: Iterable[Node], above: tuple[str, ...]) -> None:
        for node in nodes:
            if isinstance(node, Section):
                self._put(tree, node.line, node.line)
                self.nodes(tree, node.children, above)
                if node.closed:
                    self._put(tree, node.end, node.end)
                else:
                    self._add(f"</{node.tag}>\n", tree.place(node.end))
            elif not (isinstance(node, Directive) and _is_include(node) and self._include(node, above)):
                self._put(tree, node.line, node.end)

    def _include(self, node: Directive, above: tuple[str, ...]) -> bool:
        """Write what an include names; False when not all of it can be followed."""
        trees = self._configuration.trees
        path = include_path(node.value)
        if is_pattern(path) and path not in self._configuration.patterns:
            return False
        targets = self._configuration.targets(node.value)
        if len(above) > _MAX_DEPTH or any(path not in trees or path in above for path in targets):
            return False
        for path in targets:
            self.nodes(trees[path], trees[path].children, (*above, path))
        return True

    def _put(self, tree: Tree, first: int, last: int) -> None:
        for number in range(first, last + 1):
            self._add(tree.lines[number - 1], tree.place(number))

    def _add(self, line: str, place: Place) -> None:
        self.lines.append(line if line.endswith("\n") else line + "\n")
        self.origins.append(place)


def _is_include(node: Directive) -> bool:
    return node.name.lower() == "include"
