"""The tree as it grows: the open sections, and what is reported."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from pmtaform.diagnostics import Definition, Diagnostics, Place
from pmtaform.diagnostics.codes.language import STRAY_CLOSING_TAG, UNCLOSED_SECTION
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.parsing.words import without_comment
from pmtaform.lang.tree import BLANKS, Junk, Node, Section, Tree, split_lines

_NESTED: Final = re.compile(r"[^<].*\s<pattern-list>", re.IGNORECASE)
FIRST_TAG: Final = re.compile(r"<(/?)[ \t]*([A-Za-z][\w-]*)(?:\s[^<>]*)?>")


class TreeBuilder:
    """A tree under construction. `children` are those of the innermost open section."""

    def __init__(self, text: str, path: str, scope: str, origins: Sequence[Place | None] | None) -> None:
        self.lines = split_lines(text)
        self.reported = Diagnostics()
        self.tree = Tree(path, self.lines, [], (), scope, origins)
        self.open: list[Section] = []
        self.children: list[Node] = self.tree.children

    def finish(self) -> Tree:
        """The tree, with every section that is still open closed at its end."""
        while self.open:
            self._leave(max(len(self.lines), self.open[-1].line), is_closed=False)
        self.tree.diagnostics = tuple(self.reported)
        return self.tree

    def enter(self, section: Section) -> None:
        """Open a section, wherever it is."""
        self.children.append(section)
        self.open.append(section)
        self.children = section.children

    def close(self, words: list[str], number: int, text: str) -> None:
        """Close the section of a closing tag, and those inside it; a tag that closes none is junk."""
        tag = words[0].lower() if words else ""
        if not any(section.tag == tag for section in self.open):
            self.junk(
                number,
                text,
                STRAY_CLOSING_TAG,
                f"No <{tag}> is open here. Remove the line, or write the opening tag that it belongs to.",
            )
            return
        while self.open[-1].tag != tag:
            self._leave(number - 1, is_closed=False)
        self._leave(number, is_closed=True)

    def _leave(self, end: int, *, is_closed: bool) -> None:
        section = self.open.pop()
        section.end = end
        section.closed = is_closed
        self.children = self.open[-1].children if self.open else self.tree.children
        if not is_closed:
            self.report(
                UNCLOSED_SECTION,
                f"<{section.tag}> has no </{section.tag}>, so everything after it may be read as part of it. "
                f"Write </{section.tag}> where it ends.",
                section.line,
            )

    def make_room(self, section: Section) -> None:
        """End sections that cannot contain the new one, where a closing tag was forgotten.

        One that has its closing tag further down is not ended: the new section is inside it, where it does not belong.
        """
        known = catalogue()
        while self.open and not known.may_stand_in(section.tag, self.open[-1].tag):
            if self.open[-1].line in self._closed_lines:
                return
            parents: list[str | None] = [s.tag for s in self.open[:-1]]
            top = None if self.tree.scope == "global" else self.tree.scope
            if not any(known.may_stand_in(section.tag, parent) for parent in [*parents, top]):
                return
            self._leave(section.line - 1, is_closed=False)

    @cached_property
    def _closed_lines(self) -> frozenset[int]:
        """The lines of opening tags that have a closing tag, wherever the sections belong."""
        opened: list[tuple[str, int]] = []
        count: Counter[str] = Counter()
        closed: set[int] = set()
        for number, raw in enumerate(self.lines, 1):
            for closing, tag in _tags_of(without_comment(raw)) if "<" in raw else ():
                if not closing:
                    opened.append((tag, number))
                    count[tag] += 1
                    continue
                while count[tag]:
                    name, line = opened.pop()
                    count[name] -= 1
                    if name == tag:
                        closed.add(line)
                        break
        return frozenset(closed)

    def junk(self, number: int, text: str, definition: Definition, detail: str) -> None:
        """Keep a line that makes no sense, and report it."""
        self.children.append(Junk(number, text, definition.code))
        self.report(definition, detail, number)

    def report(self, definition: Definition, detail: str, line: int) -> None:
        """Report what is odd about a line."""
        self.reported.add(definition.diagnostic(detail, self.tree.place(line)))


def _tags_of(text: str) -> Iterator[tuple[bool, str]]:
    """The tags of a line that open or close sections, as the parser takes them: whether one closes, and its name."""
    if _NESTED.fullmatch(text):
        yield False, "pattern-list"
    while (tag_match := FIRST_TAG.match(text)) is not None:
        tag, rest = tag_match[2].lower(), text[tag_match.end() :].strip(BLANKS)
        if rest and not tag_match[1] and (ends_in(rest, tag) or catalogue().section(tag) is None):
            return
        yield bool(tag_match[1]), tag
        text = rest if rest.endswith(">") else ""


def ends_in(rest: str, tag: str) -> bool:
    """Whether a section ends on the line that it starts on."""
    return re.search(rf"</{re.escape(tag)}\s*>", rest, re.IGNORECASE) is not None
