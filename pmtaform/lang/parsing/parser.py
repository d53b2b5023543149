"""The loop over the lines of a file.

At top level, a plain section is taken as a whole: only its tags are looked at, to find its end, and its children are
made when they are used. A section with anything odd in it is read line by line.
"""

from __future__ import annotations

from collections.abc import Sequence

from pmtaform.diagnostics import Place
from pmtaform.lang.parsing.builder import TreeBuilder
from pmtaform.lang.parsing.careful import CarefulReader
from pmtaform.lang.parsing.hidden import has_odd_blanks, report_hidden
from pmtaform.lang.parsing.plain import PlainLines
from pmtaform.lang.parsing.quick import BLANK, CLOSE, DIRECTIVE, OPEN, Meanings
from pmtaform.lang.tree import Directive, Section, Tree


def parsed(text: str, path: str, scope: str, origins: Sequence[Place | None] | None) -> Tree:
    """The tree of a text."""
    build = TreeBuilder(text, path, scope, origins)
    report_hidden(build, text)
    Parser(build, careful=has_odd_blanks(text)).run()
    return build.finish()


class Parser:
    """Takes the lines of a file into its tree."""

    def __init__(self, build: TreeBuilder, *, careful: bool) -> None:
        self._build = build
        self._reader = CarefulReader(build, careful=careful)
        self._meanings = Meanings(careful=careful).of(build.lines)
        self._plain = PlainLines(self._meanings)

    def run(self) -> None:
        """Take every line."""
        meanings, fitting, fits = self._meanings, self._build.fitting, self._build.fits
        at = start = 0  # the first line that is not taken, and the first of the section that is open
        inside: list[str] = []  # its tag, and those of the sections in it
        # Runs once per tag, 40 000 times for a large file.
        for number in [n for n, meaning in enumerate(meanings) if meaning[0] > BLANK]:
            if number < at:
                continue
            kind, tag, _ = meanings[number]
            if kind == OPEN and (not inside or (tag, inside[-1]) in fitting or fits(tag, inside[-1])):
                if not inside:
                    start = number
                inside.append(tag)
            elif kind == CLOSE and inside and inside[-1] == tag:
                inside.pop()
                if not inside:
                    self._take_directives(at, start)
                    self._take_section(start, number)
                    at = number + 1
            else:
                at = self._read_from(at, start if inside else number)
                inside.clear()
        if inside:
            at = self._read_from(at, start)
        self._take_directives(at, len(meanings))

    def _read_from(self, at: int, odd: int) -> int:
        """Take what is between `at` and `odd`, and read on from there. Returns the first line that is not taken."""
        self._take_directives(at, odd)
        return self.read(odd)

    def _take_directives(self, at: int, end: int) -> None:
        """Take directives and blank lines at top level."""
        if at < end:
            self._build.tree.children += self._plain.between(at, end)

    def _take_section(self, start: int, end: int) -> None:
        _, tag, argument = self._meanings[start]
        self._build.tree.children.append(Section.of_lines(start + 1, end + 1, tag, argument, self._plain))

    def read(self, at: int) -> int:
        """Take lines from `at` on, each with what is in it, until no section is open. Returns the next line."""
        build, meanings = self._build, self._meanings
        opened, fitting, children = build.open, build.fitting, build.children
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
            elif kind == OPEN and (not opened or (name, opened[-1].tag) in fitting or build.fits(name, opened[-1].tag)):
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
