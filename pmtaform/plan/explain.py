"""The differences inside one block, directive by directive.

The caller knows that the block differs. DeepDiff finds the differences in lists of lines, and the values are shown as
people wrote them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pmtaform.diagnostics import Place
from pmtaform.lang import values
from pmtaform.lang.blocks import Block, is_ordered, spec_of
from pmtaform.lang.catalogue import GLOBAL
from pmtaform.lang.late_definitions import LateList
from pmtaform.lang.tree import Directive, Junk, Section, Tree
from pmtaform.plan.model import PLACE, ValueChange

RULES = ""  # the name under which an ordered section keeps its lines

_Key = tuple[tuple[str, ...], str]


class _Row:
    """All lines of one directive in one section: as compared, as written, and where."""

    __slots__ = ("normal", "place", "written")

    def __init__(self) -> None:
        self.normal: list[str] = []
        self.written: list[str] = []
        self.place: Any = None


def explain(before: Block | None, after: Block | None) -> tuple[ValueChange, ...]:
    """The directives that differ between two blocks; None: the block does not exist."""
    left, right = _rows(before), _rows(after)
    if not left or not right:
        differing = [*left, *right]
    else:
        differing = _differing(left, right)
    return tuple(_change(key, left.get(key), right.get(key)) for key in differing)


def place_change(late: LateList, place: Place | None = None) -> ValueChange:
    """The change of a pattern list that moves above the source which uses it."""
    return ValueChange((), PLACE, (f"below {late.user}, which uses it",), (f"above {late.user}",), place)


def _differing(left: dict[_Key, _Row], right: dict[_Key, _Row]) -> list[_Key]:
    """The keys whose values differ, in the order of the right side, then of the left."""
    unequal = {key for key in left.keys() | right.keys() if key not in left or key not in right}
    common = {key for key in left if key in right and left[key].normal != right[key].normal}
    lists = {key for key in common if max(len(left[key].normal), len(right[key].normal)) > 1}
    unequal |= common - lists
    if lists:
        from deepdiff import DeepDiff  # 110 ms to import, wanted only when lines of a list differ

        named = {repr(key): key for key in lists}
        differences = DeepDiff(
            {name: left[key].normal for name, key in named.items()},
            {name: right[key].normal for name, key in named.items()},
            threshold_to_diff_deeper=0,
            view="tree",
        )
        unequal |= {named[item.path(output_format="list")[0]] for items in differences.values() for item in items}
    order = [*right, *(key for key in left if key not in right)]
    return [key for key in order if key in unequal]


def _change(key: _Key, left: _Row | None, right: _Row | None) -> ValueChange:
    path, name = key
    return ValueChange(
        path=path,
        name=name,
        before=tuple(left.written) if left else (),
        after=tuple(right.written) if right else (),
        place=right.place if right else None,
    )


def _rows(block: Block | None) -> dict[_Key, _Row]:
    rows: dict[_Key, _Row] = {}
    if block is None:
        return rows
    several = len(block.parts) > 1 and block.is_section
    for number, part in enumerate(block.parts, start=1):
        prefix = (f"#{number}",) if several else ()
        if isinstance(part.node, Directive):
            _add(rows, part.tree, (), GLOBAL, part.node)
        else:
            _add_section(rows, part.tree, part.node, prefix)
    for key, row in rows.items():
        _sort_if_set(key, row)
    return rows


def _add_section(rows: dict[_Key, _Row], tree: Tree, section: Section, path: tuple[str, ...]) -> None:
    if is_ordered(section.tag):
        row = rows.setdefault((path, RULES), _Row())
        _add_rules(row, tree, section, "")
        return
    if not section.children:
        rows.setdefault((path, RULES), _Row())
    for child in section.children:
        if isinstance(child, Directive):
            _add(rows, tree, path, section.tag, child)
        elif isinstance(child, Section):
            inner = (*path, f"<{child.tag} {child.argument}>" if child.argument else f"<{child.tag}>")
            _add_section(rows, tree, child, inner)


def _add(rows: dict[_Key, _Row], tree: Tree, path: tuple[str, ...], scope: str, node: Directive) -> None:
    spec = spec_of(scope, node.name)
    row = rows.setdefault((path, (spec.canonical or spec.name) if spec else node.name.lower()), _Row())
    row.normal.append(values.normalise(spec, node.value))
    row.written.append(values.shown(values.mask(spec, node.name, node.value)))
    row.place = row.place or tree.place(node.line)


def _add_rules(row: _Row, tree: Tree, section: Section, indent: str) -> None:
    for child in section.children:
        if isinstance(child, Junk):
            continue
        row.place = row.place or tree.place(child.line)
        if isinstance(child, Section):
            lead = " ".join(child.lead) if child.lead else ""
            row.normal.append(f"{indent}{lead} <{child.tag}>")
            row.written.append(values.shown(f"{indent}{lead} <{child.tag}>".strip()))
            _add_rules(row, tree, child, indent + "    ")
            continue
        spec = spec_of(section.tag, child.name)
        row.normal.append(f"{indent}{child.name} {values.normalise(spec, child.value)}")
        row.written.append(values.shown(f"{indent}{child.name} {values.mask(spec, child.name, child.value)}"))


def _sort_if_set(key: _Key, row: _Row) -> None:
    """Lines whose order means nothing are compared as a set."""
    path, name = key
    scope = _scope_of(path)
    spec = spec_of(scope, name) if name and scope else None
    if spec is not None and spec.accumulates and not spec.ordered:
        pairs = sorted(zip(row.normal, row.written, strict=True))
        row.normal = [normal for normal, _ in pairs]
        row.written = [written for _, written in pairs]


def scope_of(path: Sequence[str], own: str) -> str:
    """The scope of a value at `path`: the innermost section, or `own`, the block's; `#2` is the second block of it."""
    last = path[-1] if path else ""
    return last.strip("<>").split(" ", 1)[0] if last.startswith("<") else own


def _scope_of(path: Sequence[str]) -> str | None:
    if not path:
        return GLOBAL
    last = path[-1]
    return last.strip("<>").split(" ", 1)[0] if last.startswith("<") else None
