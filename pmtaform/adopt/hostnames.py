"""Blocks that differ only by the name of their host: with `${host}` in its place they are one.

mta1: host-name mta1.example.com    mta2: host-name mta2.example.com   ─▶   host-name: ${host}.example.com
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from pmtaform.adopt.choices import Form
from pmtaform.adopt.document import Item, List, Literal, Map, Text, Value, document
from pmtaform.adopt.exact import nested
from pmtaform.adopt.say import Said
from pmtaform.adopt.server import Entry, ServerSays
from pmtaform.adopt.vault import secrets_of
from pmtaform.lang.blocks import Address

_SHORTEST = 3  # a name of fewer letters is found where it is not meant


def say_alike(says: Sequence[ServerSays], apart: Collection[Address]) -> None:
    """Put `${host}` for the host's name in blocks that then are the same on all servers, or on all of a set.

    A set counts when its servers share something as it is, too. `apart` are blocks that are left as they are.
    """
    sharing: dict[object, list[str]] = {}
    for one in says:
        for entry in one.entries:
            sharing.setdefault(entry.identity, []).append(one.server.name)
    sets = {tuple(hosts) for hosts in sharing.values()} | {tuple(one.server.name for one in says)}
    found: dict[tuple[Address, bytes], list[tuple[str, Entry, Said]]] = {}
    for one in says:
        name = one.server.name
        for entry in one.entries:
            if len(sharing[entry.identity]) > 1 or entry.address in apart:
                continue
            if (said := _named(entry, name)) is not None:
                text = document(nested(Said(said.path, Item(said.item.value)))).encode()
                found.setdefault((entry.address, text), []).append((name, entry, said))
    for (_, text), members in found.items():
        if len(members) > 1 and tuple(name for name, _, _ in members) in sets:
            for _, entry, said in members:
                entry.said, entry.alike = said, text


def _named(entry: Entry, host: str) -> Said | None:
    """What is said with `${host}` for the host's name; None when the name is not in it."""
    said = entry.said
    if said is None or entry.form is not Form.TYPED or len(host) < _SHORTEST or secrets_of(entry.block):
        return None
    name = re.compile(rf"(?<![\w-]){re.escape(host)}(?![\w-])")
    item = _item(said.item, name)
    if item.value == said.item.value:
        return None
    return Said((*said.path[:-1], name.sub("${host}", said.path[-1])), item, listed=said.listed)


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
