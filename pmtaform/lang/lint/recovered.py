"""Sections that were meant: blocks in braces or without tags, and lists under the wrong tag.

PowerMTA reads none of them as a section. Rules do, so that each gets one finding with the form to write, and what is
inside is checked as what it was intended to be, not as a heap of misplaced lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.inventions import inventions
from pmtaform.lang.parsing import parse
from pmtaform.lang.tree import Directive, Junk, Node, Section, Tree

LISTS: Final = {
    "pattern-list": frozenset({"mail-from", "rcpt-to", "header"}),
    "smtp-pattern-list": frozenset({"reply"}),
}


_ONE_LINE: Final = re.compile(r"(?:^|[ \t])\{[ \t].*\}$")  # not {auth}, which is a name


class WordForm(Enum):
    """How a section was written instead of with its tags."""

    BRACES = auto()
    NO_TAGS = auto()
    OTHER_LIST = auto()


@dataclass(frozen=True, slots=True)
class Meant:
    """One section in another form, where it is written."""

    tree: Tree
    section: Section
    form: WordForm


def meant_sections(tree: Tree, nodes: list[Node]) -> tuple[list[Node], list[Meant]]:
    """Nodes of a file with the sections that were meant in place of what was written, and these sections."""
    reader = _Reader(tree)
    if nodes is not tree.children:  # chosen ones: what is next to each other here is not so in the file
        return [reader.section(node) if isinstance(node, Section) else node for node in nodes], reader.recovered
    return reader.nodes(nodes, tree.scope), reader.recovered


def has_only_tags(tree: Tree) -> bool:
    """Whether no top-level section of a file is written in another form."""
    reader, nodes = _Reader(tree), tree.children
    return not any(reader.starts(nodes, at) for at in range(len(nodes)))


class _Reader:
    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.recovered: list[Meant] = []

    def nodes(self, nodes: list[Node], scope: str) -> list[Node]:
        """The nodes as they were meant; the very same list where nothing was."""
        result: list[Node] = []
        changed = False
        at = 0
        while at < len(nodes):
            node = nodes[at]
            if isinstance(node, Directive) and not _may_be_tag(node.name):  # as nearly all: it halves the time
                result.append(node)
                at += 1
                continue
            meant, at = self._meant(nodes, at, scope)
            changed = changed or meant is not node
            result.append(meant)
        return result if changed else nodes

    def _meant(self, nodes: list[Node], at: int, scope: str) -> tuple[Node, int]:
        """What section node `at` is in another form, and the number of the next one."""
        node = nodes[at]
        if isinstance(node, Section):
            return self.section(node), at + 1
        if isinstance(node, Junk) or self._tree.origins is not None:
            return node, at + 1
        opens = node.value.endswith("{") or _text(nodes[at + 1 : at + 2]) == "{"
        if opens and _is_section(node.name):
            return self._braces(nodes, at, node)
        if _ONE_LINE.search(node.value) and _is_section(node.name):
            return self._one_line(node), at + 1
        if (end := self._indented(nodes, at, node, scope)) > at + 1:
            return self._without_tags(node, nodes[at + 1 : end]), end
        return node, at + 1

    def starts(self, nodes: list[Node], at: int) -> bool:
        """Whether a section in another form starts at directive `at`."""
        node = nodes[at]
        return (
            isinstance(node, Directive)
            and _may_be_tag(node.name)
            and self._meant(nodes, at, self._tree.scope)[0] is not node
        )

    def section(self, node: Section) -> Section:
        """A section with what was meant in it."""
        tag = tag_meant(node)
        children = self.nodes(node.children, tag)
        if tag == node.tag and children is node.children:
            return node
        copy = _copied(node, tag, children)
        if tag != node.tag:
            self.recovered.append(Meant(self._tree, copy, WordForm.OTHER_LIST))
        return copy

    def _braces(self, nodes: list[Node], at: int, head: Directive) -> tuple[Node, int]:
        """A block from `name argument {` to its `}`; without one, the lines that are indented below."""
        first = at + 2 if _text(nodes[at + 1 : at + 2]) == "{" else at + 1
        end, depth = first, 1
        while end < len(nodes):
            depth += _step(_text(nodes[end : end + 1]))
            if not depth:
                break
            end += 1
        if depth:
            end = self._indented_end(nodes, first, head)
        last = nodes[end] if not depth else None
        inside = [_bare(node) for node in nodes[first:end]] + ([_bare(last)] if isinstance(last, Directive) else [])
        section = Section(head.line, head.name.lower(), head.value.removesuffix("{").strip(' \t"'))
        section.end = last.line if last is not None else _last_line(inside, head.line)
        section.closed = last is not None
        section.children = self.nodes(inside, section.tag)
        self.recovered.append(Meant(self._tree, section, WordForm.BRACES))
        return section, end + (last is not None)

    def _one_line(self, head: Directive) -> Section:
        argument, _, body = head.value[:-1].partition("{")
        section = Section(head.line, head.name.lower(), argument.strip(' \t"'))
        section.closed = True
        for piece in body.split(";"):
            for node in parse(piece.strip()).children if piece.strip() else ():
                node.line = head.line
                section.children.append(node)
        self.recovered.append(Meant(self._tree, section, WordForm.BRACES))
        return section

    def _indented(self, nodes: list[Node], at: int, head: Directive, scope: str) -> int:
        """Where the lines end that are indented below a line with a section's name, if they belong into it."""
        known = catalogue()
        tag = head.name.lower().rstrip(":")
        first = nodes[at + 1] if at + 1 < len(nodes) else None
        if known.section(tag) is None or not isinstance(first, Directive) or not head.value:
            return at
        strange = head if known.directive(scope, head.name) is None else first
        if known.directive(scope, strange.name) is not None or not known.anywhere(first.name):
            return at
        if not known.may_stand_in(tag, None if scope == GLOBAL else scope):
            return at
        return self._indented_end(nodes, at + 1, head)

    def _indented_end(self, nodes: list[Node], end: int, head: Directive) -> int:
        while end < len(nodes) and isinstance(nodes[end], Directive) and self._indent(nodes[end]) > self._indent(head):
            end += 1
        return end

    def _without_tags(self, head: Directive, inside: list[Node]) -> Section:
        section = Section(head.line, head.name.lower().rstrip(":"), head.value.strip('"').rstrip(":"))
        section.end, section.closed = _last_line(inside, head.line), True
        section.children = inside
        self.recovered.append(Meant(self._tree, section, WordForm.NO_TAGS))
        return section

    def _indent(self, node: Node) -> int:
        raw = self._tree.lines[node.line - 1]
        return len(raw.expandtabs(8)) - len(raw.expandtabs(8).lstrip())


@lru_cache(maxsize=4096)
def _may_be_tag(name: str) -> bool:
    """Whether a directive's name may be that of a section."""
    return _is_section(name) or _is_section(name.lower().rstrip(":"))


def _copied(node: Section, tag: str, children: list[Node]) -> Section:
    copy = Section(node.line, tag, node.argument, node.lead)
    copy.end, copy.closed, copy.children = node.end, node.closed, children
    return copy


def tag_meant(node: Section) -> str:
    """The tag that a section was meant to have."""
    return _other_list(node) or node.tag


def _other_list(node: Section) -> str | None:
    """The kind of list that a list's rules make up, when all of them are of another kind."""
    mine = LISTS.get(node.tag)
    if mine is None:
        return None
    names = {child.name.lower() for child in node.children if isinstance(child, Directive)}
    if not names or names & mine:
        return None
    return next((tag for tag, rules in LISTS.items() if names & rules and names <= rules), None)


def _step(text: str) -> int:
    """How many blocks a line opens; less than none where it closes one."""
    if text.endswith("}") and "{" not in text:
        return -1
    return int(text.endswith("{") and text != "{")


def _text(nodes: Sequence[Node]) -> str:
    """The text of the one node, if there is one."""
    node = nodes[0] if nodes else None
    return node.text if isinstance(node, Junk) else node.value if isinstance(node, Directive) else ""


def _bare(node: Node) -> Node:
    """A line as it is without the marks that lines in braces have in other languages."""
    if not isinstance(node, Directive):
        return node
    value = node.value if "{" in node.value else node.value.rstrip("}; \t")
    return node if value == node.value else Directive(node.line, node.name, value, node.span)


def _last_line(nodes: Sequence[Node], line: int) -> int:
    return nodes[-1].end if nodes and not isinstance(nodes[-1], Junk) else nodes[-1].line if nodes else line


def _is_section(name: str) -> bool:
    return catalogue().section(name) is not None or inventions().section(name) is not None
