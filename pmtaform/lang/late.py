"""Pattern lists that are below a source that uses them.

It is the one order of sections that the guide demands: a list comes before the source (3.3.7.39). A list that comes
after is another configuration than one that comes before, though every block is the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from pmtaform.lang.blocks import Address, Block, Part
from pmtaform.lang.includes import Configuration
from pmtaform.lang.tree import Directive, Node, Section

_LIST: Final = "pattern-list"
_SOURCE: Final = "source"
_MAX_DEPTH: Final = 16


class LateList(NamedTuple):
    """A list that is below its source. `user` is the first source that needs it above."""

    address: Address
    user: Address
    part: Part


def late_lists(
    configuration: Configuration,
    blocks: Mapping[Address, Block],
    wanted: Mapping[Address, Block] | None = None,
    without: Collection[Address] = (),
) -> dict[Address, LateList]:
    """The lists of a configuration that are below a source that uses them, by address.

    `wanted` are blocks that change where they are: what they use counts, not what they used. `without` are blocks
    that go. Of a list in several sections, the first counts.
    """
    wanted = wanted or {}
    if not any(address.kind == _LIST for address in blocks):
        return {}
    order = {id(node): number for number, (_, node) in enumerate(configuration.top_level())}
    found: dict[Address, LateList] = {}
    for address, part in _sources(blocks, order):
        users = (wanted[address].parts if address in wanted else (part,)) if address not in without else ()
        for used in (Address(_LIST, name) for user in users for name in _names(configuration, user)):
            block = blocks.get(used) if used not in without else None
            if block is not None and used not in found and order[id(block.parts[0].node)] > order[id(part.node)]:
                found[used] = LateList(used, address, part)
    return found


def _sources(blocks: Mapping[Address, Block], order: Mapping[int, int]) -> list[tuple[Address, Part]]:
    """Every source section, the first one first."""
    parts = [(address, part) for address, block in blocks.items() if address.kind == _SOURCE for part in block.parts]
    return sorted(parts, key=lambda pair: order[id(pair[1].node)])


def _names(configuration: Configuration, part: Part) -> Iterator[str]:
    """The lists that a source uses, includes inside it followed."""
    if isinstance(part.node, Section):
        yield from _named(configuration, part.node.children, (part.tree.path,))


def _named(configuration: Configuration, nodes: list[Node], above: tuple[str, ...]) -> Iterator[str]:
    for node in nodes:
        if not isinstance(node, Directive):
            continue
        name = node.name.lower()
        if name == _LIST:
            yield node.value.strip('"')
        elif name == "include" and len(above) <= _MAX_DEPTH:
            for path in configuration.targets(node.value):
                inner = configuration.trees.get(path)
                if inner is not None and path not in above:
                    yield from _named(configuration, inner.children, (*above, path))
