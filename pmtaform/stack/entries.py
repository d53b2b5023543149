"""Named entries of a stack: mappings from a name to fields, read the same wherever they appear, layer over layer."""

from __future__ import annotations

from collections.abc import Callable, Collection
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Self, TypeVar

from pmtaform.diagnostics import Diagnostics, Place, did_you_mean
from pmtaform.diagnostics.codes.stack import DUPLICATE_DECLARATION, UNKNOWN_KEY
from pmtaform.diagnostics.codes.values import VALUE_SHAPE
from pmtaform.stack import foreach
from pmtaform.stack.mappings import mapping_in
from pmtaform.stack.nodes import Mapping, Node, Scalar, is_null, kind_of
from pmtaform.stack.variables import Variables, substitute

Fields = dict[str, tuple[Node, Variables]]  # each with the variables of the layer that says it


@dataclass(slots=True)
class StackEntry:
    """One entry as the layers of a host say it. Fields of a higher layer replace those of a lower one."""

    raw: ClassVar[frozenset[str]] = frozenset()  # fields in which ${…} is no variable of the stack
    name: str
    place: Place
    fields: Fields = field(default_factory=dict)

    def over(self, lower: Self, exclusive: Collection[str] = ()) -> Self:
        """The entry over the one of a lower layer. The `exclusive` fields count as one: any of them replaces all."""
        fields = dict(lower.fields)
        if any(name in self.fields for name in exclusive):
            fields = {name: value for name, value in fields.items() if name not in exclusive}
        return type(self)(self.name, self.place, {**fields, **self.fields})

    def text(self, name: str, problems: Diagnostics) -> tuple[str, Place] | None:
        """The value of a field, its variables replaced, and its place. or None; errors go into `problems`."""
        node, variables = self.fields.get(name, (None, Variables()))
        if node is None or is_null(node):
            return None
        if not isinstance(node, Scalar):
            problems.report(VALUE_SHAPE, f"`{name}` is {kind_of(node)}, but must be one value.", node.place)
            return None
        text = node.text if name in self.raw else substitute(node, variables, problems)
        return None if text is None else (text, node.place)


E = TypeVar("E", bound=StackEntry)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryForm(Generic[E]):
    """How the entries under one key of a stack are written."""

    make: Callable[[str, Place], E]
    noun: str  # what one entry is, in messages: "A DKIM key"
    fields: tuple[str, ...]
    example: str  # how an entry is written
    body: str  # how what belongs to a name is written
    check: Callable[[str, Place, Diagnostics], bool]  # whether a name can be used; what is wrong is in the diagnostics


def read_entries(
    node: Node | None, form: EntryForm[E], what: str, variables: Variables, problems: Diagnostics
) -> dict[str, E | None]:
    """The entries of one layer by name; None for one that the layer removes. `what` is the key above them."""
    mapping = mapping_in(node, f"`{what}`", form.example, problems)
    entries: dict[str, E | None] = {}
    places: dict[str, Place] = {}
    for key, value in mapping.items() if mapping is not None else ():
        loop = value.get(foreach.KEY) if isinstance(value, Mapping) else None
        for inner in [variables] if loop is None else foreach.rounds(loop, variables, problems) or []:
            name = substitute(key, inner, problems)
            if name is None or not form.check(name, key.place, problems):
                continue
            if name in places:
                detail = f"`{name}` is already at {places[name]}, or the key lacks its loop's variable."
                problems.report(DUPLICATE_DECLARATION, detail, key.place, related=(places[name],))
                continue
            places[name] = key.place
            entries[name] = None if is_null(value) else _entry(form, name, key, (value, inner), problems)
    return entries


def _entry(form: EntryForm[E], name: str, key: Scalar, body: tuple[Node, Variables], problems: Diagnostics) -> E:
    value, variables = body
    entry = form.make(name, key.place)
    fields = mapping_in(value, f"`{name}`", form.body, problems)
    for field_name, node in fields.items() if fields is not None else ():
        if field_name.text not in form.fields:
            detail = f"{form.noun} has no `{field_name.text}`.{did_you_mean(field_name.text, form.fields)}"
            problems.report(UNKNOWN_KEY, detail, field_name.place)
        elif field_name.text != foreach.KEY:
            entry.fields[field_name.text] = (node, variables)
    return entry


def merge_entries(
    lower: MappingType[str, E], upper: MappingType[str, E | None], exclusive: Collection[str] = ()
) -> dict[str, E]:
    """The entries of a higher layer over those of a lower one, field by field."""
    merged = dict(lower)
    for name, entry in upper.items():
        if entry is None:
            merged.pop(name, None)
        else:
            merged[name] = entry.over(merged[name], exclusive) if name in merged else entry
    return merged
