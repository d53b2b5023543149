"""The `domain-key` lines that make PowerMTA sign: their sections and their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pmtaform.diagnostics import Diagnostics, did_you_mean
from pmtaform.diagnostics.codes.keys import UNKNOWN_SIGNER
from pmtaform.diagnostics.codes.values import VALUE_SHAPE
from pmtaform.lang import values as lang_values
from pmtaform.lang.blocks import SETTING
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.tree import Directive, Section
from pmtaform.stack.content import Item, Key, Lines, Native, SectionItem, SectionText, StackLine
from pmtaform.stack.key_plans import KeyPlan
from pmtaform.stack.native import directive_named, with_lines
from pmtaform.stack.nodes import Scalar, is_null
from pmtaform.stack.nodes import Sequence as SequenceNode
from pmtaform.stack.variables import Variables, substitute


class KeyLines:
    """Finds the sections that keys are given to, and puts their lines there."""

    def __init__(self, problems: Diagnostics) -> None:
        self._problems = problems
        self.name = directive_named("domain-key")

    def targets(self, plan: KeyPlan, items: dict[Key, Item]) -> list[Key | None]:
        """The sections that a key is given to; None for the whole host."""
        node, variables = plan.fields.get("signs", (None, Variables()))
        if node is None or is_null(node):
            return [None]
        scalars = node.items if isinstance(node, SequenceNode) else [node]
        targets: dict[Key | None, None] = {}
        for scalar in scalars:
            if not isinstance(scalar, Scalar):
                detail = "`signs` is a list of virtual MTAs and pools; omit it for a key that signs for all."
                self._problems.report(VALUE_SHAPE, detail, scalar.place)
                continue
            name = substitute(scalar, variables, self._problems)
            if name is None:
                continue
            target = next((key for scope in _signers() if (key := (scope, name)) in items), None)
            if target is None:
                known = [key[1] for key in items if key[0] in _signers()]
                detail = f"This host has no virtual MTA or pool `{name}`, so the key would sign nothing."
                detail += f"{did_you_mean(name, known)} Declare it, or leave `signs` out for all."
                self._problems.report(UNKNOWN_SIGNER, detail, scalar.place)
            else:
                targets[target] = None
        return list(targets)

    def insert(self, items: dict[Key, Item], wanted: Mapping[Key | None, Sequence[StackLine]]) -> None:
        """Put key lines into the sections of a host, or for None beside its sections."""
        natives: dict[Key, tuple[Native, Sequence[StackLine]]] = {}
        for target, lines in wanted.items():
            item = items[target] if target is not None else None
            if target is None:
                _into(items, self.name, GLOBAL, lines)
            elif isinstance(item, Native):
                if more := self._missing(item, lines):
                    natives[target] = item, more
            elif isinstance(item, SectionItem):
                self._into_section(items, target, item, lines)
        if natives:
            items.update(with_lines(natives))

    def _missing(self, item: Native, lines: Sequence[StackLine]) -> list[StackLine]:
        """The lines that a native section does not have, in their order."""
        part = item.block.parts[0]
        section = part.node
        present: set[str] = set()
        if isinstance(section, Section) and self.name in part.text.lower():  # its children are not made for nothing
            spec = catalogue().directive(section.tag, self.name)
            mine = (c for c in section.children if isinstance(c, Directive) and c.name.lower() == self.name)
            present = {lang_values.normalise(spec, child.value) for child in mine}
        scope = item.block.address.kind
        return [line for line in _ordered([], lines) if _normal(scope, self.name, line) not in present]

    def _into_section(self, items: dict[Key, Item], target: Key, item: SectionItem, lines: Sequence[StackLine]) -> None:
        body = item.bodies[0]
        if not isinstance(body, SectionText):
            _into(body.items, self.name, item.tag, lines)
            return
        present = {" ".join(text.split()) for text, _ in body.lines}
        texts = [(f"{line.name} {line.value}", line.place) for line in _ordered([], lines)]
        fresh = [pair for pair in texts if pair[0] not in present]
        bodies = [SectionText(body.place, [*body.lines, *fresh]), *item.bodies[1:]]
        items[target] = SectionItem(item.place, item.tag, item.argument, bodies)


def _signers() -> tuple[str, ...]:
    """The sections that a key can be given to."""
    return ("virtual-mta", "virtual-mta-pool")


def _normal(scope: str, name: str, line: StackLine) -> str:
    return lang_values.normalise(catalogue().directive(scope, name), line.value)


def _into(items: dict[Key, Item], name: str, scope: str, lines: Sequence[StackLine]) -> None:
    known = items.get((SETTING, name))
    if isinstance(known, Native):
        _into_native(items, name, known, lines)
        return
    declared = known.lines if isinstance(known, Lines) else []
    present = {_normal(scope, name, line) for line in declared}
    fresh = [line for line in lines if _normal(scope, name, line) not in present]
    place = declared[0].place if declared else lines[0].place
    items[SETTING, name] = Lines(place, _ordered(declared, fresh))


def _into_native(items: dict[Key, Item], name: str, known: Native, lines: Sequence[StackLine]) -> None:
    """Key lines of a native file and ours are one block, so the native ones become lines of ours."""
    declared = [
        StackLine(name, part.node.value, part.place) for part in known.block.parts if not isinstance(part.node, Section)
    ]
    present = {_normal(GLOBAL, name, line) for line in declared}
    fresh = [line for line in lines if _normal(GLOBAL, name, line) not in present]
    if fresh:
        items[SETTING, name] = Lines(known.place, _ordered(declared, fresh))


def _ordered(declared: Sequence[StackLine], fresh: Sequence[StackLine]) -> list[StackLine]:
    """The first key that fits signs, so keys for all domains come last."""
    merged = [*declared, *fresh]
    return [line for line in merged if not _for_all(line)] + [line for line in merged if _for_all(line)]


def _for_all(line: StackLine) -> bool:
    fields = line.value.split(",")
    return len(fields) > 1 and fields[1].strip() == "*"
