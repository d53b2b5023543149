"""The loop over the lines of a file."""

from __future__ import annotations

from collections.abc import Sequence

from pmtaform.diagnostics import Place
from pmtaform.lang.parsing.builder import TreeBuilder
from pmtaform.lang.parsing.careful import CarefulReader
from pmtaform.lang.parsing.hidden import has_odd_blanks, report_hidden
from pmtaform.lang.parsing.quick import BLANK, CLOSE, DIRECTIVE, OPEN, Meanings
from pmtaform.lang.tree import Directive, Section, Tree


def parsed(text: str, path: str, scope: str, origins: Sequence[Place | None] | None) -> Tree:
    """The tree of a text."""
    build = TreeBuilder(text, path, scope, origins)
    report_hidden(build, text)
    careful = has_odd_blanks(text)
    _read_lines(build, Meanings(careful=careful), CarefulReader(build, careful=careful))
    return build.finish()


def _read_lines(build: TreeBuilder, meanings: Meanings, reader: CarefulReader) -> None:
    # Runs once per line, 100 000 times for a large file, so plain lines are taken without a call.
    lines = iter(enumerate(build.lines, 1))
    known, work_out = meanings.known.get, meanings.work_out
    opened, fitting, children = build.open, build.fitting, build.children
    new = Directive.__new__
    for number, raw in lines:
        kind, name, value = known(raw) or work_out(raw)
        if kind == DIRECTIVE:
            node = new(Directive)
            node.line = number
            node.name = name
            node.value = value
            node.span = 1
            children.append(node)
        elif kind == BLANK:
            continue
        elif kind == CLOSE and opened and opened[-1].tag == name:
            section = opened.pop()
            section.end = number
            section.closed = True
            children = opened[-1].children if opened else build.tree.children
        elif kind == OPEN and (not opened or (name, opened[-1].tag) in fitting or build.fits(name, opened[-1].tag)):
            section = Section(number, name, value, None)
            children.append(section)
            opened.append(section)
            children = section.children
        else:
            build.children = children
            for _ in range(reader.take(number) - number):
                next(lines)
            children = build.children
