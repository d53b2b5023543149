"""A stack's YAML as a tree, and how it is written: two blanks a level, short things on one line, comments kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pmtaform.adopt import scalars

WIDTH: Final = 108
_FEW: Final = 3
_PHRASE: Final = 25
_FLOW_VALUES: Final = 4  # a mapping with more values than that has a line for each


@dataclass(slots=True)
class Text:
    """One value. Variables in it are variables: a literal `${` is written `$${`."""

    text: str


@dataclass(slots=True)
class Literal:
    """A text block (`|`)."""

    lines: list[str]


@dataclass(slots=True)
class Item:
    """An entry of a list or, with `key`, of a mapping. `above` and `beside` are comments, each from its `#` on.

    An empty text in `above` is a blank line.
    """

    value: Value
    key: str = ""
    above: tuple[str, ...] = ()
    beside: str = ""
    gap: bool = False  # a blank line before it


@dataclass(slots=True)
class List:
    """A list. `open`: always a line for each entry. `foot`: comments after its last entry."""

    items: list[Item] = field(default_factory=list)
    foot: tuple[str, ...] = ()
    open: bool = False


@dataclass(slots=True)
class Map:
    """A mapping. `open`: always a line for each entry. `foot`: comments after its last entry."""

    items: list[Item] = field(default_factory=list)
    foot: tuple[str, ...] = ()
    open: bool = False

    def get(self, key: str) -> Value | None:
        """The value of `key`, or None."""
        return next((item.value for item in self.items if item.key == key), None)

    def put(self, key: str, value: Value) -> Map:
        """Add an entry; returns the mapping itself."""
        self.items.append(Item(value, key))
        return self


Value = Text | Literal | List | Map


def escaped(text: str) -> str:
    """A text of PowerMTA's as a stack has it: `${` is no variable there."""
    return text.replace("${", "$${")


def texts(*values: str) -> List:
    """A list of values."""
    return List([Item(Text(value)) for value in values])


def document(root: Map) -> str:
    """The whole file. Raises `scalars.UnwritableError`."""
    return "\n".join(_map_lines(root, "")) + "\n"


# -- on one line -------------------------------------------------------------------------------------------------------


def flow(value: Value) -> str:
    """The value on one line."""
    if isinstance(value, Text):
        return scalars.scalar(value.text, flow=True)
    if isinstance(value, List):
        return "[" + ", ".join(flow(item.value) for item in value.items) + "]"
    if isinstance(value, Map):
        return "{" + ", ".join(f"{scalars.scalar(i.key, flow=True)}: {flow(i.value)}" for i in value.items) + "}"
    raise TypeError("a text block has no form on one line")


def _count(value: Value) -> int:
    """How many values there are inside; many when it cannot be on one line."""
    if isinstance(value, Text):
        return 1
    if isinstance(value, Literal) or value.foot or (value.open and value.items):
        return 1000
    if any(item.above or item.beside or item.gap for item in value.items):
        return 1000
    if isinstance(value, List):
        return 1 if _is_words(value) else 1000
    if len(value.items) > 1 and any(isinstance(item.value, Map) for item in value.items):
        return 1000  # what is nested reads better below its name
    return sum(_count(item.value) for item in value.items)


def _is_words(node: List) -> bool:
    """Whether a list reads well on one line: of single words, or of a few short phrases."""
    written = [item.value.text for item in node.items if isinstance(item.value, Text)]
    if len(written) < len(node.items):
        return False
    return all(" " not in text for text in written) or (
        len(written) <= _FEW and all(len(t) <= _PHRASE for t in written)
    )


def _is_short(value: Value, room: int) -> bool:
    return _count(value) <= _FLOW_VALUES and len(flow(value)) <= room


# -- over several lines ------------------------------------------------------------------------------------------------


def _map_lines(node: Map, indent: str) -> Iterator[str]:
    for number, item in enumerate(node.items):
        if item.gap and number:
            yield ""
        yield from _comments(item.above, indent)
        yield from _value_lines(f"{indent}{scalars.scalar(item.key)}:", item, indent)
    yield from _comments(node.foot, indent)


def _list_lines(node: List, indent: str) -> Iterator[str]:
    for item in node.items:
        yield from _comments(item.above, indent)
        value = item.value
        if isinstance(value, Text | Literal) or _is_short(value, WIDTH - len(indent)) or item.beside:
            yield from _value_lines(f"{indent}-", item, indent)
            continue
        inner = indent + "  "
        first = True
        for line in _map_lines(value, inner) if isinstance(value, Map) else _list_lines(value, inner):
            yield f"{indent}- {line[len(inner) :]}" if first else line
            first = False
    yield from _comments(node.foot, indent)


def _comments(lines: tuple[str, ...], indent: str) -> Iterator[str]:
    for line in lines:
        yield f"{indent}{scalars.comment(line)}" if line else ""


def _value_lines(lead: str, item: Item, indent: str) -> Iterator[str]:
    """The lines of an entry whose first line begins with `lead`."""
    value = item.value
    beside = f"  {scalars.comment(item.beside)}" if item.beside else ""
    if isinstance(value, Text):
        yield f"{lead} {scalars.scalar(value.text)}{beside}"
    elif isinstance(value, Literal):
        indicator = "2" if value.lines[0][:1] in " \t" else ""
        yield f"{lead} |{indicator}{beside}"
        for line in value.lines:
            yield f"{indent}  {line}" if line else ""
    elif (not value.items and not value.foot) or _is_short(value, WIDTH - len(lead) - 1):
        yield f"{lead} {flow(value)}{beside}"
    elif isinstance(value, List) and _count(value) == 1:
        yield from _wrapped(lead, value, beside)
    elif not value.items:
        yield f"{lead} {'{}' if isinstance(value, Map) else '[]'}{beside}"
        yield from _comments(value.foot, indent + "  ")
    else:
        yield f"{lead}{beside}"
        yield from _map_lines(value, indent + "  ") if isinstance(value, Map) else _list_lines(value, indent + "  ")


def _wrapped(lead: str, node: List, beside: str) -> Iterator[str]:
    """A list of words over as many lines as it takes, aligned below its first."""
    words = [flow(item.value) for item in node.items]
    margin = " " * (len(lead) + 2)
    line = f"{lead} ["
    for number, word in enumerate(words):
        last = number == len(words) - 1
        piece = word + ("]" if last else ", ")
        if len(line) + len(piece.rstrip()) > WIDTH and line.strip("- [").strip():
            yield line.rstrip() + (beside if number and beside else "")
            beside = ""
            line = margin
        line += piece
    yield line + beside
