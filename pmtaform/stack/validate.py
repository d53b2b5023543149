"""YAML nodes against models, and pydantic's findings in users' words, each at the node that it is about."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from pmtaform.diagnostics import Diagnostics, Place, did_you_mean
from pmtaform.stack.models import Model
from pmtaform.stack.nodes import Mapping, Node, Scalar, Sequence, is_null, kind_of

M = TypeVar("M", bound=Model)

_SHAPES: Final = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
}


def keys_of(model: type[Model]) -> list[str]:
    """The keys of a model as they stand in YAML."""
    return [field.alias or name for name, field in model.model_fields.items()]


def validate(model: type[M], node: Node | None, what: str, found: Diagnostics) -> M:
    """`node` as a model; wrong entries are told in `found` and left out. `what` names the node: "a host"."""
    if node is None or is_null(node):
        return model()
    if not isinstance(node, Mapping):
        found.error(
            "stack-shape", "A mapping is missing", f"{what} is {kind_of(node)}: write `key: value`.", node.place
        )
        return model()
    raw = any(field.annotation is Any for field in model.model_fields.values())
    values = {key: _value(value, raw) for key, (_, value) in node.entries.items() if not is_null(value)}
    for _ in range(2):
        try:
            return model.model_validate(values)
        except ValidationError as error:
            bad = set()
            for item in error.errors(include_url=False, include_context=True, include_input=False):
                bad.add(str(item["loc"][0]))
                _tell(model, node, item, what, found)
            values = {key: value for key, value in values.items() if key not in bad}
    return model()


def _value(node: Node, raw: bool) -> Any:
    # Large parts (`config`) are read by others, from nodes: no Python values are made of them.
    return node if raw and isinstance(node, Mapping) and len(node) > 8 else node.value()


def _tell(model: type[Model], node: Mapping, item: MappingType[str, Any], what: str, found: Diagnostics) -> None:
    loc: tuple[int | str, ...] = item["loc"]
    kind: str = item["type"]
    key = str(loc[0])
    if kind == "extra_forbidden":
        known = keys_of(model)
        entry = node.key(key)
        hint = did_you_mean(key, known) or f" Its keys are {', '.join(known)}."
        detail = f"{what} has no `{key}`.{hint}"
        found.error("unknown-key", "There is no such key", detail, entry.place if entry else node.place)
        return
    if kind == "missing":
        found.error("missing-key", "A key is missing", f"{what} needs `{key}`.", node.place)
        return
    target = _node_at(node, loc)
    found.error("bad-key-value", "A key has a wrong value", f"`{key}`: {_words(kind, item, target)}", _place(target))


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


def _place(node: Node) -> Place:
    return node.place


def _words(kind: str, item: MappingType[str, Any], node: Node) -> str:
    if kind in _SHAPES:
        quoted = " The quotes make it a text: leave them out." if isinstance(node, Scalar) and node.style else ""
        truth = isinstance(node, Scalar) and node.text.lower() in ("yes", "no", "on", "off") and kind == "bool_type"
        written = " Write true or false (yes and no are texts here)." if truth else quoted
        return f"It is {kind_of(node)} where {_SHAPES[kind]} belongs.{written}"
    context = item.get("ctx", {})
    if kind == "literal_error":
        text = node.text if isinstance(node, Scalar) else ""
        words = str(context.get("expected", "")).replace("'", "")
        return f"Write {words}.{did_you_mean(text, words.replace(' or ', ', ').split(', '))}"
    limits = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}
    if kind in limits:
        name, words = limits[kind]
        return f"It must be {words} {context.get(name)}."
    return str(item["msg"])
