"""Configurations as addressable blocks.

A block is one global directive (all its lines) or one top-level section (all its occurrences); of directives whose
lines are separate entries (`domain-macro`, `include`), each name is a block. A block's *content* is its meaning in
normal form: equal content means the same to PowerMTA, by the guides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pmtaform.diagnostics import Place
from pmtaform.lang import values
from pmtaform.lang.catalogue import GLOBAL, Catalogue, DirectiveSpec, Impact, catalogue
from pmtaform.lang.includes import Configuration
from pmtaform.lang.parsing import gc_paused
from pmtaform.lang.tree import Directive, Junk, Node, Section, Tree

SETTING: Final = "setting"

Content = tuple[Any, ...]


# Tuples, whose hash and equality need no Python code: a plan of a large host looks up 7,000 blocks a dozen times.


class Address(NamedTuple):
    """A block's name within its host: `domain[gmail.com]`, `setting[postmaster]`, `bounce-category-patterns`."""

    kind: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.kind}[{self.key}]" if self.key else self.kind

    @classmethod
    def parse(cls, text: str) -> Address:
        """The inverse of `str`."""
        kind, bracket, key = text.partition("[")
        return cls(kind, key[:-1] if bracket and key.endswith("]") else key)


class BlockPart(NamedTuple):
    """One line or section of a block, and the tree that it is in."""

    tree: Tree
    node: Directive | Section

    @property
    def place(self) -> Place:
        """Where it was written."""
        return self.tree.place(self.node.line)

    @property
    def is_native(self) -> bool:
        """Whether it was written in PowerMTA's own language, in the file of its tree: not made from YAML."""
        return self.place.file == self.tree.path

    @property
    def text(self) -> str:
        """Its lines as they were written."""
        return self.tree.text_of(self.node)


class Block(NamedTuple):
    """One addressable piece of a configuration. `parts` is never empty."""

    address: Address
    parts: tuple[BlockPart, ...]

    @property
    def place(self) -> Place:
        """Where it starts."""
        return self.parts[0].place

    @property
    def is_section(self) -> bool:
        """Whether it is a section rather than a directive."""
        return isinstance(self.parts[0].node, Section)

    def content(self) -> Content:
        """Its meaning in normal form."""
        first = self.parts[0].node
        spec = catalogue().directive(GLOBAL, first.name) if isinstance(first, Directive) else None
        contents = [content_of(part.node, GLOBAL) for part in self.parts]
        if spec is not None and spec.accumulates and not spec.ordered:
            contents.sort()
        return tuple(contents)

    def same_as(self, other: Block) -> bool:
        """Whether both mean the same to PowerMTA."""
        return (
            _are_shared(self, other)
            or _lines(self) == _lines(other)
            or _shape(self) == _shape(other)
            or self.content() == other.content()
        )

    def canonical(self) -> bytes:
        """The content as bytes, for digests."""
        return repr(self.content()).encode("utf-8", "surrogatepass")


def blocks_of(configuration: Configuration) -> dict[Address, Block]:
    """All blocks of a configuration, in the order in which they start."""
    return collect(configuration.top_level())


def nodes_of(configuration: Configuration) -> dict[Address, list[tuple[Tree, Directive | Section]]]:
    """As `blocks_of`, the nodes alone: to see which blocks differ takes half the time so."""
    known = catalogue()
    nodes: dict[Address, list[tuple[Tree, Directive | Section]]] = {}
    for tree, node in configuration.top_level():
        if not isinstance(node, Junk):
            nodes.setdefault(address_of(node, known), []).append((tree, node))
    return nodes


def collect(nodes: Iterable[tuple[Tree, Node]]) -> dict[Address, Block]:
    """The blocks that top-level nodes make up."""
    known = catalogue()
    parts: dict[Address, list[BlockPart]] = {}
    with gc_paused():
        for tree, node in nodes:
            if not isinstance(node, Junk):
                parts.setdefault(address_of(node, known), []).append(BlockPart(tree, node))
        return {address: Block(address, tuple(same_parts)) for address, same_parts in parts.items()}


def address_of(node: Directive | Section, known: Catalogue | None = None) -> Address:
    """The address of the block that a top-level node belongs to."""
    if isinstance(node, Section):
        return _section_address(node.tag, node.argument)
    known = known or catalogue()
    name = known.canonical(GLOBAL, node.name)
    spec = known.directive(GLOBAL, name)
    if spec is not None and spec.key == "name":
        return Address(name, node.value.split(None, 1)[0] if node.value else "")
    if spec is not None and spec.key == "whole":
        return Address(name, values.normalise(spec, node.value))
    return Address(SETTING, name)


@lru_cache(maxsize=1 << 14)  # the sides of a host are walked half a dozen times, each with the same sections
def _section_address(tag: str, argument: str) -> Address:
    return Address(tag, values.normalise_argument(tag, argument))


def impact_of(address: Address, names: Iterable[tuple[str, str]] = ()) -> Impact:
    """The impact of changing a block. `names` are the (scope, directive) pairs that change; none: the whole block.

    Content of a nested section has at least the impact of the section around it: PowerMTA reads the addresses of a
    bounce processor when it starts, those of an <address-list> at top level at a reload.
    """
    known = catalogue()
    impacts = [Impact.RELOAD]
    section = known.section(address.kind)
    pairs = list(names)
    if section is not None and (not pairs or any(scope != section.tag for scope, _ in pairs)):
        impacts.append(section.impact)
    if section is None and not pairs:
        pairs = [(GLOBAL, address.key if address.kind == SETTING else address.kind)]
    for scope, name in pairs:
        spec = known.directive(scope, name)
        if spec is not None:
            impacts.append(spec.impact)
        elif (inner := known.section(name)) is not None:
            impacts.append(inner.impact)
    return max(impacts)


# -- content -----------------------------------------------------------------------------------------------------------


def content_of(node: Directive | Section, scope: str) -> Content:
    """The meaning of one node in normal form: nested tuples of text, equal where PowerMTA sees no difference."""
    if isinstance(node, Directive):
        return _directive_content(scope, node.name, node.value)
    return _section_content(node)


@lru_cache(maxsize=65536)
def _directive_content(scope: str, name: str, value: str) -> Content:
    known = catalogue()
    spec = known.directive(scope, name)
    if name.startswith("/"):
        return (name, values.normalise(spec, value))
    return (known.canonical(scope, name), values.normalise(spec, value))


def _section_content(section: Section) -> Content:
    tag = section.tag
    argument = values.normalise_argument(tag, section.argument)
    lead = _directive_content("pattern-list", *section.lead) if section.lead else ()
    children = [c for c in section.children if not isinstance(c, Junk)]
    if is_ordered(tag):
        return (tag, argument, lead, tuple(content_of(child, tag) for child in children))
    grouped: dict[Any, list[Content]] = {}
    for child in children:
        content = content_of(child, tag)
        key = ("<", content[0], content[1]) if isinstance(child, Section) else (content[0],)
        grouped.setdefault(key, []).append(content[-1:] if isinstance(child, Directive) else content)
    for key, lines in grouped.items():
        if len(lines) > 1 and not order_matters(tag, key[0]):
            lines.sort()
    return (tag, argument, lead, tuple(sorted((key, tuple(lines)) for key, lines in grouped.items())))


def is_ordered(tag: str) -> bool:
    """Whether a section's lines are rules whose order means something."""
    spec = catalogue().section(tag)
    return spec is not None and spec.ordered


def order_matters(scope: str, name: str) -> bool:
    """Whether the order of a directive's lines within `scope` means something to PowerMTA."""
    spec = catalogue().directive(scope, name)
    return not (spec is not None and spec.accumulates and not spec.ordered)


def _are_shared(one: Block, other: Block) -> bool:
    """Whether both are the same node: trees share a node only where they have the same lines."""
    return len(one.parts) == len(other.parts) == 1 and one.parts[0].node is other.parts[0].node


def _lines(block: Block) -> list[list[str]]:
    return [part.tree.lines[part.node.line - 1 : part.node.end] for part in block.parts]


def _shape(block: Block) -> tuple[Any, ...]:
    """What a block says, word by word, in an order that means the same: much cheaper to make than its content."""
    return tuple(_node_shape(part.node) for part in block.parts)


def _node_shape(node: Node) -> tuple[Any, ...]:
    if isinstance(node, Directive):
        return (node.name, node.value)
    if isinstance(node, Junk):
        return (node.text,)
    children = node.children
    if not is_ordered(node.tag):
        children = sorted(children, key=_Groups(node.tag))
    return (node.tag, node.argument, node.lead, tuple([_node_shape(child) for child in children]))


class _Groups:
    """By what the lines of a section are grouped in its content. The order of groups means nothing."""

    def __init__(self, scope: str) -> None:
        self._scope = scope
        self._canonical = catalogue().canonical

    def __call__(self, node: Node) -> tuple[str, ...]:
        if isinstance(node, Directive):
            return ("", self._canonical(self._scope, node.name))
        if isinstance(node, Section):
            return ("<", node.tag, values.normalise_argument(node.tag, node.argument))
        return ("#",)


# -- reading -----------------------------------------------------------------------------------------------------------


def directives_in(block: Block) -> Iterator[tuple[BlockPart, tuple[str, ...], Directive]]:
    """Every directive of a block with the sections that it is in: (part, path, directive).

    `path` names the nested sections from outside in, as `domain[gmail.com]`; it is empty at the block's own level.
    """
    for part in block.parts:
        if isinstance(part.node, Directive):
            yield part, (), part.node
        else:
            yield from _inner(part, part.node, ())


def _inner(
    part: BlockPart, section: Section, path: tuple[str, ...]
) -> Iterator[tuple[BlockPart, tuple[str, ...], Directive]]:
    for child in section.children:
        if isinstance(child, Directive):
            yield part, path, child
        elif isinstance(child, Section):
            yield from _inner(part, child, (*path, f"{child.tag}[{child.argument}]"))


def spec_of(scope: str, name: str) -> DirectiveSpec | None:
    """The meaning of a directive in a scope."""
    return catalogue().directive(scope, name)
