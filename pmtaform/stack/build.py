"""One layer's `config`, from YAML nodes to content: variables replaced, loops walked, every line checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pmtaform.diagnostics import Diagnostics, Place, Severity
from pmtaform.diagnostics.codes.stack import DUPLICATE_DECLARATION
from pmtaform.diagnostics.codes.values import FOR_EACH, SECTION_NAME, SECTION_SHAPE
from pmtaform.lang import values as lang_values
from pmtaform.lang.blocks import SETTING
from pmtaform.lang.catalogue import GLOBAL, DirectiveSpec, SectionSpec, catalogue
from pmtaform.stack import foreach, names
from pmtaform.stack.content import ALL, Item, Key, Lines, Removed, SectionBody, SectionItem, SectionText
from pmtaform.stack.lines import LineMaker
from pmtaform.stack.mappings import mapping_in
from pmtaform.stack.nodes import Mapping, Node, Scalar, Sequence, is_null, kind_of
from pmtaform.stack.text import text_body
from pmtaform.stack.values import argument_problem
from pmtaform.stack.variables import Variables, substitute

_Items = dict[Key, Item]


@dataclass(frozen=True, slots=True)
class StackRules:
    """Rules for a whole stack."""

    strict: bool = False
    powermta: tuple[int, int] | None = None

    @property
    def native_severity(self) -> Severity:
        """The severity of unknown names in native text."""
        return Severity.ERROR if self.strict else Severity.WARNING


@dataclass(slots=True)
class Builder:
    """Builds content. `seen` remembers, per call of `config`, which names and values were reported as outdated."""

    rules: StackRules
    problems: Diagnostics
    seen: set[int] = field(default_factory=set)
    maker: LineMaker = field(init=False)

    def __post_init__(self) -> None:
        self.maker = LineMaker(self.problems)

    def config(self, node: Node | None, variables: Variables) -> _Items:
        """The content of a layer's `config`. What is wrong is reported in `problems` and omitted."""
        mapping = mapping_in(node, "`config`", "directives and sections as `name: value`", self.problems)
        return {} if mapping is None else self._items(mapping, GLOBAL, variables)

    # -- the inside of a scope -----------------------------------------------------------------------------------

    def _items(self, node: Mapping, scope: str, variables: Variables) -> _Items:
        items: _Items = {}
        firsts: dict[Key, Scalar] = {}
        for key, value in node.entries.values():
            if key.text == foreach.KEY and not key.style:
                continue
            name = substitute(key, variables, self.problems)
            if name is None:
                continue
            for item_key, item in self._entry(key, name.strip(), value, scope, variables):
                if item_key in firsts:
                    self._twice(item_key, item.place, items[item_key].place)
                    continue
                firsts[item_key] = key
                items[item_key] = item
        return items

    def _entry(
        self, key: Scalar, name: str, value: Node, scope: str, variables: Variables
    ) -> Iterator[tuple[Key, Item]]:
        meaning = names.meaning(scope, name)
        directive, section = meaning.directive, meaning.section
        if directive is not None and section is not None:
            # `smtp-listener`, `spool`: a mapping is the section, anything else the directive
            as_section = isinstance(value, Mapping) and "secret" not in value.entries
            directive, section = (None, section) if as_section else (directive, None)
        if is_null(value) and not (section and not names.takes_argument(section, scope)):
            yield from self._removed(key, name, scope, meaning)
        elif section is not None:
            self._age(section, key)
            yield from self._section(key, section, value, scope, variables)
        elif directive is not None:
            self._age(directive, key)
            yield from self._directive(key, name, directive, value, scope, variables)
        else:
            written = True if isinstance(value, Mapping) else None
            self.problems.add(names.unknown_name(scope, name, key.place, severity=Severity.ERROR, section=written))

    def _removed(self, key: Scalar, name: str, scope: str, meaning: names.NameMeaning) -> Iterator[tuple[Key, Item]]:
        if meaning.section is not None:
            yield (meaning.section.tag, ALL), Removed(key.place)
        elif meaning.directive is not None:
            canonical = catalogue().canonical(scope, name)
            keyed = meaning.directive.key is not None and scope == GLOBAL
            yield (canonical, ALL) if keyed else (SETTING, canonical), Removed(key.place)
        else:
            self.problems.add(names.unknown_name(scope, name, key.place, severity=Severity.ERROR))

    def _age(self, spec: DirectiveSpec | SectionSpec, key: Scalar) -> None:
        if id(key) not in self.seen:
            self.seen.add(id(key))
            names.age_warnings(spec, key.place, self.rules.powermta, self.problems)

    def _twice(self, key: Key, place: Place, first: Place) -> None:
        shown = key[1] if key[0] == SETTING else f"{key[0]} {key[1]}".strip()
        detail = f"`{shown}` is already at {first}: two spellings of one name, or a loop whose key lacks its variable."
        self.problems.report(DUPLICATE_DECLARATION, detail, place, related=(first,))

    # -- directives ------------------------------------------------------------------------------------------------

    def _directive(
        self, key: Scalar, name: str, spec: DirectiveSpec, value: Node, scope: str, variables: Variables
    ) -> Iterator[tuple[Key, Item]]:
        canonical = catalogue().canonical(scope, name)
        if spec.key == "name" and isinstance(value, Mapping):
            yield from self._by_name(spec, canonical, value, scope, variables)
            return
        lines = self.maker.lines(name, spec, value, scope, variables)
        if not lines:
            return
        if spec.key is None or scope != GLOBAL:
            yield (SETTING, canonical), Lines(key.place, lines)
            return
        for line in lines:
            word = line.value.split(None, 1)[0] if spec.key == "name" else lang_values.normalise(spec, line.value)
            yield (canonical, word), Lines(line.place, [line])

    def _by_name(
        self, spec: DirectiveSpec, canonical: str, value: Mapping, scope: str, variables: Variables
    ) -> Iterator[tuple[Key, Item]]:
        """`domain-macro: {name: [a, b]}`."""
        for key, node in value.items():
            name = substitute(key, variables, self.problems)
            if name is None:
                continue
            if is_null(node):
                yield (canonical, name), Removed(key.place)
            elif line := self.maker.named(name, spec, key, node, scope, variables):
                yield (canonical, name), Lines(key.place, [line])

    # -- sections ----------------------------------------------------------------------------------------------------

    def _section(
        self, key: Scalar, spec: SectionSpec, value: Node, scope: str, variables: Variables
    ) -> Iterator[tuple[Key, Item]]:
        if not names.takes_argument(spec, scope):
            yield from self._one(key, spec, "", value, variables)
            return
        if not isinstance(value, Mapping):
            detail = f"It is {kind_of(value)}. <{spec.tag}> has a name: write `{spec.tag}: {{NAME: {{…}}}}`."
            self.problems.report(SECTION_SHAPE, detail, value.place)
            return
        for name, body in value.items():
            for inner in self._rounds(name, spec.tag, body, variables):
                argument = substitute(name, inner, self.problems)
                if argument is not None and self._argument(name, spec, argument.strip()):
                    yield from self._one(name, spec, argument.strip(), body, inner)

    def _rounds(self, key: Scalar, tag: str, body: Node, variables: Variables) -> list[Variables]:
        loop = body.entries.get(foreach.KEY) if isinstance(body, Mapping) else None
        if loop is None:
            return [variables]
        walked = foreach.rounds(loop[1], variables, self.problems) or []
        if len(walked) > 1 and "${" not in key.text:
            detail = f"`{key.text}` has none of the loop's variables, so all {len(walked)} <{tag}> would have one name."
            self.problems.report(FOR_EACH, detail, key.place)
            return []
        return walked

    def _argument(self, key: Scalar, spec: SectionSpec, argument: str) -> bool:
        if problem := argument_problem(spec.tag, argument):
            self.problems.report(SECTION_NAME, problem, key.place)
        return not problem

    def _one(
        self, key: Scalar, spec: SectionSpec, argument: str, value: Node, variables: Variables
    ) -> Iterator[tuple[Key, Item]]:
        item_key = (spec.tag, lang_values.normalise_argument(spec.tag, argument))
        if is_null(value):
            yield item_key, Removed(key.place)
            return
        several = isinstance(value, Sequence) and not self._is_rules(spec, value)
        bodies: list[SectionBody | SectionText] = []
        for node in value.items if isinstance(value, Sequence) and several else [value]:
            body = self._body(key, spec, node, variables)
            if body is not None:
                bodies.append(body)
        if bodies:
            yield item_key, SectionItem(key.place, spec.tag, argument, bodies)

    def _is_rules(self, spec: SectionSpec, value: Sequence) -> bool:
        return spec.ordered and all(isinstance(item, Scalar) and not item.is_block for item in value.items)

    def _body(
        self, key: Scalar, spec: SectionSpec, node: Node, variables: Variables
    ) -> SectionBody | SectionText | None:
        if isinstance(node, Mapping):
            body = SectionBody(key.place)
            body.items = self._items(node, spec.tag, variables)
            return body
        if isinstance(node, Sequence) and spec.ordered:
            rules = [self.maker.rule(spec.tag, item, variables) for item in node.items]
            return SectionText(node.place, [rule for rule in rules if rule])
        if isinstance(node, Scalar) and node.is_block:
            return text_body(spec.tag, node, variables, self.rules.native_severity, self.problems)
        forms = _RULE_FORMS if spec.ordered else _BODY_FORMS
        detail = f"It is {kind_of(node)}. The inside of <{spec.tag}> is {forms}."
        self.problems.report(SECTION_SHAPE, detail, node.place)
        return None


_BODY_FORMS: Final = "a mapping of directives, PowerMTA's own lines as a text block (`|`), or a list of such"
_RULE_FORMS: Final = "a list of rules, or PowerMTA's own lines as a text block (`|`)"
