"""Frozen dataclasses as documents of JSON and back, by the types of their fields.

Tasks and reports travel as such texts, so that no peer has to read a pickled object of ours. Reading is strict.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pmtaform.codec import DecodeError, EntryName, an_array, an_object

T = TypeVar("T")

_PLAIN = (str, bool, int, float, type(None))
_LISTS = (tuple, frozenset, list, Sequence, Collection)


def to_document(value: object) -> Any:
    """The value as data of JSON. Raises `TypeError` for what a document cannot hold."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, _PLAIN):
        return value
    if dataclasses.is_dataclass(value):
        return {f.name: to_document(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: to_document(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(to_document(item) for item in value)
    if isinstance(value, tuple | list):
        return [to_document(item) for item in value]
    raise TypeError(f"a document cannot hold a {type(value).__name__}")


def from_document(kind: type[T], document: object) -> T:
    """The value of type `kind` in a document. Raises `DecodeError`."""
    return cast(T, _reader(cast(Any, kind))(document))


Reader = Callable[[object], Any]


@cache
def _reader(kind: Any) -> Reader:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _optional(arguments)
    if origin in _LISTS:
        return _list(origin, arguments)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(arguments)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum(kind)
    if dataclasses.is_dataclass(kind):
        return _record(kind)
    if kind in _PLAIN:
        return _plain(kind)
    raise TypeError(f"no document has a {kind}")


def _plain(kind: type) -> Reader:
    def read(value: object) -> object:
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise DecodeError(f"must be a {kind.__name__}")
        return value

    return read


def _optional(arguments: tuple[Any, ...]) -> Reader:
    inner = [each for each in arguments if each is not type(None)]
    if len(inner) != 1:
        raise TypeError(f"no document has one of {arguments}")
    return lambda value: None if value is None else _reader(inner[0])(value)


def _list(origin: Any, arguments: tuple[Any, ...]) -> Reader:
    if origin is tuple and arguments[-1] is not Ellipsis:
        return _pair(arguments)
    make = frozenset if origin is frozenset else tuple
    return lambda value: make(_inner(arguments[0], item, n) for n, item in enumerate(an_array(value)))


def _pair(arguments: tuple[Any, ...]) -> Reader:
    def read(value: object) -> object:
        items = an_array(value)
        if len(items) != len(arguments):
            raise DecodeError(f"must have {len(arguments)} items")
        return tuple(_inner(kind, item, n) for n, (kind, item) in enumerate(zip(arguments, items, strict=True)))

    return read


def _mapping(arguments: tuple[Any, ...]) -> Reader:
    return lambda value: {name: _inner(arguments[1], item, EntryName(name)) for name, item in an_object(value).items()}


def _enum(kind: type[Enum]) -> Reader:
    def read(value: object) -> Enum:
        if not isinstance(value, str) or value not in kind.__members__:
            raise DecodeError("must be one of " + ", ".join(kind.__members__))
        return kind[value]

    return read


def _record(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    fields = {field.name: hints[field.name] for field in dataclasses.fields(kind)}

    def read(value: object) -> object:
        tree = an_object(value)
        if tree.keys() != fields.keys():
            raise DecodeError("must have the entries " + ", ".join(fields))
        return kind(**{name: _inner(inner, tree[name], name) for name, inner in fields.items()})

    return read


def _inner(kind: Any, value: object, part: str | int) -> Any:
    try:
        return _reader(kind)(value)
    except DecodeError as wrong:
        raise wrong.within(part) from None
