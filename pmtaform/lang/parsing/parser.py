"""The loop over the lines of a file: plain nodes are taken as they are, others are read line by line."""

from __future__ import annotations

from collections.abc import Sequence

from pmtaform.diagnostics import Place
from pmtaform.lang.parsing.builder import TreeBuilder
from pmtaform.lang.parsing.careful import CarefulReader
from pmtaform.lang.parsing.hidden import has_odd_blanks, report_hidden
from pmtaform.lang.parsing.plain import LineMeanings, PlainReader, fits
from pmtaform.lang.parsing.quick import BLANK, CLOSE, DIRECTIVE, OPEN, Meanings
from pmtaform.lang.tree import Directive, Section, Tree


def parsed(text: str, path: str, scope: str, origins: Sequence[Place | None] | None) -> Tree:
    """The tree of a text."""
    build = TreeBuilder(text, path, scope, origins)
    report_hidden(build, text)
    careful = has_odd_blanks(text)
    plain = LineMeanings(Meanings(careful=careful).of(build.lines))
    is_plain = _take_all(build, plain, CarefulReader(build, careful=careful))
    tree = build.finish()
    tree.plain = plain if is_plain and not tree.diagnostics else None
    return tree


def _take_all(build: TreeBuilder, plain: LineMeanings, reader: CarefulReader) -> bool:
    """Take every line into the tree. Returns whether all of them are plain."""
    lines = LineReader(build, plain, reader)
    nodes = PlainReader(plain, build.tree.children, 0, len(plain.meanings))
    at = nodes.take(0)
    is_plain = at == len(plain.meanings)
    while at < len(plain.meanings):
        at = nodes.take(lines.read(at))
    return is_plain


class LineReader:
    """Takes lines one by one into a tree."""

    def __init__(self, build: TreeBuilder, plain: LineMeanings, reader: CarefulReader) -> None:
        self._build = build
        self._meanings = plain.meanings
        self._reader = reader

    def read(self, at: int) -> int:
        """Take lines from index `at` on, with all that is in them, until no section is open. Returns the next line."""
        build, meanings = self._build, self._meanings
        opened, children = build.open, build.children
        while at < len(meanings):
            kind, name, value = meanings[at]
            at += 1
            if kind == DIRECTIVE:
                children.append(Directive(at, name, value))
            elif kind == CLOSE and opened and opened[-1].tag == name:
                section = opened.pop()
                section.end = at
                section.closed = True
                children = opened[-1].children if opened else build.tree.children
            elif kind == OPEN and (not opened or fits(name, opened[-1].tag)):
                section = Section(at, name, value, None)
                children.append(section)
                opened.append(section)
                children = section.children
            elif kind != BLANK:
                build.children = children
                at = self._reader.take(at)
                children = build.children
            if not opened:
                break
        build.children = children
        return at
