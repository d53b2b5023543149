"""YAML nodes against shapes, and the validator's findings in users' words, each at the node that it is about."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from typing import Any, Final

from pydantic_core import ValidationError

from pmtaform.diagnostics import Diagnostics, did_you_mean
from pmtaform.diagnostics.codes.stack import BAD_KEY_VALUE, MISSING_KEY, UNKNOWN_KEY
from pmtaform.stack.mappings import mapping_in
from pmtaform.stack.nodes import Mapping, Node, Scalar, Sequence, is_null, kind_of
from pmtaform.stack.shapes import MappingShape, validator

_SHAPES: Final = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
}
_BOUNDS: Final = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}


def validate(shape: MappingShape, node: Node | None, what: str, problems: Diagnostics) -> dict[str, Any]:
    """The values of a mapping by key; keys with `null` are omitted.

    A wrong value goes into `problems`, and is omitted, too. `what` names the node in messages: "The host mta1".
    Keys that other modules read from nodes have no value here.
    """
    node = mapping_in(node, what, "`key: value`", problems)
    if node is None:
        return {}
    values: dict[str, Any] = {}
    for key, (_, value) in node.entries.items():
        known = shape.keys.get(key)
        if known is None or known[0].core is None:
            values[key] = None
        elif not is_null(value):
            values[key] = value.value()
    try:
        checked: dict[str, Any] = validator(shape).validate_python(values)
        return checked
    except ValidationError as error:
        bad = set()
        for item in error.errors(include_url=False, include_input=False):
            bad.add(str(item["loc"][0]))
            _tell(shape, node, dict(item), what, problems)
        good = {key: value for key, value in values.items() if key not in bad}
    # What is right by itself is right without the rest, unless something required is missing.
    again: dict[str, Any] = {} if set(shape.required) - set(good) else validator(shape).validate_python(good)
    return again


def _tell(shape: MappingShape, node: Mapping, item: MappingType[str, Any], what: str, problems: Diagnostics) -> None:
    loc: tuple[int | str, ...] = item["loc"]
    key = str(loc[0])
    if item["type"] == "extra_forbidden":
        entry = node.key(key)
        hint = did_you_mean(key, shape.keys) or f" Its keys are {', '.join(shape.keys)}."
        problems.report(UNKNOWN_KEY, f"{what} has no `{key}`.{hint}", (entry or node).place)
    elif item["type"] == "missing":
        problems.report(MISSING_KEY, f"{what} needs `{key}`.", node.place)
    else:
        target = _node_at(node, loc)
        problems.report(BAD_KEY_VALUE, f"`{key}`: {_words(item, target)}", target.place)


def _node_at(node: Node, loc: tuple[int | str, ...]) -> Node:
    for part in loc:
        below: Node | None = None
        if isinstance(node, Mapping):
            below = node.get(str(part))
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            below = node.items[part]
        if below is None:
            break
        node = below
    return node


def _words(item: MappingType[str, Any], node: Node) -> str:
    kind: str = item["type"]
    context = item.get("ctx", {})
    if kind in _SHAPES:
        return f"It is {kind_of(node)} where {_SHAPES[kind]} belongs.{_remedy(kind, node)}"
    if kind == "literal_error":
        text = node.text if isinstance(node, Scalar) else ""
        words = str(context.get("expected", "")).replace("'", "")
        return f"Write {words}.{did_you_mean(text, words.replace(' or ', ', ').split(', '))}"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"It must be {words} {context.get(name)}."
    return str(item["msg"])


def _remedy(kind: str, node: Node) -> str:
    if not isinstance(node, Scalar):
        return ""
    if kind == "bool_type" and node.text.lower() in ("yes", "no", "on", "off"):
        return " Write true or false (yes and no are texts here)."
    if kind == "list_type":
        return f" Write [{node.text}]."
    return " The quotes make it a text: remove them." if node.style and kind != "string_type" else ""
