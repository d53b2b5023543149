"""Several servers' blocks as layers: the stack for all, groups for some, hosts for the rest.

A block is lifted where it means the same on every server of a set, and each block of a server is in one layer
only: nothing is laid over anything, so every server gets exactly what it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pmtaform.adopt.choices import Form
from pmtaform.adopt.document import List, Map, Text, Value
from pmtaform.adopt.keys import KeyEntry
from pmtaform.adopt.server import BlockEntry, Copy, ServerBlocks

_LEAST: Final = 2  # blocks that a group must have, to be worth its name
_MOST: Final = 12  # groups


@dataclass(slots=True)
class Layer:
    """One layer: the stack's own (no name), a group or a host, and its entries."""

    name: str
    hosts: tuple[str, ...]
    entries: list[BlockEntry] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    keys: list[KeyEntry] = field(default_factory=list)
    end: tuple[str, ...] = ()


@dataclass(slots=True)
class Layers:
    """All layers: the stack's own, groups by name, hosts by name. `lost` counts comments that had no home."""

    base: Layer
    groups: dict[str, Layer]
    own: dict[str, Layer]
    lost: int = 0

    def all(self) -> list[Layer]:
        """Every layer, the lowest first."""
        return [self.base, *self.groups.values(), *self.own.values()]

    def references(self) -> set[str]:
        """Every secret reference in the layers."""
        written = [entry.written.item.value for layer in self.all() for entry in layer.entries if entry.written]
        keys = {key.reference for layer in self.all() for key in layer.keys}
        return keys.union(*map(_references, written))

    def groups_of(self, host: str) -> list[str]:
        """The groups that a host is in."""
        return [name for name, layer in self.groups.items() if host in layer.hosts]


def _references(value: Value) -> set[str]:
    if not isinstance(value, Map | List):
        return set()
    secret = value.get("secret") if isinstance(value, Map) else None
    own = {secret.text.replace("$${", "${")} if isinstance(secret, Text) else set()
    return own.union(*(_references(item.value) for item in value.items))


def layers_of(server_blocks: Sequence[ServerBlocks], keys: Mapping[str, Sequence[KeyEntry]]) -> Layers:
    """Lift what servers share."""
    names = tuple(one.server.name for one in server_blocks)
    sharing: dict[object, list[str]] = {}
    for one in server_blocks:
        for identity, _ in _things(one, keys):
            sharing.setdefault(identity, []).append(one.server.name)
    sets = {identity: tuple(hosts) for identity, hosts in sharing.items()}
    layers = Layers(Layer("", names), {}, {name: Layer(name, (name,)) for name in names})
    by_set = {names: layers.base} | _groups(sets, names, layers)
    firsts: dict[tuple[str, object], BlockEntry] = {}
    for one in server_blocks:
        for identity, thing in _things(one, keys):
            layer = by_set.get(sets[identity], layers.own[one.server.name])
            first = firsts.setdefault((layer.name, identity), thing) if isinstance(thing, BlockEntry) else None
            if layer.hosts[0] == one.server.name:
                _put(layer, thing)
            elif first is not None and isinstance(thing, BlockEntry):
                layers.lost += len(thing.remarks - first.remarks)
    layers.base.end = server_blocks[0].end if len(server_blocks) == 1 else ()
    layers.lost += sum(len(one.end) for one in server_blocks) if len(server_blocks) > 1 else 0
    return layers


_Thing = BlockEntry | Copy | KeyEntry


def _things(one: ServerBlocks, keys: Mapping[str, Sequence[KeyEntry]]) -> Iterable[tuple[object, _Thing]]:
    """Every entry of a server, with what makes it the same entry on another."""
    for entry in one.entries:
        if entry.form in (Form.TYPED, Form.TEXT, Form.NATIVE) and (entry.written or entry.text):
            yield entry.identity, entry
    for copy in one.copies:
        yield (copy.path, copy.target, copy.content, copy.times), copy
    for key in keys.get(one.server.name, ()):
        yield key, key


def _put(layer: Layer, thing: _Thing) -> None:
    if isinstance(thing, BlockEntry):
        layer.entries.append(thing)
    elif isinstance(thing, Copy):
        layer.copies.append(thing)
    else:
        layer.keys.append(thing)


def _groups(
    sets: Mapping[object, tuple[str, ...]], names: tuple[str, ...], layers: Layers
) -> dict[tuple[str, ...], Layer]:
    """A group for every set of servers that shares enough."""
    counts: dict[tuple[str, ...], int] = {}
    for hosts in sets.values():
        if 1 < len(hosts) < len(names):
            counts[hosts] = counts.get(hosts, 0) + 1
    worth = [hosts for hosts, count in counts.items() if count >= _LEAST]
    worth.sort(key=lambda hosts: (-counts[hosts] * (len(hosts) - 1), hosts))
    groups = {}
    for hosts in sorted(worth[:_MOST], key=lambda hosts: (-len(hosts), hosts)):
        name = _name(hosts, names, layers.groups)
        groups[hosts] = layers.groups[name] = Layer(name, hosts)
    return groups


def _name(hosts: tuple[str, ...], names: tuple[str, ...], taken: Iterable[str]) -> str:
    """A group's name: the common part of its hosts' names if no other has it, else its members."""
    others = [name for name in names if name not in hosts]
    start = re.sub(r"[^A-Za-z0-9]+$|(?<![A-Za-z0-9])\d+$", "", _beginning(hosts))
    end = _beginning([name[::-1] for name in hosts])[::-1].lstrip("0123456789-._")
    for name in (start, end):
        if len(name) > 1 and name not in taken and name not in names:
            alike = [o for o in others if (o.startswith(name) if name == start else o.endswith(name))]
            if not alike:
                return name
    whole = "-".join(hosts)
    if len(hosts) <= 3 and whole not in taken:
        return whole
    whole = "all-but-" + "-".join(others)
    if len(others) <= 2 and whole not in taken:
        return whole
    return next(name for number in range(1, 10_000) if (name := f"group-{number}") not in taken)


def _beginning(names: Sequence[str]) -> str:
    """The common start of all names."""
    first, last = min(names), max(names)
    same = next((place for place, char in enumerate(first) if char != last[place : place + 1]), len(first))
    return first[:same]
