"""Blocks that differ only by the name of their host: with `${host}` in its place they are one.

mta1: host-name mta1.example.com    mta2: host-name mta2.example.com   ─▶   host-name: ${host}.example.com
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from pmtaform.adopt.choices import Form
from pmtaform.adopt.document import Item, List, Literal, Map, Text, Value, document
from pmtaform.adopt.exact import nested
from pmtaform.adopt.express import YamlEntry
from pmtaform.adopt.server import BlockEntry, ServerBlocks
from pmtaform.lang.blocks import Address

_SHORTEST = 3  # a name of fewer letters is found where it is not meant


def express_alike(server_blocks: Sequence[ServerBlocks], apart: Collection[Address]) -> None:
    """Put `${host}` for the host's name in blocks that then are the same on all servers, or on all of a set.

    A set counts when its servers share something as it is, too. `apart` are blocks that are left as they are.
    """
    if all(entry.written is None for one in server_blocks for entry in one.entries):
        return  # every block is in a copied file
    sharing: dict[object, list[str]] = {}
    for one in server_blocks:
        for entry in one.entries:
            sharing.setdefault(entry.identity, []).append(one.server.name)
    sets = {tuple(hosts) for hosts in sharing.values()} | {tuple(one.server.name for one in server_blocks)}
    alike: dict[tuple[Address, bytes], list[tuple[str, BlockEntry, YamlEntry]]] = {}
    for one in server_blocks:
        name = one.server.name
        for entry in one.entries:
            if len(sharing[entry.identity]) > 1 or entry.address in apart:
                continue
            if (written := _named(entry, name)) is not None:
                text = document(nested(YamlEntry(written.path, Item(written.item.value)))).encode()
                alike.setdefault((entry.address, text), []).append((name, entry, written))
    for (_, text), members in alike.items():
        if len(members) > 1 and tuple(name for name, _, _ in members) in sets:
            for _, entry, written in members:
                entry.written, entry.alike = written, text


def _named(entry: BlockEntry, host: str) -> YamlEntry | None:
    """The entry with `${host}` for the host's name; None when the name is not in it."""
    written = entry.written
    if written is None or entry.form is not Form.TYPED or len(host) < _SHORTEST or entry.has_secret:
        return None
    name = re.compile(rf"(?<![\w-]){re.escape(host)}(?![\w-])")
    item = _item(written.item, name)
    if item.value == written.item.value:
        return None
    return YamlEntry((*written.path[:-1], name.sub("${host}", written.path[-1])), item, listed=written.listed)


def _item(item: Item, name: re.Pattern[str]) -> Item:
    def put(text: str) -> str:
        return name.sub("${host}", text)

    return Item(_value(item.value, name), put(item.key), tuple(map(put, item.above)), put(item.beside), item.gap)


def _value(value: Value, name: re.Pattern[str]) -> Value:
    if isinstance(value, Text):
        return Text(name.sub("${host}", value.text))
    if isinstance(value, Literal):
        return Literal([name.sub("${host}", line) for line in value.lines])
    items = [_item(item, name) for item in value.items]
    if isinstance(value, Map):
        return Map(items, value.foot, value.open)
    return List(items, value.foot, value.open)
