"""A configuration as rules look at it: one walk, then everything by name.

Sections are seen as PowerMTA sees them, with what is included inside them; lines are also kept once each, as they
are in the files, for rules about a line alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property, lru_cache
from typing import Final

from pmtaform.diagnostics import Place
from pmtaform.lang import values
from pmtaform.lang.catalogue import GLOBAL, DirectiveSpec, catalogue
from pmtaform.lang.foreign import foreign_of, is_opaque, template_in
from pmtaform.lang.includes import UNKNOWN_CONTENTS, include_path, is_pattern, is_url
from pmtaform.lang.lint.outline import Outline, OutlineBlock
from pmtaform.lang.lint.recovered import Meant, meant_sections
from pmtaform.lang.lint.subject import FileFacts, Subject
from pmtaform.lang.lint.version import Version
from pmtaform.lang.tree import Directive, Junk, Node, Section, Tree

_MAX_DEPTH: Final = 16
_FEW: Final = 8  # lines of a section that are looked through faster than they are indexed
_MAX_REPEATED: Final = 200_000  # nodes seen again because several sections include one file


@lru_cache(maxsize=4096)  # a large configuration has few names, and each on thousands of lines
def meaning_of(scope: str, name: str) -> tuple[DirectiveSpec | None, str]:
    """A directive in a scope: what is known of it, and its name as lines have it."""
    known = catalogue().directive(scope, name)
    return known, known.name if known is not None else name.lower()


class Line:
    """One directive where it is.

    `name` is in lower case; rules that start with a regex are named `/REGEX/`. `value` is as written.
    """

    __slots__ = ("name", "node", "order", "scope", "spec", "tree", "value", "within")

    spec: DirectiveSpec | None

    def __init__(self, tree: Tree, node: Directive, scope: str, within: Part | None, order: int) -> None:
        self.tree = tree
        self.node = node
        self.value = node.value
        self.scope = scope
        self.within = within
        self.order = order
        self.spec, self.name = meaning_of(scope, node.name)

    @property
    def place(self) -> Place:
        """Where it was written."""
        return self.tree.place(self.node.line)

    @property
    def is_true(self) -> bool:
        """Whether it says yes."""
        return values.parse_bool(self.value) is True

    @property
    def is_false(self) -> bool:
        """Whether it says no."""
        return values.parse_bool(self.value) is False


class Part:
    """One section where it is, with everything in it; includes are followed.

    `key` is its argument in normal form. `lines` and `parts` are its own directives and sections.
    """

    __slots__ = ("_by_name", "key", "lines", "node", "order", "parts", "tag", "tree", "within")

    def __init__(self, tree: Tree, node: Section, within: Part | None, order: int) -> None:
        self.tree = tree
        self.node = node
        self.within = within
        self.order = order
        self.tag = node.tag
        self.key = values.normalise_argument(node.tag, node.argument)
        self.lines: list[Line] = []
        self.parts: list[Part] = []
        self._by_name: dict[str, list[Line]] | None = None

    @property
    def place(self) -> Place:
        """Where it starts."""
        return self.tree.place(self.node.line)

    @property
    def title(self) -> str:
        """`<domain gmail.com>`, fit to be shown."""
        return values.shown(f"<{self.node.tag} {self.node.argument}>" if self.node.argument else f"<{self.node.tag}>")

    def forget(self) -> None:
        """Let go of what is in it."""
        self.lines, self.parts, self._by_name = [], [], {}

    def named(self, name: str) -> list[Line]:
        """Its lines with this name."""
        if len(self.lines) < _FEW:
            return [line for line in self.lines if line.name == name]
        if self._by_name is None:
            self._by_name = {}
            for line in self.lines:
                self._by_name.setdefault(line.name, []).append(line)
        return self._by_name.get(name, [])

    def last(self, name: str) -> Line | None:
        """The last line with this name: the one that is assumed to count."""
        if len(self.lines) < _FEW:
            for line in reversed(self.lines):
                if line.name == name:
                    return line
            return None
        lines = self.named(name)
        return lines[-1] if lines else None

    def is_set_to(self, name: str, truth: bool) -> bool:
        """Whether it sets a switch to `truth`."""
        line = self.last(name)
        return line is not None and values.parse_bool(line.value) is truth


class Facts:
    """Everything that rules look at.

    With `outline`, only the chosen blocks are read, and of all others the names of sections are known. That is for
    configurations that are not templates, and have their top-level sections in tags (`touched_by`).
    """

    def __init__(self, subject: Subject, outline: Outline | None = None, chosen: Collection[OutlineBlock] = ()) -> None:
        self.subject = subject
        self._outline = outline
        self._chosen: set[int] = set()
        self._chosen_of: dict[str, list[Node]] = {}
        for tree, node in (each for block in chosen for each in block.nodes):
            if id(node) not in self._chosen:  # a file may be included twice
                self._chosen.add(id(node))
                self._chosen_of.setdefault(tree.path, []).append(node)
        self.configuration = subject.configuration
        self.tree = subject.configuration.tree
        self.whole = subject.whole
        self.version = Version.parse(subject.version)
        self.lines: list[Line] = []
        self.parts: list[Part] = []
        self.top_lines: list[Line] = []
        self.top_parts: list[Part] = []
        self.junk: list[tuple[Tree, Junk]] = []
        trees = self.configuration.trees
        own = trees if outline is None else {}  # with an outline, all of it is PowerMTA's language
        self.others = {path: language for path, tree in own.items() if (language := foreign_of(tree)) is not None}
        self.templates = {path: mark for path, tree in own.items() if (mark := template_in(tree)) is not None}
        self.opaque = {
            path for path, tree in own.items() if is_opaque(tree, self.templates.get(path), self.others.get(path))
        }
        unread = any(d.code in UNKNOWN_CONTENTS for d in self.configuration.diagnostics)
        self.complete = (subject.all_read or not unread) and not self.opaque
        self.meant: list[Meant] = []  # sections that are written as something else
        self._nodes_of: dict[str, list[Node]] = {}
        for path, tree in trees.items():
            self._nodes_of[path], meant = meant_sections(tree, self._read(tree))
            self.meant += meant
        self.memory: dict[str, object] = {}  # what families of rules work out once
        self._seen: set[str] = set()
        self._repeated = 0
        self._order = 0
        self._file(self.tree, None, (), again=False)

    # -- the walk --------------------------------------------------------------------------------------------------

    def _read(self, tree: Tree) -> list[Node]:
        """The nodes of a file that are read: lines that make no sense always, blocks if they are chosen."""
        if self._outline is None or tree.path in self.configuration.fragments:
            return tree.children
        nodes = [*self._chosen_of.get(tree.path, ()), *(node for other, node in self._outline.junk if other is tree)]
        return sorted(nodes, key=lambda node: node.line)

    def _file(self, tree: Tree, within: Part | None, above: tuple[str, ...], *, again: bool) -> None:
        again = again or tree.path in self._seen
        self._seen.add(tree.path)
        self._nodes(tree, self._nodes_of[tree.path], within, (*above, tree.path), again=again)

    def _nodes(
        self, tree: Tree, nodes: list[Node], within: Part | None, above: tuple[str, ...], *, again: bool
    ) -> None:
        scope = tree.scope if within is None else within.tag
        lines, parts = (self.top_lines, self.top_parts) if within is None else (within.lines, within.parts)
        for node in nodes:
            self._order += 1
            if again:
                self._repeated += 1
                if self._repeated > _MAX_REPEATED:
                    return
            if isinstance(node, Directive):
                line = Line(tree, node, scope, within, self._order)
                lines.append(line)
                if not again:
                    self.lines.append(line)
                if line.name == "include" and node.value:
                    self._include(node.value, within, above, again=again)
            elif isinstance(node, Section):
                part = Part(tree, node, within, self._order)
                parts.append(part)
                if not again:
                    self.parts.append(part)
                self._nodes(tree, node.children, part, above, again=again)
            elif not again:
                self.junk.append((tree, node))

    def _include(self, value: str, inside: Part | None, above: tuple[str, ...], *, again: bool) -> None:
        path = include_path(value)
        if is_url(path) or (is_pattern(path) and path not in self.configuration.patterns):
            self.complete = False
            return
        for target in self.configuration.targets(value):
            tree = self.configuration.trees.get(target)
            if tree is None:
                self.complete = self.complete and self.subject.all_read
            elif target not in above and len(above) <= _MAX_DEPTH:
                self._file(tree, inside, above, again=again)

    def forget(self) -> None:
        """Let go of everything. Lines and sections refer to each other, and would keep their trees until a collection.

        For a fleet of fifty that was 100 MB.
        """
        pending = list(self.top_parts)
        while pending:
            part = pending.pop()
            pending += part.parts
            part.forget()
        self.memory.clear()

    # -- looking up ------------------------------------------------------------------------------------------------

    @cached_property
    def by_name(self) -> dict[str, list[Line]]:
        """Every line once, by its name."""
        by_name: dict[str, list[Line]] = {}
        for line in self.lines:
            by_name.setdefault(line.name, []).append(line)
        return by_name

    @cached_property
    def unknown(self) -> list[Line]:
        """Every line once whose directive is not known where it is."""
        return [line for line in self.lines if line.spec is None]

    @cached_property
    def alike(self) -> list[list[Line]]:
        """Every other line once, those together that have the same directive and value in the same kind of section.

        A large configuration has a tenth as many of these as lines.
        """
        alike: dict[tuple[str, str, str], list[Line]] = {}
        for line in self.lines:
            if line.spec is not None:
                node = line.node
                alike.setdefault((line.scope, node.name, node.value), []).append(line)
        return list(alike.values())

    @cached_property
    def by_tag(self) -> dict[str, list[Part]]:
        """Every section once, by its tag."""
        by_tag: dict[str, list[Part]] = {}
        for part in self.parts:
            by_tag.setdefault(part.tag, []).append(part)
        return by_tag

    def named(self, *names: str) -> Iterator[Line]:
        """Every line with one of these names, once each."""
        for name in names:
            yield from self.by_name.get(name, ())

    def holders(self, *names: str) -> list[Part]:
        """The sections that have a line with one of these names, once each."""
        if self._repeated:  # a file that several sections include has its lines once in `named`
            return [part for part in self.parts if any(map(part.named, names))]
        parts = {id(line.within): line.within for line in self.named(*names)}
        return [part for part in parts.values() if part is not None]

    def settings(self, name: str) -> list[Line]:
        """The top-level lines with this name."""
        return self._settings.get(name, [])

    @cached_property
    def _settings(self) -> dict[str, list[Line]]:
        by_name: dict[str, list[Line]] = {}
        for line in self.top_lines:
            if line.scope == GLOBAL:
                by_name.setdefault(line.name, []).append(line)
        return by_name

    def setting(self, name: str) -> Line | None:
        """The last top-level line with this name."""
        lines = self.settings(name)
        return lines[-1] if lines else None

    def top(self, tag: str) -> list[Part]:
        """The top-level sections with this tag."""
        return self._top.get(tag, [])

    @cached_property
    def _top(self) -> dict[str, list[Part]]:
        by_tag: dict[str, list[Part]] = {}
        for part in self.top_parts:
            by_tag.setdefault(part.tag, []).append(part)
        return by_tag

    @cached_property
    def defaults(self) -> Facts | None:
        """The vendor's defaults, as facts."""
        configuration = self.subject.defaults
        if configuration is None or configuration.main in self.configuration.trees:
            return None
        return Facts(Subject(configuration=configuration))

    def defined(self, tag: str) -> dict[str, Part]:
        """The top-level sections with this tag by name, the vendor's defaults included."""
        if tag not in self._defined:
            by_name = {part.key: part for part in (self.defaults.top(tag) if self.defaults else [])}
            by_name.update((part.key, part) for part in self._not_read(tag))
            by_name.update((part.key, part) for part in reversed(self.top(tag)))
            self._defined[tag] = by_name
        return self._defined[tag]

    def _not_read(self, tag: str) -> Iterator[Part]:
        """The sections with this tag that were not chosen, as if they were empty."""
        for tree, node in self._outline.sections(tag) if self._outline is not None else ():
            if id(node) not in self._chosen:
                yield Part(tree, node, None, 0)

    @cached_property
    def _defined(self) -> dict[str, dict[str, Part]]:
        return {}

    def names(self, tags: tuple[str, ...]) -> list[str]:
        """The names of `defined`, of several kinds of section together."""
        return [name for tag in tags for name in self.defined(tag)]

    def lower_names(self, tag: str) -> dict[str, str]:
        """The names of `defined` by their lower case."""
        if tag not in self._lower:
            self._lower[tag] = {name.lower(): name for name in self.defined(tag)}
        return self._lower[tag]

    @cached_property
    def _lower(self) -> dict[str, dict[str, str]]:
        return {}

    @cached_property
    def macros(self) -> dict[str, list[Line]]:
        """The lines that define each domain-macro, the vendor's defaults included."""
        by_name: dict[str, list[Line]] = {}
        defaults = self.defaults.settings("domain-macro") if self.defaults else []
        for line in (*self.settings("domain-macro"), *defaults):
            name = line.value.split(None, 1)[0] if line.value else ""
            by_name.setdefault(name, []).append(line)
        return by_name

    def file(self, path: str) -> FileFacts | None:
        """What is known of a file; None when nothing is."""
        return None if self.subject.files is None else self.subject.files.get(path)
