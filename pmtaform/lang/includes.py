"""Following `include`: several files read as one configuration.

Facts (docs/powermta/language.md section 4): `include PATH`, wildcards allowed, at top level and inside source, domain,
virtual-mta and smtp-pattern-list; the content is read in the scope of the line. The order of a wildcard's matches is
not documented: they are read in byte order, and nothing should depend on it. URLs are not read.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from pmtaform.diagnostics import Diagnostic, Place
from pmtaform.diagnostics.codes.language import INCLUDE_LOOP, INCLUDE_NOT_READ, MISSING_INCLUDE, RELATIVE_INCLUDE
from pmtaform.lang.parsing import parse_bytes
from pmtaform.lang.tree import Directive, Node, Tree, decode

_WILDCARDS = frozenset("*?[")
_MAX_DEPTH = 16
UNKNOWN_CONTENTS = frozenset({MISSING_INCLUDE.code, INCLUDE_NOT_READ.code})  # codes: files that were not seen


def is_pattern(argument: str) -> bool:
    """Whether an include argument has wildcards."""
    return not _WILDCARDS.isdisjoint(argument)


def is_url(argument: str) -> bool:
    """Whether an include argument is a web address (later 5.0), which pmtaform does not follow."""
    return include_path(argument).lower().startswith(("http://", "https://"))


def include_path(argument: str) -> str:
    """The file or pattern that an include names: quotes removed."""
    if len(argument) >= 2 and argument[0] == argument[-1] == '"':
        return argument[1:-1]
    return argument


def may_name(argument: str, path: str) -> bool:
    """Whether an include argument can lead to `path`: a wildcard takes no slash, and no dot at the start."""
    wanted, names = include_path(argument).split("/"), path.split("/")
    return len(wanted) == len(names) and all(
        fnmatchcase(f, w) and (not f.startswith(".") or w.startswith(".")) for w, f in zip(wanted, names, strict=True)
    )


def include_arguments(tree: Tree) -> list[tuple[str, str, Directive]]:
    """Every include of a tree that leads to files: (path or pattern, scope it is in, directive)."""
    arguments = []
    for scope, node in tree.walk_where("include"):
        if isinstance(node, Directive) and node.name.lower() == "include" and node.value and not is_url(node.value):
            arguments.append((include_path(node.value), scope, node))
    return arguments


def includes_in(path: str, content: bytes) -> list[str]:
    """The files and patterns that a configuration file includes, as they are written."""
    mentions = content.lower().count(b"include")
    if not mentions:
        return []
    plain = list(_PLAIN.finditer(content))
    if len(plain) == mentions and not any(_may_be_swallowed(content, match.start()) for match in plain):
        return [argument for match in plain if not is_url(argument := decode(match[1]))]
    return [argument for argument, _, _ in include_arguments(parse_bytes(content, path))]


# An include on a separate line, its argument without quotes, comment or anything that may go on below.
_PLAIN = re.compile(rb"(?im)^[ \t]*include[ \t]+([!$-~]*[!$-+\--;=?-z|~])[ \t]*\r?$")
_REGEX_LINES = 20  # as far as the parser looks for the end of a broken regex
_RULE = re.compile(rb"[ \t\r\x0b\x0c]*(?:/|reply|mail-from|rcpt-to|header)", re.IGNORECASE)


def _may_be_swallowed(content: bytes, at: int) -> bool:
    """Whether the line may be part of a regex that is broken over lines: a rule is not far above it."""
    start = at
    for _ in range(_REGEX_LINES + 1):
        start = content.rfind(b"\n", 0, max(start, 0))
    return any(_RULE.match(line) for line in content[start + 1 : at].split(b"\n"))


def absolute_includes(path: str, content: bytes) -> list[str]:
    """The includes with an absolute path, for `probe`."""
    return [argument for argument in includes_in(path, content) if argument.startswith("/")]


def _may(content: bytes) -> bool:
    """Whether a file can include others, without parsing it."""
    return b"include" in content.lower()


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Configuration:
    """The files of one host, read as PowerMTA reads them.

    `trees` maps path to tree, the main file first; `patterns` maps each include pattern to the files it named.
    `fragments` are the paths that are included inside a section: their content belongs to that section.
    """

    main: str
    trees: Mapping[str, Tree]
    patterns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fragments: frozenset[str] = frozenset()
    diagnostics: tuple[Diagnostic, ...] = ()
    _top: list[tuple[tuple[Tree, Node], ...]] = field(default_factory=list, init=False, compare=False, repr=False)

    @property
    def tree(self) -> Tree:
        """The main file's tree."""
        return self.trees[self.main]

    def targets(self, argument: str) -> tuple[str, ...]:
        """The files that an include argument names here."""
        path = include_path(argument)
        return self.patterns.get(path, ()) if is_pattern(path) else (path,)

    def top_level(self) -> Iterator[tuple[Tree, Node]]:
        """Every node at top level, includes followed where they are."""
        if not self._top:  # a plan of a host asks nine times
            self._top.append(tuple(self._nodes(self.tree, ())))
        return iter(self._top[0])

    def _nodes(self, tree: Tree, above: tuple[str, ...]) -> Iterator[tuple[Tree, Node]]:
        here = (*above, tree.path)
        for node in tree.children:
            yield tree, node
            if isinstance(node, Directive) and node.name.lower() == "include" and len(here) <= _MAX_DEPTH:
                for path in self.targets(node.value):
                    if path in self.trees and path not in here:
                        yield from self._nodes(self.trees[path], here)


def read_configuration(
    main: str,
    files: Mapping[str, bytes],
    patterns: Mapping[str, Sequence[str]] | None = None,
    unread: Mapping[str, str] | None = None,
    trees: Mapping[str, Tree] | None = None,
) -> Configuration:
    """Parse a host's files, following includes from `main`.

    `files` has the content of every known file by its absolute path; `patterns` what each wildcard names; `unread` why
    a file that exists was not read. `trees` are files that are parsed already. Includes that are missing, not read,
    circular or relative are in `diagnostics`.
    """
    named = {pattern: tuple(sorted(paths)) for pattern, paths in (patterns or {}).items()}
    reader = _Reader(files, named, unread or {}, trees or {})
    reader.read(main, "global", (), None)
    diagnostics = reader.diagnostics
    if main not in reader.trees:
        reader.trees[main] = parse_bytes(b"", main)
        diagnostics = [d for d in diagnostics if d.code not in UNKNOWN_CONTENTS]
    return Configuration(main, reader.trees, named, frozenset(reader.fragments), tuple(diagnostics))


class _Reader:
    """Reads files into trees, from an include to the next."""

    def __init__(
        self,
        files: Mapping[str, bytes],
        named: Mapping[str, Sequence[str]],
        unread: Mapping[str, str],
        parsed: Mapping[str, Tree],
    ) -> None:
        self._files = files
        self._parsed = parsed
        self._named = named
        self._unread = unread
        self.trees: dict[str, Tree] = {}
        self.fragments: set[str] = set()
        self.diagnostics: list[Diagnostic] = []

    def read(self, path: str, scope: str, above: tuple[str, ...], place: Place | None) -> None:
        """Read a file and what it includes. `above` are the files that include it, `place` is where."""
        problem = self._problem(path, above, place)
        if problem is not None:
            self.diagnostics.append(problem)
        elif path not in self.trees:
            tree = self.trees[path] = self._tree(path, scope)
            if scope != "global":
                self.fragments.add(path)
            if path in self._parsed or _may(self._files[path]):
                self._follow(tree, (*above, path))

    def _tree(self, path: str, scope: str) -> Tree:
        tree = self._parsed.get(path)
        if tree is not None and tree.scope == scope:
            return tree
        return parse_bytes(self._files[path] if tree is None else tree.to_bytes(), path, scope=scope)

    def _problem(self, path: str, above: tuple[str, ...], place: Place | None) -> Diagnostic | None:
        if path in above:
            return _circle(path, place)
        if path in self.trees:
            return None
        if path not in self._files and path not in self._parsed:
            why = self._unread.get(path)
            return _missing(path, place) if why is None else _not_read(path, why, place)
        return _circle(path, place) if len(above) > _MAX_DEPTH else None

    def _follow(self, tree: Tree, above: tuple[str, ...]) -> None:
        for argument, scope, node in include_arguments(tree):
            for target in self._named.get(argument, ()) if is_pattern(argument) else (argument,):
                place = tree.place(node.line)
                if posixpath.isabs(target):
                    self.read(target, scope, above, place)
                else:
                    self.diagnostics.append(_relative(target, place))


def single(tree: Tree) -> Configuration:
    """A configuration of one tree, its includes not followed."""
    return Configuration(tree.path, {tree.path: tree})


def _missing(path: str, place: Place | None) -> Diagnostic:
    return MISSING_INCLUDE.diagnostic(
        f"{path} is not where this configuration was read, so its content is not known. PowerMTA's reaction is "
        "not documented; it may reject the "
        "configuration. Create the file or remove the include.",
        place,
    )


def _not_read(path: str, why: str, place: Place | None) -> Diagnostic:
    return INCLUDE_NOT_READ.diagnostic(
        f"{path} exists, but it was not read: {why}. Its settings are not known.",
        place,
    )


def _circle(path: str, place: Place | None) -> Diagnostic:
    return INCLUDE_LOOP.diagnostic(
        f"{path} is included from within itself (or more than {_MAX_DEPTH} deep). Remove one of the includes.",
        place,
    )


def _relative(path: str, place: Place | None) -> Diagnostic:
    return RELATIVE_INCLUDE.diagnostic(
        f"The folder that `{path}` is relative to is not documented, so the file is not read. Write the absolute path.",
        place,
    )
