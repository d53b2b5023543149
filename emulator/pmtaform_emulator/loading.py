"""Load a configuration as a server does: all files in order, up to the first error."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from glob import glob
from typing import Final

from pmtaform.diagnostics.codes.language import MALFORMED_TAG, STRAY_CLOSING_TAG
from pmtaform.lang.catalogue import GLOBAL, DirectiveSpec, catalogue
from pmtaform.lang.includes import include_path, is_pattern, is_url
from pmtaform.lang.parsing import parse_bytes
from pmtaform.lang.tree import Directive, Junk, Node, Section, Tree
from pmtaform.lang.values import argument_problem, problem
from pmtaform_emulator.layout import CONFIG, DEFAULTS, Layout, release

_MAX_DEPTH: Final = 16
_JUNK: Final = {STRAY_CLOSING_TAG.code: "closes nothing", MALFORMED_TAG.code: "malformed tag"}


class LoadError(Exception):
    """Why a configuration does not load, in the form that the guide shows (docs/powermta/operations.md section 2)."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"Error in line {line} of {file}: {reason}")


class Unreadable(Exception):
    """A file of the configuration cannot be read at all."""


@dataclass(slots=True)
class LoadedDirective:
    """One directive, its place, and its entry in the catalogue."""

    file: str
    line: int
    name: str
    value: str
    spec: DirectiveSpec


@dataclass(slots=True)
class LoadedSection:
    """One section and its content, that of included files too."""

    file: str
    line: int
    tag: str
    argument: str
    content: list[LoadedDirective | LoadedSection] = field(default_factory=list)
    seen: set[tuple[str, ...]] = field(default_factory=set)

    def items(self, name: str = "") -> Iterator[LoadedDirective]:
        """Its own directives, or those called `name`."""
        return (c for c in self.content if isinstance(c, LoadedDirective) and name in ("", c.name))

    def groups(self, tag: str) -> Iterator[LoadedSection]:
        """The sections in it that have this tag."""
        return (c for c in self.content if isinstance(c, LoadedSection) and c.tag == tag)


@dataclass(slots=True)
class Loaded:
    """A configuration that was read: its files by PowerMTA's paths, its lines in order, what a strict server rejects.

    `patterns` has the files that each wildcard of an include matched.
    """

    files: dict[str, bytes]
    top: LoadedSection
    oddities: list[LoadError]
    patterns: dict[str, list[str]] = field(default_factory=dict)


def read(layout: Layout, *, version: str = "5.0", strict: bool = False) -> Loaded:
    """Read the configuration under a root, `config-defaults` first if it is there.

    Raises `LoadError` at the first line that stops a load, `Unreadable` when the main file cannot be opened.
    """
    reader = _Reader(layout, version)
    if layout.real(DEFAULTS).is_file():
        reader.file(DEFAULTS, GLOBAL, reader.top, 0)
    reader.file(CONFIG, GLOBAL, reader.top, 0)
    if strict and reader.oddities:
        raise reader.oddities[0]
    return Loaded(reader.files, reader.top, reader.oddities, reader.patterns)


class _Reader:
    def __init__(self, layout: Layout, version: str) -> None:
        self.layout = layout
        self.release = release(version)
        self.files: dict[str, bytes] = {}
        self.top = LoadedSection(CONFIG, 1, GLOBAL, "")
        self.oddities: list[LoadError] = []
        self.patterns: dict[str, list[str]] = {}
        self.known = catalogue()
        self.fine: set[tuple[int, str]] = set()

    def file(self, path: str, scope: str, into: LoadedSection, depth: int) -> None:
        try:
            content = self.layout.real(posixpath.normpath(path)).read_bytes()
        except OSError as error:
            raise Unreadable(f"Cannot open {path}: {error.strerror}") from error
        self.files[path] = content
        tree = parse_bytes(content, path, scope=scope)
        for diagnostic in tree.diagnostics:
            line = diagnostic.place.line if diagnostic.place else None
            self.oddities.append(LoadError(path, line or 1, diagnostic.summary.lower()))
        self.nodes(tree, tree.children, into, depth)

    def nodes(self, tree: Tree, nodes: list[Node], into: LoadedSection, depth: int) -> None:
        for node in nodes:
            if isinstance(node, Section):
                self.section(tree, node, into, depth)
            elif isinstance(node, Junk):
                raise LoadError(tree.path, node.line, f"{_JUNK.get(node.code, 'unknown directive')}: {node.text[:60]}")
            else:
                self.directive(tree, node, into, depth)

    def directive(self, tree: Tree, node: Directive, into: LoadedSection, depth: int) -> None:
        spec = self.known.directive(into.tag, node.name)
        if spec is None or release(spec.since or "") > self.release:
            raise LoadError(tree.path, node.line, self.why_not(into.tag, node.name))
        if not node.value:
            raise LoadError(tree.path, node.line, "argument missing")
        key = (id(spec), node.value)
        if key not in self.fine:
            if wrong := problem(spec, node.value):
                raise LoadError(tree.path, node.line, wrong.rstrip("."))
            self.fine.add(key)
        name = spec.canonical or (spec.name if spec.name != "/REGEX/" else node.name)
        if (name,) in into.seen and spec.repeat == "once":
            raise LoadError(tree.path, node.line, f"{name} given twice")
        if (name,) in into.seen and spec.repeat == "single" and not name.startswith("/"):
            self.odd(tree, node, f"{name} given twice")
        if spec.status.startswith("removed"):
            self.odd(tree, node, f"{name} was removed")
        into.seen.add((name,))
        into.content.append(LoadedDirective(tree.path, node.line, name, node.value, spec))
        if name == "include":
            self.include(tree, node, into, depth)

    def include(self, tree: Tree, node: Directive, into: LoadedSection, depth: int) -> None:
        path = include_path(node.value)
        if is_url(path):
            self.odd(tree, node, "the emulator reads nothing over the network")
            return
        if not path.startswith("/"):
            self.odd(tree, node, "the path of an include must be absolute")
            path = posixpath.join(posixpath.dirname(CONFIG), path)
        if depth >= _MAX_DEPTH:
            raise LoadError(tree.path, node.line, f"include of {path} is nested too deep")
        targets = self.matches(path) if is_pattern(path) else [path]
        if not targets:
            self.odd(tree, node, f"no file matches {path}")
        for target in targets:
            try:
                self.file(target, into.tag, into, depth + 1)
            except Unreadable as error:
                raise LoadError(tree.path, node.line, str(error)[:1].lower() + str(error)[1:]) from error

    def matches(self, pattern: str) -> list[str]:
        # As in a shell, a wildcard names no hidden file.
        pattern_below = posixpath.normpath(pattern).lstrip("/")
        matches = glob(pattern_below, root_dir=self.layout.root)  # noqa: PTH207  (Path.glob names hidden files)
        self.patterns[pattern] = sorted("/" + path for path in matches if self.layout.real(path).is_file())
        return self.patterns[pattern]

    def section(self, tree: Tree, node: Section, into: LoadedSection, depth: int) -> None:
        spec = self.known.section(node.tag)
        parent = None if into.tag == GLOBAL else into.tag
        if spec is None or release(spec.since or "") > self.release:
            raise LoadError(tree.path, node.line, f"unknown section <{node.tag}>")
        if not self.known.may_stand_in(node.tag, parent):
            raise LoadError(tree.path, node.line, f"<{node.tag}> does not belong {_inside(into.tag)}")
        if not node.argument and spec.argument_required and parent != node.tag:
            raise LoadError(tree.path, node.line, "argument missing")
        if node.argument and (wrong := argument_problem(node.tag, node.argument)):
            raise LoadError(tree.path, node.line, wrong.rstrip("."))
        key = (node.tag, node.argument)
        if key in into.seen and spec.duplicates.startswith("Only one"):
            raise LoadError(tree.path, node.line, f"<{node.tag}> given twice")
        if key in into.seen and node.lead is None:
            self.odd(tree, node, f"<{node.tag} {node.argument}> given twice")
        into.seen.add(key)
        if node.lead and self.known.directive(node.tag, node.lead[0]) is None:
            raise LoadError(tree.path, node.line, self.why_not(node.tag, node.lead[0]))
        group = LoadedSection(tree.path, node.line, node.tag, node.argument)
        into.content.append(group)
        self.nodes(tree, node.children, group, depth)
        if not node.closed:
            raise LoadError(tree.path, node.line, f"<{node.tag}> is not closed")

    def odd(self, tree: Tree, node: Node, reason: str) -> None:
        self.oddities.append(LoadError(tree.path, node.line, reason))

    def why_not(self, scope: str, name: str) -> str:
        elsewhere = self.known.anywhere(name)
        if elsewhere and any(release(spec.since or "") <= self.release for spec in elsewhere):
            return f"{name[:60]} does not belong {_inside(scope)}"
        return f"unknown directive {name[:60]}"


def _inside(scope: str) -> str:
    return "at top level" if scope == GLOBAL else f"in <{scope}>"
