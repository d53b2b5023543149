"""From a live block to its form in a stack: typed YAML, or a text block of its lines where YAML is not exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pmtaform.adopt import scalars
from pmtaform.adopt.comments import Comments
from pmtaform.adopt.document import Item, List, Literal, Map, Text, Value, escaped
from pmtaform.adopt.native import inner_lines
from pmtaform.adopt.vault import Vault, as_reference, secret_of, secrets_of
from pmtaform.lang.blocks import SETTING, Address, Block, BlockPart
from pmtaform.lang.catalogue import GLOBAL, DirectiveSpec, SectionSpec, catalogue
from pmtaform.lang.tree import Directive, Junk, Node, Section, Tree
from pmtaform.stack import names
from pmtaform.stack.values import is_list

_MACRO: Final = "macro"


class InexpressibleError(Exception):
    """Why a block cannot have this form; a short phrase for the report."""


@dataclass(slots=True)
class YamlEntry:
    """One block in a stack's `config`: `path` are the keys that lead to `item`'s value."""

    path: tuple[str, ...]
    item: Item
    has_secret: bool = False
    listed: bool = False  # several blocks share the key, each with entries of its list (`include`)


@dataclass(slots=True)
class BlockWriter:
    """Writes the blocks of one host. `skip` are directives that come from elsewhere (keys)."""

    host: str
    vault: Vault
    comments: dict[int, Comments]  # by the identity of a tree
    skip: frozenset[int] = frozenset()
    address: Address = field(default=Address(""))
    text_only: bool = False
    has_text: bool = False
    why_text: str = ""

    def express(self, block: Block, *, text_only: bool = False) -> YamlEntry:
        """The block as YAML; with `text_only`, the inside of sections as it was written. Raises `UnsayableError`."""
        self.address, self.text_only, self.has_text = block.address, text_only, False
        written = self._written(block)
        written.has_secret = bool(secrets_of(block))
        return written

    def _written(self, block: Block) -> YamlEntry:
        first = block.parts[0].node
        if isinstance(first, Section):
            return self._sections(block)
        directives = [(part.tree, part.node) for part in block.parts if isinstance(part.node, Directive)]
        spec = self._spec(GLOBAL, first)
        if spec.key == "name":
            return self._by_name(block, first, spec)
        item = self._directive(GLOBAL, directives)
        if item is None:
            raise InexpressibleError("its lines come from dkim-keys")
        name = _name(first)
        if block.address.kind != SETTING and len(directives) > 1:
            raise InexpressibleError("it occurs several times")
        return YamlEntry((name,), item, listed=block.address.kind != SETTING)

    # -- directives ----------------------------------------------------------------------------------------------------

    def _spec(self, scope: str, node: Directive) -> DirectiveSpec:
        spec = names.meaning(scope, node.name).directive
        if spec is None:
            raise InexpressibleError(f"the catalogue knows no {node.name} {names.where(scope)}")
        return spec

    def _by_name(self, block: Block, node: Directive, spec: DirectiveSpec) -> YamlEntry:
        """`domain-macro NAME a, b`."""
        if len(block.parts) > 1:
            raise InexpressibleError("it occurs several times")
        name, _, rest = node.value.partition(" ")
        if "\t" in name:
            name, _, rest = node.value.partition("\t")
        item = self._commented(block.parts[0].tree, node, self._value(GLOBAL, spec, node, rest.strip()))
        item.key = escaped(name)
        return YamlEntry((_name(node), item.key), item)

    def _directive(self, scope: str, lines: Sequence[tuple[Tree, Directive]]) -> Item | None:
        """All lines of one directive in one place; None when they come from elsewhere."""
        expressed = [(tree, node) for tree, node in lines if id(node) not in self.skip]
        if not expressed:
            return None
        first = expressed[0][1]
        spec = self._spec(scope, first)
        items = [self._commented(t, node, self._value(scope, spec, node, node.value)) for t, node in expressed]
        if len(items) == 1:
            item = items[0]
        elif spec.accumulates:
            item = _gathered(items)
        else:
            raise InexpressibleError(f"{first.name} occurs {len(items)} times, and has one value")
        item.key = _name(first)
        return item

    def _value(self, scope: str, spec: DirectiveSpec, node: Directive, value: str) -> Value:
        secret = secret_of(scope, node)
        if secret is not None:
            return as_reference(self.vault, self.host, self.address, spec, node, secret)
        if not value:
            raise InexpressibleError(f"{node.name} has no value")
        if _MACRO in spec.types and is_list(spec):
            entries = [entry.strip() for entry in value.split(",")]
            if len(entries) > 1 and all(entries):
                return List([Item(Text(escaped(entry))) for entry in entries])
        return Text(escaped(value))

    def _commented(self, tree: Tree, node: Node, value: Value) -> Item:
        comments = self.comments.get(id(tree))
        if comments is None:
            return Item(value)
        beside = comments.beside.get(id(node), "")
        if isinstance(value, Map) and "secret" in {item.key for item in value.items}:
            beside = ""  # the comment may contain the password
        return Item(value, above=comments.above.get(id(node), ()), beside=beside)

    # -- sections ------------------------------------------------------------------------------------------------------

    def _sections(self, block: Block) -> YamlEntry:
        first = block.parts[0].node
        assert isinstance(first, Section)  # the caller looked
        spec = names.meaning(GLOBAL, first.tag).section
        if spec is None:
            raise InexpressibleError(f"the catalogue knows no <{first.tag}> {names.where(GLOBAL)}")
        item = self._bodies(spec, block.parts)
        if not names.takes_argument(spec, GLOBAL):
            item.key = first.tag
            return YamlEntry((first.tag,), item)
        if not first.argument:
            raise InexpressibleError("it has no name")
        item.key = escaped(first.argument)
        return YamlEntry((first.tag, item.key), item)

    def _bodies(self, spec: SectionSpec, parts: Sequence[BlockPart]) -> Item:
        """The inside of all sections of one name."""
        items = []
        for part in parts:
            section = part.node
            assert isinstance(section, Section)  # sections and directives have different addresses
            items.append(self._commented(part.tree, section, self._body(spec, part.tree, section)))
        if len(items) == 1:
            return items[0]
        return _gathered(items)

    def _body(self, spec: SectionSpec, tree: Tree, section: Section) -> Value:
        if not self.text_only:
            try:
                return self._typed(spec, tree, section)
            except InexpressibleError as why:
                if _has_secret(section):
                    raise
                self.why_text = str(why)
        elif _has_secret(section):
            raise InexpressibleError("it holds a secret, and secrets are not written as text")
        lines = inner_lines(tree, section, self.comments.get(id(tree)), self.skip)
        if not lines or not all(map(scalars.fits_literal, lines)):
            raise InexpressibleError("it has characters that YAML does not take")
        self.has_text = True
        return Literal([escaped(line) for line in lines])

    def _typed(self, spec: SectionSpec, tree: Tree, section: Section) -> Value:
        if section.lead is not None:
            raise InexpressibleError("it is in a rule")
        odd = next((child for child in section.children if isinstance(child, Junk)), None)
        if odd is not None:
            raise InexpressibleError(f"line {odd.line} has an error ({odd.code})")
        comments = self.comments.get(id(tree))
        foot = comments.foot.get(id(section), ()) if comments else ()
        if spec.ordered:
            return List(self._rules(tree, section), foot, open=True)
        return Map(self._children(tree, section), foot)

    def _rules(self, tree: Tree, section: Section) -> list[Item]:
        rules = []
        for node in section.children:
            if not isinstance(node, Directive):
                raise InexpressibleError("it has lists inside its rules")
            self._spec(section.tag, node)
            rules.append(self._commented(tree, node, Text(escaped(f"{node.name} {node.value}".strip()))))
        return rules

    def _children(self, tree: Tree, section: Section) -> list[Item]:
        scope = section.tag
        grouped: dict[tuple[str, str], list[Directive | Section]] = {}
        for node in section.children:
            if isinstance(node, Section):
                grouped.setdefault(("<", node.tag), []).append(node)
            elif isinstance(node, Directive):
                grouped.setdefault(("", catalogue().canonical(scope, node.name)), []).append(node)
        items: list[Item] = []
        for nodes in grouped.values():
            first = nodes[0]
            if isinstance(first, Section):
                items.append(self._nested(tree, scope, [n for n in nodes if isinstance(n, Section)]))
            else:
                item = self._directive(scope, [(tree, n) for n in nodes if isinstance(n, Directive)])
                if item is not None:
                    items.append(item)
        if len({item.key for item in items}) < len(items):
            raise InexpressibleError("a section and a directive in it have one name")
        return items

    def _nested(self, tree: Tree, scope: str, sections: list[Section]) -> Item:
        """All sections of one kind inside another."""
        tag = sections[0].tag
        spec = names.meaning(scope, tag).section
        if spec is None:
            raise InexpressibleError(f"the catalogue knows no <{tag}> {names.where(scope)}")
        if not names.takes_argument(spec, scope):
            item = self._bodies(spec, [BlockPart(tree, section) for section in sections])
            item.key = tag
            return item
        grouped: dict[str, list[BlockPart]] = {}
        for section in sections:
            if not section.argument:
                raise InexpressibleError(f"<{tag}> in it has no name")
            grouped.setdefault(section.argument, []).append(BlockPart(tree, section))
        named = Map()
        for argument, parts in grouped.items():
            item = self._bodies(spec, parts)
            item.key = escaped(argument)
            named.items.append(item)
        return Item(named, tag)


def _gathered(items: list[Item]) -> Item:
    """Several entries as one with a list; the comments above the first stay above all."""
    whole = Item(List(items), above=items[0].above)
    items[0].above = ()
    return whole


def _name(node: Directive) -> str:
    return node.name.lower()


def _has_secret(section: Section) -> bool:
    for node in section.children:
        if isinstance(node, Section) and _has_secret(node):
            return True
        if isinstance(node, Directive) and secret_of(section.tag, node) is not None:
            return True
    return False
