"""How things are written as JSON, read back and described, each from one declaration.

A codec's three sides cannot drift apart: what `write` makes is what `read` takes and what `schema` allows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Generic, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
Schema = dict[str, Any]


class DecodeError(Exception):
    """What is wrong, at which entry: `hosts[0].changes[2].action`."""

    def __init__(self, problem: str, path: str = "") -> None:
        self.problem = problem
        self.path = path
        super().__init__(problem)


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """How one kind of thing is written as JSON, read back (raises `DecodeError`), and described (JSON Schema)."""

    write: Callable[[T], Any]
    read: Callable[[object, str], T]
    schema: Schema = field(default_factory=dict)

    def says(self, description: str) -> Codec[T]:
        """The same, described in words."""
        return replace(self, schema={**self.schema, "description": description})


def a_text(value: object, path: str) -> str:
    """The text that `value` is, or `DecodeError`."""
    if not isinstance(value, str):
        raise DecodeError("a text is wanted", path)
    return value


def _count(value: object, path: str) -> int:
    if type(value) is not int or value < 0:
        raise DecodeError("a whole number from 0 on is wanted", path)
    return value


def _truth(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise DecodeError("true or false is wanted", path)
    return value


def an_object(value: object, path: str) -> dict[str, object]:
    """The object that `value` is, or `DecodeError`."""
    if not isinstance(value, dict):
        raise DecodeError("an object in braces is wanted", path)
    return value


def an_array(value: object, path: str) -> list[object]:
    """The list that `value` is, or `DecodeError`."""
    if not isinstance(value, list):
        raise DecodeError("a list is wanted", path)
    return value


def _same(value: T) -> T:
    return value


TEXT: Codec[str] = Codec(_same, a_text, {"type": "string"})
BOOLEAN: Codec[bool] = Codec(_same, _truth, {"type": "boolean"})
COUNT: Codec[int] = Codec(_same, _count, {"type": "integer", "minimum": 0})


def optional(inner: Codec[T]) -> Codec[T | None]:
    """A thing, or null."""
    return Codec(
        lambda value: None if value is None else inner.write(value),
        lambda value, path: None if value is None else inner.read(value, path),
        {"anyOf": [inner.schema, {"type": "null"}]},
    )


def several(inner: Codec[T]) -> Codec[tuple[T, ...]]:
    """A list."""
    return Codec(
        lambda values: [inner.write(value) for value in values],
        lambda value, path: tuple(inner.read(v, f"{path}[{i}]") for i, v in enumerate(an_array(value, path))),
        {"type": "array", "items": inner.schema},
    )


def table(inner: Codec[T]) -> Codec[Mapping[str, T]]:
    """An object with any names, written in their order."""
    return Codec(
        lambda entries: {name: inner.write(entries[name]) for name in sorted(entries)},
        lambda value, path: {k: inner.read(v, f'{path}["{k}"]') for k, v in an_object(value, path).items()},
        {"type": "object", "additionalProperties": inner.schema},
    )


def word(words: Mapping[str, E]) -> Codec[E]:
    """One of a few words."""
    names = {member: name for name, member in words.items()}

    def read(value: object, path: str) -> E:
        member = words.get(value) if isinstance(value, str) else None
        if member is None:
            raise DecodeError("one of " + ", ".join(words) + " is wanted", path)
        return member

    return Codec(names.__getitem__, read, {"enum": list(words)})


def record(make: Callable[..., T], **fields: Codec[Any]) -> Codec[T]:
    """An object with exactly these entries, each an attribute of what `make` makes."""

    def write(value: T) -> dict[str, Any]:
        return {name: codec.write(getattr(value, name)) for name, codec in fields.items()}

    def read(value: object, path: str) -> T:
        tree = an_object(value, path)
        prefix = path + "." if path else ""
        if tree.keys() != fields.keys():
            for name in fields:
                if name not in tree:
                    raise DecodeError(f'"{name}" is missing', path)
            for name in tree:
                if name not in fields:
                    raise DecodeError("no plan has such an entry", prefix + name)
        return make(**{name: codec.read(tree[name], prefix + name) for name, codec in fields.items()})

    schema = {
        "type": "object",
        "properties": {name: codec.schema for name, codec in fields.items()},
        "required": list(fields),
        "additionalProperties": False,
    }
    return Codec(write, read, schema)
