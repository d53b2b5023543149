"""What of a configuration matters to queues: domains, virtual MTAs, pools and macros, includes followed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.includes import Configuration
from pmtaform.lang.tree import Directive, Junk, Node, Section, Tree
from pmtaform.lang.values.text import lower_domain, split, unquoted

_MAX_DEPTH: Final = 16
VMTA: Final = "virtual-mta"
POOL: Final = "virtual-mta-pool"
DOMAIN: Final = "domain"
ROLLUP: Final = "mx-rollup-list"


class SectionLines:
    """One domain section. `order` counts sections as they are read; `vendor`: it is in config-defaults."""

    def __init__(self, owner: str, argument: str, nodes: Nodes, order: int, *, vendor: bool) -> None:
        self.owner = owner
        self.argument = argument
        self.order = order
        self.vendor = vendor
        self._nodes = nodes

    @cached_property
    def title(self) -> str:
        """The section in words: `<domain *> in <virtual-mta v1>`."""
        return f"<domain {self.argument}>" + (f" in {self.owner}" if self.owner else "")

    @cached_property
    def lines(self) -> dict[str, list[SourceLine]]:
        """Its lines by canonical name."""
        by_name: dict[str, list[SourceLine]] = {}
        for line in self._nodes.lines(DOMAIN, self.title):
            by_name.setdefault(line.name, []).append(line)
        return by_name

    def is_same(self, other: SectionLines) -> bool:
        """Whether both are the same section for the same names (see `EffectiveReading.of`)."""
        return self._nodes is other._nodes and self.owner == other.owner

    @cached_property
    def written(self) -> str | None:
        """The text inside it, to see quickly that nothing changed; None where that does not show (an include)."""
        return self._nodes.text

    @cached_property
    def meaning(self) -> tuple[tuple[str, str], ...]:
        """What it says, in normal form, each directive's lines in order; equal where PowerMTA sees no difference."""
        return tuple(normal(line) for _, lines in sorted(self.lines.items()) for line in lines)


def normal(line: SourceLine, scope: str = DOMAIN) -> tuple[str, str]:
    """The line's name and its value as compared."""
    return line.name, values.normalise(catalogue().directive(scope, line.name), line.value)


class Owner:
    """A virtual MTA or a pool: all sections with its name."""

    def __init__(self, tag: str, name: str) -> None:
        self.tag = tag
        self.name = name
        self.parts: list[tuple[Nodes, int, bool]] = []  # content, order of its first domain, from config-defaults

    @property
    def title(self) -> str:
        """The section in words."""
        return f"<{self.tag} {self.name}>"

    @cached_property
    def lines(self) -> list[list[SourceLine]]:
        """Its own lines, section by section."""
        return [list(nodes.lines(self.tag, self.title)) for nodes, _, _ in self.parts]

    @cached_property
    def settings(self) -> list[list[SourceLine]]:
        """As `lines`, without the members of a pool: there may be thousands."""
        return [[line for line in lines if line.name != VMTA] for lines in self.lines]

    def is_same(self, other: Owner) -> bool:
        """Whether both have the same sections: the very same objects (see `EffectiveReading.of`)."""
        mine, others = self.parts, other.parts
        if len(mine) == len(others) == 1:
            return mine[0][0] is others[0][0]
        return [part[0] for part in mine] == [part[0] for part in others]

    @cached_property
    def written(self) -> tuple[str, ...] | None:
        """The text of its sections, to see quickly that nothing changed; None where that does not show (an include)."""
        texts = [nodes.text for nodes, _, _ in self.parts]
        return tuple(text for text in texts if text is not None) if None not in texts else None

    @cached_property
    def domains(self) -> list[SectionLines]:
        """Its domain sections, in order."""
        return [body for nodes, order, vendor in self.parts for body in nodes.domains(self.title, order, vendor=vendor)]


class Nodes:
    """The inside of a section, read on demand."""

    __slots__ = ("_text", "configuration", "section", "tree")

    def __init__(self, configuration: Configuration, tree: Tree, section: Section) -> None:
        self.configuration = configuration
        self.tree = tree
        self.section = section
        self._text: tuple[str | None] | None = None

    @property
    def text(self) -> str | None:
        """The lines of the section as written, without its tags' lines; None if it may include other files."""
        if self._text is None:  # a `cached_property` takes a lock, as long as all of this
            text = "".join(self.tree.lines[self.section.line : self.section.end - 1])
            self._text = (None if "include" in text.lower() else text,)
        return self._text[0]

    def is_same(self, other: Nodes) -> bool:
        """Whether another section has the same tag, argument and text, and includes nothing."""
        here, there = self.section, other.section
        if here is there:  # trees share a node only where they have the same lines
            return other.text is not None
        if (here.tag, here.argument, here.closed) != (there.tag, there.argument, there.closed):
            return False
        same = self.tree.lines[here.line : here.end - 1] == other.tree.lines[there.line : there.end - 1]
        return same and other.text is not None

    def walk(self) -> Iterator[tuple[Tree, Node]]:
        """Every node, includes followed where they are."""
        return _walk(self.configuration, self.tree, self.section.children, (self.tree.path,))

    def lines(self, scope: str, title: str) -> Iterator[SourceLine]:
        """Its directives but `include`, which stands for what it includes."""
        known = catalogue()
        for tree, node in self.walk():
            if isinstance(node, Directive):
                name = known.canonical(scope, node.name)
                if name != "include":
                    yield SourceLine(name, node.value, node.line, title, tree)

    def domains(self, owner: str, order: int, *, vendor: bool) -> Iterator[SectionLines]:
        """The domain sections in it."""
        for tree, node in self.walk():
            if isinstance(node, Section) and node.tag == DOMAIN:
                nodes = Nodes(self.configuration, tree, node)
                yield SectionLines(owner, node.argument, nodes, order, vendor=vendor)
                order += 1


def _walk(
    configuration: Configuration, tree: Tree, nodes: Iterable[Node], above: tuple[str, ...]
) -> Iterator[tuple[Tree, Node]]:
    for node in nodes:
        if isinstance(node, Junk):
            continue
        yield tree, node
        if isinstance(node, Directive) and node.name.lower() == "include" and len(above) <= _MAX_DEPTH:
            for path in configuration.targets(node.value):
                inner = configuration.trees.get(path)
                if inner is not None and path not in above:
                    yield from _walk(configuration, inner, inner.children, (*above, path))


@dataclass(slots=True)
class EffectiveReading:
    """One configuration, sorted by what it is about. `config-defaults`, if given, is read first."""

    macros: dict[str, list[str]] = field(default_factory=dict)
    twice: set[str] = field(default_factory=set)  # macros that are defined more than once
    domains: list[SectionLines] = field(default_factory=list)
    virtual_mtas: dict[str, Owner] = field(default_factory=dict)
    pools: dict[str, Owner] = field(default_factory=dict)
    pools_of: dict[str, list[str]] = field(default_factory=dict)  # by virtual MTA
    lines: dict[str, list[SourceLine]] = field(default_factory=dict)  # at top level
    pattern_lists: dict[str, list[Nodes]] = field(default_factory=dict)
    sections: dict[str, list[Nodes]] = field(default_factory=dict)  # all other sections, by tag
    rollups: dict[str, str] = field(default_factory=dict)  # the queue of each MX pattern, the first rule for it
    order: int = 0
    parts: dict[tuple[str, str], list[Nodes]] = field(default_factory=dict)  # every section, by tag and argument
    beside: EffectiveReading | None = None
    for_virtual_mtas: tuple[str, ...] | None = None  # directives at top level that hold for virtual MTAs, once known

    @classmethod
    def of(
        cls,
        configuration: Configuration,
        defaults: Configuration | None = None,
        beside: EffectiveReading | None = None,
    ) -> EffectiveReading:
        """Read a configuration. Sections that `beside` has, too, are read once for both: they are the same objects."""
        reading = cls(beside=beside)
        for side, vendor in ((defaults, True), (configuration, False)):
            if side is not None:
                for tree, node in side.top_level():
                    reading._take(side, tree, node, vendor)
        reading._find_members()
        reading.beside = None
        return reading

    @property
    def host_names(self) -> frozenset[str]:
        """The names that the server calls its own, as far as the configuration says."""
        return frozenset(lower_domain(unquoted(line.value)) for line in self.lines.get("host-name", ()))

    def _take(self, configuration: Configuration, tree: Tree, node: Node, vendor: bool) -> None:
        if isinstance(node, Directive):
            self._take_line(tree, node)
        elif isinstance(node, Section):
            self.order += 1
            nodes = self._nodes(configuration, tree, node)
            if node.tag == DOMAIN:
                self.domains.append(SectionLines("", node.argument, nodes, self.order, vendor=vendor))
            elif node.tag in (VMTA, POOL):
                owners = self.virtual_mtas if node.tag == VMTA else self.pools
                owner = owners.setdefault(node.argument, Owner(node.tag, node.argument))
                owner.parts.append((nodes, self.order, vendor))
                self.order += node.end - node.line  # at least as many as it has domains
            elif node.tag == "smtp-pattern-list":
                self.pattern_lists.setdefault(node.argument, []).append(nodes)
            elif node.tag == ROLLUP:
                self._take_rollups(node)
            else:
                self.sections.setdefault(node.tag, []).append(nodes)

    def _nodes(self, configuration: Configuration, tree: Tree, section: Section) -> Nodes:
        nodes = Nodes(configuration, tree, section)
        known = self.parts.setdefault((section.tag, section.argument), [])
        others = self.beside.parts.get((section.tag, section.argument), ()) if self.beside is not None else ()
        if len(known) < len(others) and nodes.is_same(others[len(known)]):
            nodes = others[len(known)]
        known.append(nodes)
        return nodes

    def _take_rollups(self, section: Section) -> None:
        for node in section.children:
            words = node.value.split() if isinstance(node, Directive) and node.name.lower() == "mx" else []
            if len(words) >= 2:
                self.rollups.setdefault(lower_domain(unquoted(words[0])), lower_domain(unquoted(words[1])))

    def _take_line(self, tree: Tree, node: Directive) -> None:
        name = catalogue().canonical(GLOBAL, node.name)
        if name == "domain-macro":
            macro, *rest = node.value.split(None, 1) or [""]
            if macro in self.macros:
                self.twice.add(macro)
            parts = split(rest[0]) if rest else []
            self.macros.setdefault(macro, []).extend(part for part in parts if part)
        elif name != "include":
            self.lines.setdefault(name, []).append(SourceLine(name, node.value, node.line, "", tree))

    def _find_members(self) -> None:
        spec = catalogue().directive(POOL, VMTA)
        for pool in self.pools.values():
            for lines in pool.lines:
                for line in lines:
                    if line.name == VMTA:
                        pools = self.pools_of.setdefault(values.normalise(spec, line.value), [])
                        if pool.name not in pools:
                            pools.append(pool.name)
