"""Codecs: write data as JSON, read it back and describe it, from one declaration.

The three cannot drift apart: `read` accepts exactly what `write` makes and `schema` allows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Generic, NoReturn, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
Schema = dict[str, Any]


class EntryName(str):
    """The name of an entry of a table, in a path: any text, and not the name of a field."""

    __slots__ = ()


class DecodeError(Exception):
    """An error in a document, and where it is: the names and numbers that lead there, from the outside in."""

    def __init__(self, problem: str, *path: str | int) -> None:
        self.problem = problem
        self.path = path
        super().__init__(problem)

    def within(self, part: str | int) -> DecodeError:
        """The same error, with the place seen from the enclosing value."""
        return DecodeError(self.problem, part, *self.path)

    @property
    def place(self) -> str:
        """Where it is: `hosts[0].basis["/etc/pmta/config"]`."""
        text = ""
        for part in self.path:
            if isinstance(part, int):
                text += f"[{part}]"
            elif isinstance(part, EntryName):
                text += f'["{part}"]'
            else:
                text += f".{part}" if text else part
        return text


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """A way to write one kind of value as JSON, read it back (raises `DecodeError`), and describe it (JSON Schema)."""

    write: Callable[[T], Any]
    read: Callable[[object], T]
    schema: Schema = field(default_factory=dict)

    def says(self, description: str) -> Codec[T]:
        """The same, described in words."""
        return replace(self, schema={**self.schema, "description": description})


def load_json(text: str) -> object:
    """The data in `text`. Raises `DecodeError` for a name that appears twice, and what `json.loads` raises."""
    return json.loads(text, object_pairs_hook=_pairs, parse_constant=_no_constant)


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise DecodeError(f'"{name}" appears twice', name)
            seen.add(name)
    return tree


def _no_constant(name: str) -> NoReturn:
    raise DecodeError(f"{name} is not a number")


# -- single values -----------------------------------------------------------------------------------------------------


def a_text(value: object) -> str:
    """The text that `value` is, or `DecodeError`."""
    if not isinstance(value, str):
        raise DecodeError("must be a text")
    return value


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise DecodeError("must be a whole number from 0 on")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise DecodeError("must be true or false")
    return value


def an_object(value: object) -> dict[str, object]:
    """The object that `value` is, or `DecodeError`."""
    if not isinstance(value, dict):
        raise DecodeError("must be an object in braces")
    return value


def an_array(value: object) -> list[object]:
    """The list that `value` is, or `DecodeError`."""
    if not isinstance(value, list):
        raise DecodeError("must be a list")
    return value


def _same(value: T) -> T:
    return value


TEXT: Codec[str] = Codec(_same, a_text, {"type": "string"})
BOOLEAN: Codec[bool] = Codec(_same, _truth, {"type": "boolean"})
COUNT: Codec[int] = Codec(_same, _count, {"type": "integer", "minimum": 0})


def matching(pattern: str, what: str) -> Codec[str]:
    """A text that matches a pattern; `what` names it in errors: "a digest"."""
    form = re.compile(pattern)

    def read(value: object) -> str:
        text = a_text(value)
        if not form.fullmatch(text):
            raise DecodeError(f"must be {what}")
        return text

    return Codec(_same, read, {"type": "string", "pattern": f"^({pattern})$"})


def word(words: Mapping[str, E]) -> Codec[E]:
    """One of a few words."""
    names = {member: name for name, member in words.items()}

    def read(value: object) -> E:
        member = words.get(value) if isinstance(value, str) else None
        if member is None:
            raise DecodeError("must be one of " + ", ".join(words))
        return member

    return Codec(names.__getitem__, read, {"enum": list(words)})


# -- values of several parts -------------------------------------------------------------------------------------------


def optional(inner: Codec[T]) -> Codec[T | None]:
    """A value, or null."""
    return Codec(
        lambda value: None if value is None else inner.write(value),
        lambda value: None if value is None else inner.read(value),
        {"anyOf": [inner.schema, {"type": "null"}]},
    )


def _each(
    read: Callable[[object], T],
    parts: Iterable[tuple[str | int, object]],
    part: Callable[[Any], str | int] = lambda place: place,
) -> list[T]:
    """What `read` makes of each part; one `try` for all, because a state has a million of them."""
    values: list[T] = []
    listed = list(parts)
    try:
        for _, value in listed:
            values.append(read(value))
    except DecodeError as wrong:
        raise wrong.within(part(listed[len(values)][0])) from None
    return values


def several(inner: Codec[T]) -> Codec[tuple[T, ...]]:
    """A list."""
    return Codec(
        lambda values: [inner.write(value) for value in values],
        lambda value: tuple(_each(inner.read, enumerate(an_array(value)))),
        {"type": "array", "items": inner.schema},
    )


def table(inner: Codec[T]) -> Codec[Mapping[str, T]]:
    """An object with any names, written in their order."""

    def read(value: object) -> dict[str, T]:
        entries = an_object(value)
        return dict(zip(entries, _each(inner.read, entries.items(), EntryName), strict=True))

    return Codec(
        lambda entries: {name: inner.write(entries[name]) for name in sorted(entries)},
        read,
        {"type": "object", "additionalProperties": inner.schema},
    )


def record(
    make: Callable[..., T],
    /,
    _names: Mapping[str, str] | None = None,
    _defaults: Mapping[str, object] | None = None,
    **fields: Codec[Any],
) -> Codec[T]:
    """An object with exactly these entries, each an attribute of what `make` makes.

    `_names` are the entries of attributes that have another name; attributes in `_defaults` have no entry where they
    have that value.
    """
    defaults = _defaults or {}
    codecs = {(_names or {}).get(attribute, attribute): (attribute, codec) for attribute, codec in fields.items()}

    def write(value: T) -> dict[str, Any]:
        values = ((name, attribute, codec, getattr(value, attribute)) for name, (attribute, codec) in codecs.items())
        return {
            name: codec.write(part)
            for name, attribute, codec, part in values
            if attribute not in defaults or part != defaults[attribute]
        }

    def read(value: object) -> T:
        tree = an_object(value)
        if not required <= tree.keys() <= known:
            _require_entries(tree, schema["required"], codecs)
        values: dict[str, object] = {}
        name = ""
        try:
            for name, attribute, read_part in parts:
                values[attribute] = read_part(tree[name]) if name in tree else defaults[attribute]
        except DecodeError as wrong:
            raise wrong.within(name) from None
        return make(**values)

    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: codec.schema for name, (_, codec) in codecs.items()},
        "required": [name for name, (attribute, _) in codecs.items() if attribute not in defaults],
        "additionalProperties": False,
    }
    required, known = frozenset(schema["required"]), frozenset(codecs)
    parts = [(name, attribute, codec.read) for name, (attribute, codec) in codecs.items()]
    return Codec(write, read, schema)


def _require_entries(tree: Mapping[str, object], required: Iterable[str], known: Container[str]) -> None:
    """Raise `DecodeError` when an entry is missing, or not known."""
    for name in required:
        if name not in tree:
            raise DecodeError(f'"{name}" is missing')
    for name in tree:
        if name not in known:
            raise DecodeError("unknown entry", name)


# -- layout ------------------------------------------------------------------------------------------------------------


def laid_out(value: object, *, indent: int, levels: int) -> str:
    """`value` as JSON in ASCII, an entry a line for that many `levels` of objects and of lists of objects.

    Deeper levels are on one line.
    """
    if isinstance(value, str):
        return quoted(value)
    if not levels or not value or not isinstance(value, dict | list) or _is_plain(value):
        return json.dumps(value)
    start = "\n" + " " * (indent + 1)
    if isinstance(value, list):
        lines = [laid_out(part, indent=indent + 1, levels=levels - 1) for part in value]
        return "[" + start + ("," + start).join(lines) + start[:-1] + "]"
    if levels == 1:
        lines = [f"{quoted(name)}: {_on_one_line(part)}" for name, part in value.items()]
    else:
        lines = [f"{quoted(n)}: {laid_out(part, indent=indent + 1, levels=levels - 1)}" for n, part in value.items()]
    return "{" + start + ("," + start).join(lines) + start[:-1] + "}"


def _is_plain(value: object) -> bool:
    return isinstance(value, list) and not isinstance(value[0], dict)


def _on_one_line(value: object) -> str:
    return quoted(value) if isinstance(value, str) else json.dumps(value)
