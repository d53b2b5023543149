"""A YAML document as a tree whose every node knows where it was written.

Scalars keep their text (`5.0`, `010`, `1e3`, `no`): PowerMTA's values are text, and YAML's ideas of types would change
them. A caller that needs a number or a truth value takes `Scalar.value`, by the rules of YAML 1.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pmtaform.diagnostics import Place

_INT: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTH: Final = {w: w.lower() == "true" for w in ("true", "True", "TRUE", "false", "False", "FALSE")}


class Number(int):
    """A whole number that still knows how it was written."""

    text: str


class Fraction(float):
    """A number that still knows how it was written (`5.10` is not `5.1`)."""

    text: str


class Scalar:
    """One text. `style` is empty for a plain one, else the character that marks it: `'`, `"`, `|` or `>`."""

    __slots__ = ("_place", "column", "file", "line", "style", "text")

    def __init__(self, text: str, line: int, column: int, file: str, style: str = "") -> None:
        self.text = text
        self.line = line
        self.column = column
        self.file = file
        self.style = style
        self._place: Place | None = None

    @property
    def place(self) -> Place:
        """Where it starts."""
        if self._place is None:
            self._place = Place(self.file, self.line, self.column)
        return self._place

    @property
    def is_null(self) -> bool:
        """Whether it is null: empty, `~` or `null`, without quotes."""
        return not self.style and self.text in _NULLS

    @property
    def is_block(self) -> bool:
        """Whether it is a text block (`|`)."""
        return self.style == "|"

    def value(self) -> Any:
        """The text as YAML 1.2 (core schema) reads it: None, bool, int, float or str."""
        text = self.text
        if self.style:
            return text
        if text in _NULLS:
            return None
        if text in _TRUTH:
            return _TRUTH[text]
        number: Number | Fraction
        if _INT.fullmatch(text):
            digits = text.lstrip("+-")
            base = {"0o": 8, "0x": 16}.get(digits[:2], 10)
            if len(digits) > 40:
                return text
            number = Number(int(text, base))
        elif _FLOAT.fullmatch(text):
            number = Fraction(text)
        else:
            return text
        number.text = text
        return number

    def __repr__(self) -> str:
        return f"<{self.text!r} at {self.line}:{self.column}>"


class Sequence:
    """A list."""

    __slots__ = ("column", "file", "items", "line")

    def __init__(self, line: int, column: int, file: str) -> None:
        self.line = line
        self.column = column
        self.file = file
        self.items: list[Node] = []

    @property
    def place(self) -> Place:
        """Where it starts."""
        return Place(self.file, self.line, self.column)

    def value(self) -> list[Any]:
        """Its items as Python values."""
        return [item.value() for item in self.items]


class Mapping:
    """A mapping: text of the key -> (the key's node, the value), in the order of the file."""

    __slots__ = ("column", "entries", "file", "line")

    def __init__(self, line: int, column: int, file: str) -> None:
        self.line = line
        self.column = column
        self.file = file
        self.entries: dict[str, tuple[Scalar, Node]] = {}

    @property
    def place(self) -> Place:
        """Where it starts."""
        return Place(self.file, self.line, self.column)

    def get(self, key: str) -> Node | None:
        """The value of `key`, or None when it is not there."""
        entry = self.entries.get(key)
        return None if entry is None else entry[1]

    def key(self, key: str) -> Scalar | None:
        """The node of the key itself."""
        entry = self.entries.get(key)
        return None if entry is None else entry[0]

    def items(self) -> Iterator[tuple[Scalar, Node]]:
        """(key node, value), in the order of the file."""
        return iter(self.entries.values())

    def value(self) -> dict[str, Any]:
        """Its entries as Python values."""
        return {key: node.value() for key, (_, node) in self.entries.items()}

    def __len__(self) -> int:
        return len(self.entries)


Node = Scalar | Sequence | Mapping


def is_null(node: Node | None) -> bool:
    """Whether a node is null."""
    return isinstance(node, Scalar) and node.is_null


def kind_of(node: Node) -> str:
    """What a node is, in users' words."""
    if isinstance(node, Mapping):
        return "a mapping (`key: value` pairs)"
    if isinstance(node, Sequence):
        return "a list"
    return "nothing" if node.is_null else "a text block" if node.is_block else "a single value"
