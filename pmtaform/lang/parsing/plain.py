"""Lines that mean what they seem to, and the nodes of them.

A plain section at top level is taken as a whole: only its tags are looked at, to find its end, and its children are
made when they are used.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from itertools import islice

from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.parsing.quick import BLANK, CLOSE, DIRECTIVE, OPEN, Meaning
from pmtaform.lang.tree import Directive, Node, Section


class LineMeanings:
    """The meanings of a file's lines, from which the nodes of a plain section are made."""

    __slots__ = ("meanings",)

    def __init__(self, meanings: list[Meaning]) -> None:
        self.meanings = meanings

    def nodes(self, line: int, end: int) -> list[Node]:
        """The nodes of the lines between `line` and `end`, the tags of a section."""
        return self.between(line, end - 1)

    def between(self, start: int, end: int) -> list[Node]:
        """The nodes of the lines from index `start` to before `end`, in which every section is closed."""
        # Runs once per line of a file that is read whole, so it makes no call for a directive.
        children: list[Node] = []
        above: list[tuple[Section, list[Node]]] = []  # the open sections, and what each is in
        new = Directive.__new__
        for number, (kind, name, value) in enumerate(self.meanings[start:end], start + 1):
            if kind == DIRECTIVE:
                node = new(Directive)
                node.line = number
                node.name = name
                node.value = value
                node.span = 1
                children.append(node)
            elif kind == OPEN:
                section = Section(number, name, value)
                children.append(section)
                above.append((section, children))
                children = section.children
            elif kind == CLOSE:
                section, children = above.pop()
                section.end = number
                section.closed = True
        return children


class PlainReader:
    """Takes plain nodes at top level into `children`, from the lines of indexes `start` to before `end`."""

    def __init__(self, plain: LineMeanings, children: list[Node], start: int, end: int) -> None:
        self._plain = plain
        self._children = children
        self._end = end
        meanings = plain.meanings if end - start == len(plain.meanings) else plain.meanings[start:end]
        self._tags = [n for n, meaning in enumerate(meanings, start) if meaning[0] > BLANK]

    def take(self, at: int) -> int:
        """Take nodes from line `at` on. Returns the first line that is in no plain node."""
        meanings, plain, add = self._plain.meanings, self._plain, self._children.append
        start, argument = at, ""
        inside: list[str] = []  # the tag of the section that starts at `start`, and of those in it
        # Runs once per tag, 40,000 times for a file of 100,000 lines.
        for number in islice(self._tags, bisect_left(self._tags, at), None):
            kind, tag, value = meanings[number]
            if kind == CLOSE and inside and inside[-1] == tag:
                inside.pop()
                if not inside:
                    # One blank line is between most sections.
                    if at < start and (start - at > 1 or meanings[at][0] != BLANK):
                        self._take_directives(at, start)
                    at = number + 1
                    add(Section.of_lines(start + 1, at, tag, argument, plain))
            elif kind == OPEN and not inside:
                start, argument = number, value
                inside.append(tag)
            elif kind == OPEN and fits(tag, inside[-1]):
                inside.append(tag)
            else:
                return self._take_directives(at, start if inside else number)
        return self._take_directives(at, start if inside else self._end)

    def _take_directives(self, at: int, end: int) -> int:
        if at < end:
            self._children += self._plain.between(at, end)
        return end


@lru_cache(maxsize=4096)
def fits(tag: str, parent: str) -> bool:
    """Whether a section may be in another one."""
    return catalogue().may_stand_in(tag, parent)
