"""Pattern lists that are below a source that uses them.

The guide requires only this order of sections: a list comes before the source (3.3.7.39). A list after the source makes
another configuration, although every block is the same.

A stack decides where a list is: in YAML, which has no order, it is above every source; in a native file it is where the
file has it, relative to the sources of that file. Other files are in the order of the host's includes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from pmtaform.lang.blocks import Address, Block, BlockPart
from pmtaform.lang.includes import Configuration
from pmtaform.lang.tree import Directive, Node, Section

_LIST: Final = "pattern-list"
_SOURCE: Final = "source"
_MAX_DEPTH: Final = 16


class LateList(NamedTuple):
    """A list that is below its source. `user` is the first source that needs it above."""

    address: Address
    user: Address
    part: BlockPart


def late_lists(
    configuration: Configuration,
    blocks: Mapping[Address, Block],
    wanted: Mapping[Address, Block] | None = None,
    without: Collection[Address] = (),
    declared: Mapping[Address, Block] | None = None,
) -> dict[Address, LateList]:
    """The lists of a configuration that are below a source that uses them, by address.

    `wanted` are blocks that change in place: the lists that they will use count. `without` are blocks that go. With
    `declared`, the blocks of a stack, only sources count that the stack has below the list. Of a list in several
    sections, the first counts.
    """
    wanted = wanted or {}
    if not any(address.kind == _LIST for address in blocks):
        return {}
    order = {id(node): number for number, (_, node) in enumerate(configuration.top_level())}
    late: dict[Address, LateList] = {}
    for address, part in _sources(blocks, order):
        users = (wanted[address].parts if address in wanted else (part,)) if address not in without else ()
        for used in (Address(_LIST, name) for user in users for name in _names(configuration, user)):
            block = blocks.get(used) if used not in without else None
            if block is None or used in late or order[id(block.parts[0].node)] < order[id(part.node)]:
                continue
            if declared is None or _is_above(configuration, declared, used, address):
                late[used] = LateList(used, address, part)
    return late


def late_groups(configuration: Configuration, blocks: Mapping[Address, Block]) -> tuple[Address, ...]:
    """The lists that are below a source, and all sources that use one of them, in the order of the configuration."""
    late = late_lists(configuration, blocks)
    names = {address.key for address in late}
    users = {
        address
        for address, block in blocks.items()
        if late and address.kind == _SOURCE and any(not names.isdisjoint(_names(configuration, p)) for p in block.parts)
    }
    return tuple(address for address in blocks if address in late or address in users)


def declared_below(blocks: Mapping[Address, Block]) -> frozenset[Address]:
    """The lists that a native file of a stack has below a source that uses them. Includes are not followed."""
    below: set[Address] = set()
    for part in (part for address, block in blocks.items() if address.kind == _SOURCE for part in block.parts):
        for child in part.node.children if isinstance(part.node, Section) else ():
            if isinstance(child, Directive) and child.name.lower() == _LIST:
                used = Address(_LIST, child.value.strip('"'))
                if used in blocks and _is_below(blocks[used].parts[0], part):
                    below.add(used)
    return frozenset(below)


def _is_above(configuration: Configuration, declared: Mapping[Address, Block], used: Address, address: Address) -> bool:
    """Whether a stack has a list above a source."""
    if used not in declared or not (part := declared[used].parts[0]).is_native:
        return used in declared
    users = declared[address].parts if address in declared else ()
    naming = [user for user in users if user.is_native and used.key in _names(configuration, user)]
    return bool(naming) and naming[0].tree.path == part.tree.path and not _is_below(part, naming[0])


def _is_below(part: BlockPart, user: BlockPart) -> bool:
    """Whether a list is below its user in the same native file."""
    here, there = part.place, user.place
    return part.is_native and user.is_native and here.file == there.file and (here.line or 0) > (there.line or 0)


def _sources(blocks: Mapping[Address, Block], order: Mapping[int, int]) -> list[tuple[Address, BlockPart]]:
    """Every source section, the first one first."""
    parts = [(address, part) for address, block in blocks.items() if address.kind == _SOURCE for part in block.parts]
    return sorted(parts, key=lambda pair: order[id(pair[1].node)])


def _names(configuration: Configuration, part: BlockPart) -> Iterator[str]:
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
