"""`files` as it is written: what each layer says of the files beside the configuration, layer over layer."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from typing import Final

from pmtaform.diagnostics import Diagnostics, Place, did_you_mean
from pmtaform.diagnostics.codes.stack import SAID_TWICE, STACK_SHAPE, UNKNOWN_KEY
from pmtaform.diagnostics.codes.values import VALUE_SHAPE
from pmtaform.stack import foreach
from pmtaform.stack.nodes import Mapping, Node, Scalar, is_null, kind_of
from pmtaform.stack.variables import Variables, substitute

SOURCES: Final = ("file", "content", "secret")
FIELDS: Final = (*SOURCES, "private-key", "key-file", "kind", "mode", "owner", "group", foreach.KEY)


@dataclass(slots=True)
class FilePlan:
    """One file as a stack wants it. Fields of a higher layer replace those of a lower one."""

    path: str
    place: Place
    fields: dict[str, tuple[Node, Variables]]

    def text(self, field: str, found: Diagnostics) -> tuple[str, Place] | None:
        """A field's value, its variables replaced, and its place. None: it says nothing, or `found` says why."""
        node, variables = self.fields.get(field, (None, Variables()))
        if node is None or is_null(node):
            return None
        if not isinstance(node, Scalar):
            detail = f"`{field}` is {kind_of(node)}, and one value belongs there."
            found.report(VALUE_SHAPE, detail, node.place)
            return None
        # A file's own text may have ${…} of its own (PowerMTA's DSN templates do).
        text = node.text if field == "content" else substitute(node, variables, found)
        return None if text is None else (text, node.place)


Said = dict[str, FilePlan | None]


def files_of(node: Node | None, variables: Variables, found: Diagnostics) -> Said:
    """The files under a layer's `files`, by path; None for one that is taken away."""
    files: Said = {}
    if node is None or is_null(node):
        return files
    if not isinstance(node, Mapping):
        detail = f"It is {kind_of(node)}: write `/etc/pmta/tls/mx.pem: {{file: tls/mx.pem}}`."
        found.report(STACK_SHAPE, detail, node.place)
        return files
    places: dict[str, Place] = {}
    for key, value in node.items():
        loop = value.get(foreach.KEY) if isinstance(value, Mapping) else None
        for inner in [variables] if loop is None else foreach.rounds(loop, variables, found) or []:
            path = substitute(key, inner, found)
            if path is None:
                continue
            if path in places:
                detail = f"`{path}` is already said at {places[path]}, or the key lacks its loop's variable."
                found.report(SAID_TWICE, detail, key.place, related=(places[path],))
                continue
            places[path] = key.place
            files[path] = _plan(path, key, value, inner, found)
    return files


def _plan(path: str, key: Scalar, value: Node, variables: Variables, found: Diagnostics) -> FilePlan | None:
    if is_null(value):
        return None
    plan = FilePlan(path, key.place, {})
    if not isinstance(value, Mapping):
        detail = f"It is {kind_of(value)}: write {{file: FILE}}, {{secret: REFERENCE}} or {{content: |}}."
        found.report(STACK_SHAPE, detail, value.place)
        return plan
    for field, node in value.items():
        if field.text not in FIELDS:
            detail = f"A file has no `{field.text}`.{did_you_mean(field.text, FIELDS)}"
            found.report(UNKNOWN_KEY, detail, field.place)
        elif field.text != foreach.KEY:
            plan.fields[field.text] = (node, variables)
    return plan


def merge(lower: MappingType[str, FilePlan], upper: Said) -> dict[str, FilePlan]:
    """`upper` over `lower`, field by field; where a file's content comes from counts as one field."""
    result = dict(lower)
    for path, plan in upper.items():
        if plan is None:
            result.pop(path, None)
        elif path in result:
            known = result[path].fields
            if any(source in plan.fields for source in SOURCES):
                known = {field: value for field, value in known.items() if field not in SOURCES}
            result[path] = FilePlan(path, plan.place, {**known, **plan.fields})
        else:
            result[path] = plan
    return result
