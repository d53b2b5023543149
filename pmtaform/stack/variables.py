"""Variables: `${name}` and `${name:02d}` in keys and values. Names only; there is no expression language.

`$${` stands for a literal `${` (PowerMTA's own DSN templates have such). A single `$` means nothing here: `$macro` is
PowerMTA's. Values of variables may use other variables. `host` is always there: the host's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from pmtaform.diagnostics import Diagnostics, did_you_mean
from pmtaform.diagnostics.codes.stack import STACK_SHAPE
from pmtaform.diagnostics.codes.values import (
    UNKNOWN_VARIABLE,
    VARIABLE_FORMAT,
    VARIABLE_LIST,
    VARIABLE_LONG,
    VARIABLE_LOOP,
    VARIABLE_NAME,
    VARIABLE_SYNTAX,
)
from pmtaform.stack.mappings import mapping_in
from pmtaform.stack.nodes import Mapping, Node, Scalar, Sequence, kind_of

HOST: Final = "host"
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_USE: Final = re.compile(r"\$\$\{|\$\{([^{}]*)(\}?)")
_SPEC: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)(?::([^}]*))?")
_LONGEST: Final = 65_536
_MOST_TEXT: Final = 64 * 1024 * 1024  # characters of one host, all texts with variables together
_FORMAT: Final = re.compile(r"0?[0-9]{0,2}[dxX]")

Values = MappingType[str, str | tuple[str, ...]]


@dataclass(slots=True)
class _Spent:
    """How much text variables have made; a loop over long values multiplies it."""

    characters: int = 0
    reported: bool = False


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of one scope.

    `lenient`: a missing variable is not reported, and what uses it is left unchecked (for layers that no host uses).
    """

    values: Values = field(default_factory=dict)
    lenient: bool = False
    broken: frozenset[str] = frozenset()  # what is wrong with these is reported where they are set
    spent: _Spent = field(default_factory=_Spent, compare=False, repr=False)

    def with_values(self, more: MappingType[str, str]) -> Variables:
        """These and `more`, which come first."""
        return replace(self, values={**self.values, **more})


@lru_cache(maxsize=4096)
def _pieces(text: str) -> tuple[str | tuple[str, str], ...]:
    """Literal texts and (the text in the braces, "}" or "")."""
    pieces: list[str | tuple[str, str]] = []
    start = 0
    for use in _USE.finditer(text):
        pieces.append(text[start : use.start()])
        pieces.append("${" if use[1] is None else (use[1], use[2]))
        start = use.end()
    pieces.append(text[start:])
    return tuple(piece for piece in pieces if piece)


def substitute(node: Scalar, variables: Variables, problems: Diagnostics) -> str | None:
    """The text of `node` with its variables replaced; None when that fails; errors go into `problems`."""
    text = node.text
    if "${" not in text:
        return text
    pieces: list[str] = []
    failed = False
    length = 0
    for piece in _pieces(text):
        if isinstance(piece, str):
            pieces.append(piece)
            continue
        value = _value(piece, node, variables, problems)
        failed = failed or value is None
        pieces.append(value or "")
        length += len(pieces[-1])
        if length > _LONGEST:
            detail = f"With its variables it is longer than {_LONGEST} characters; they probably repeat each other."
            problems.report(VARIABLE_LONG, detail, node.place)
            return None
    return None if failed or not _affordable(length, node, variables, problems) else "".join(pieces)


def _affordable(length: int, node: Scalar, variables: Variables, problems: Diagnostics) -> bool:
    """Whether one more text of this length may be made for the host."""
    spent = variables.spent
    spent.characters += length
    if spent.characters <= _MOST_TEXT:
        return True
    if not spent.reported:
        spent.reported = True
        detail = "All texts with variables together are longer than 64 MB: a loop repeats a long value too often."
        problems.report(VARIABLE_LONG, detail, node.place)
    return False


def _value(piece: tuple[str, str], node: Scalar, variables: Variables, problems: Diagnostics) -> str | None:
    inner, closed = piece
    spec = _SPEC.fullmatch(inner)
    if spec is None or not closed:
        detail = f"`${{{inner}{closed}` is not a variable: write ${{name}} or ${{name:02d}}. {_LITERAL}"
        problems.report(VARIABLE_SYNTAX, detail, node.place)
        return None
    name, form = spec[1], spec[2]
    value = variables.values.get(name)
    if value is None:
        if not variables.lenient and name not in variables.broken:
            detail = (
                f"No variable is called `{name}`.{did_you_mean(name, variables.values)} Set it under `vars` of the "
            )
            detail += f"stack, of a group or of the host. {_LITERAL}"
            problems.report(UNKNOWN_VARIABLE, detail, node.place)
        return None
    if isinstance(value, tuple):
        detail = f"`{name}` is a list. A list can be walked with for-each (`{name}: ${{{name}}}`), not put into a text."
        problems.report(VARIABLE_LIST, detail, node.place)
        return None
    return value if form is None else _formatted(name, form, value, node, problems)


def _formatted(name: str, form: str, value: str, node: Scalar, problems: Diagnostics) -> str | None:
    if not _FORMAT.fullmatch(form):
        detail = f"`{form}` is not a format: write ${{{name}:02d}} for two digits with zeros, or ${{{name}:x}} for hex."
        problems.report(VARIABLE_FORMAT, detail, node.place)
        return None
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        detail = f"`{name}` is `{value}`, and the format `{form}` is for whole numbers. Write ${{{name}}}."
        problems.report(VARIABLE_FORMAT, detail, node.place)
        return None
    return format(int(value), form)


_LITERAL: Final = "Where PowerMTA itself should see `${`, write `$${`."


def resolve(layers: list[Mapping], host: str | None, problems: Diagnostics, *, lenient: bool = False) -> Variables:
    """The variables of a host: those of its layers, the later ones first, and `host`."""
    nodes: dict[str, tuple[Scalar, Node]] = {}
    for layer in layers:
        nodes.update(layer.entries)
    resolution = _Resolution(nodes, {} if host is None else {HOST: host}, problems, lenient)
    for name in nodes:
        resolution.resolve(name)
    return resolution.variables


class _Resolution:
    """The variables of one host, each resolved after those that it uses."""

    def __init__(
        self,
        nodes: MappingType[str, tuple[Scalar, Node]],
        builtin: dict[str, str],
        problems: Diagnostics,
        lenient: bool,
    ) -> None:
        self._nodes, self._problems, self._lenient = nodes, problems, lenient
        self._values: dict[str, str | tuple[str, ...]] = dict(builtin)
        self._broken: set[str] = set()

    @property
    def variables(self) -> Variables:
        """What is resolved so far."""
        return Variables(self._values, self._lenient, frozenset(self._broken))

    def resolve(self, name: str, above: tuple[str, ...] = ()) -> None:
        """Resolve one variable; `above` are those that wait for it."""
        if name in self._values or name in self._broken or name not in self._nodes:
            return
        node = self._nodes[name][1]
        if name in above:
            circle = " -> ".join((*above[above.index(name) :], name))
            self._problems.report(
                VARIABLE_LOOP, f"{circle}: each waits for the other. Write one of them out.", node.place
            )
            self._values[name] = ""
            return
        texts: list[str] = []
        for scalar in node.items if isinstance(node, Sequence) else [node]:
            if isinstance(scalar, Scalar):
                text = self._text(scalar, (*above, name))
                if text is None:
                    self._broken.add(name)  # reported once: every variable that uses it would try it again
                    return
                texts.append(text)
        self._values.setdefault(name, tuple(texts) if isinstance(node, Sequence) else "".join(texts))

    def _text(self, scalar: Scalar, above: tuple[str, ...]) -> str | None:
        for used in _SPEC.finditer(" ".join(p[0] for p in _pieces(scalar.text) if isinstance(p, tuple))):
            self.resolve(used[1], above)
        return substitute(scalar, self.variables, self._problems)


def check_variables(node: Node | None, problems: Diagnostics) -> Mapping:
    """The mapping under `vars`, its wrong entries reported and left out."""
    good = Mapping(1, 1, "") if node is None else Mapping(node.line, node.column, node.file)
    mapping = mapping_in(node, "`vars`", "`name: value`", problems)
    for text, (key, value) in mapping.entries.items() if mapping is not None else ():
        if not NAME.fullmatch(text) or text == HOST:
            why = "is the host's own name" if text == HOST else "is not valid: letters, digits, - and _, no digit first"
            problems.report(VARIABLE_NAME, f"`{text}` {why}.", key.place)
        elif isinstance(value, Mapping) or (
            isinstance(value, Sequence) and not all(isinstance(item, Scalar) for item in value.items)
        ):
            detail = f"`{text}` is {kind_of(value)}: a variable is one value, or a list of values for for-each."
            problems.report(STACK_SHAPE, detail, value.place)
        else:
            good.entries[text] = (key, value)
    return good
