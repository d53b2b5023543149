"""The content of layers once their variables are known, and the merge of one layer over another.

A layer's content maps keys to items. A key is (kind, name): `("setting", "postmaster")`, `("domain", "gmail.com")`;
at top level it is the address of a block. `(kind, ALL)` stands for everything of that kind, where it is taken away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from pmtaform.diagnostics import Place
from pmtaform.lang.blocks import SETTING, Block

ALL: Final = "\0all"
Key = tuple[str, str]


class StackLine:
    """One directive. `secret` is the reference whose value follows `value` (which may be empty)."""

    __slots__ = ("name", "place", "secret", "value")

    def __init__(self, name: str, value: str, place: Place, secret: str | None = None) -> None:
        self.name = name
        self.value = value
        self.place = place
        self.secret = secret


class Lines:
    """All lines of one directive in one place."""

    __slots__ = ("lines", "place")

    def __init__(self, place: Place, lines: list[StackLine]) -> None:
        self.place = place
        self.lines = lines


class SectionBody:
    """The inside of a section: its items by key."""

    __slots__ = ("items", "place")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.items: dict[Key, Item] = {}


class SectionText:
    """The inside of a section as native lines, each with its place."""

    __slots__ = ("lines", "place")

    def __init__(self, place: Place, lines: list[tuple[str, Place]]) -> None:
        self.place = place
        self.lines = lines


class SectionItem:
    """A section, or several with the same argument."""

    __slots__ = ("argument", "bodies", "place", "tag")

    def __init__(self, place: Place, tag: str, argument: str, bodies: list[SectionBody | SectionText]) -> None:
        self.place = place
        self.tag = tag
        self.argument = argument
        self.bodies = bodies


class Removed:
    """`null`: the item of lower layers is removed."""

    __slots__ = ("place",)

    def __init__(self, place: Place) -> None:
        self.place = place


class Native:
    """A block of a native file, as it was written there. `target` is the file of the host that it belongs in."""

    __slots__ = ("block", "target")

    def __init__(self, block: Block, target: str | None) -> None:
        self.block = block
        self.target = target

    @property
    def place(self) -> Place:
        """Where it starts."""
        return self.block.place


Item = Lines | SectionItem | Removed | Native


def lay_over(lower: dict[Key, Item], upper: dict[Key, Item]) -> dict[Key, Item]:
    """`lower` with `upper` over it.

    Sections of the same name are merged, directive by directive; every other item replaces the lower one whole, and
    so do native text, rule lists and sections said several times. `Removed` takes away. Neither argument changes.
    """
    result = dict(lower)
    for (kind, name), item in upper.items():
        if isinstance(item, Removed):
            for key in _named(result, kind, name):
                del result[key]
            continue
        known = result.get((kind, name))
        if isinstance(known, SectionItem) and isinstance(item, SectionItem):
            item = _merged(known, item)
        result[kind, name] = item
    return result


def removals(items: dict[Key, Item]) -> Iterator[tuple[Key, Removed]]:
    """Every `null` in a layer's content, nested ones included."""
    for key, item in items.items():
        if isinstance(item, Removed):
            yield key, item
        elif isinstance(item, SectionItem):
            for body in item.bodies:
                if isinstance(body, SectionBody):
                    yield from removals(body.items)


def _named(items: Iterable[Key], kind: str, name: str) -> list[Key]:
    """The keys that `null` under (kind, name) removes. A directive's name may be a kind itself."""
    if name == ALL:
        return [key for key in items if key[0] == kind or key == (SETTING, kind)]
    return [key for key in items if key == (kind, name)]


def _merged(lower: SectionItem, upper: SectionItem) -> SectionItem:
    if len(lower.bodies) != 1 or len(upper.bodies) != 1:
        return upper
    below, above = lower.bodies[0], upper.bodies[0]
    if isinstance(below, SectionText) or isinstance(above, SectionText):
        return upper
    body = SectionBody(above.place)
    body.items = lay_over(below.items, above.items)
    return SectionItem(upper.place, upper.tag, lower.argument, [body])
