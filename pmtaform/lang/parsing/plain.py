"""Lines that mean what they seem to, and nodes of them."""

from __future__ import annotations

from pmtaform.lang.parsing.quick import CLOSE, DIRECTIVE, OPEN, Meaning
from pmtaform.lang.tree import Directive, Node, Section


class PlainLines:
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
