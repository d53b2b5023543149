"""The lines of a file that differ, each once: a large file has a few hundred, most of them thousands of times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pmtaform.lang.parsing.plain import LineMeanings
from pmtaform.lang.parsing.quick import BLANK, CLOSE, DIRECTIVE, Meaning
from pmtaform.lang.tree import Directive, Junk, Tree


class PlainLine(NamedTuple):
    """A directive or an opening tag, without its place. `value` is the argument of a tag."""

    scope: str
    name: str
    value: str
    is_section: bool = False


def different_lines(tree: Tree) -> Iterator[PlainLine]:
    """Every directive and opening tag that a file has in some scope. Nodes of a plain file are not made for it."""
    return _of_plain(tree, tree.plain) if isinstance(tree.plain, LineMeanings) else _of_nodes(tree)


def _of_plain(tree: Tree, plain: LineMeanings) -> Iterator[PlainLine]:
    by_scope: dict[str, dict[str, Meaning]] = {tree.scope: {}}
    sections: set[tuple[str, Meaning]] = set()
    scopes = [tree.scope]
    here = by_scope[tree.scope]
    # Runs once per line of a large file. A line is looked up as a text, whose hash Python keeps.
    for raw, meaning in zip(tree.lines, plain.meanings, strict=True):
        kind = meaning[0]
        if kind <= BLANK:
            here[raw] = meaning
            continue
        if kind == CLOSE:
            scopes.pop()
        else:
            sections.add((scopes[-1], meaning))
            scopes.append(meaning[1])
        here = by_scope.setdefault(scopes[-1], {})
    for scope, (_, tag, argument) in sections:
        yield PlainLine(scope, tag, argument, is_section=True)
    for scope, lines in by_scope.items():
        for kind, name, value in lines.values():
            if kind == DIRECTIVE:
                yield PlainLine(scope, name, value)


def _of_nodes(tree: Tree) -> Iterator[PlainLine]:
    seen: set[PlainLine] = set()
    for scope, node in tree.walk():
        if isinstance(node, Junk):
            continue
        if isinstance(node, Directive):
            line = PlainLine(scope, node.name, node.value)
        else:
            line = PlainLine(scope, node.tag, node.argument, is_section=True)
        if line not in seen:
            seen.add(line)
            yield line
