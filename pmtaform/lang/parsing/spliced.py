"""The tree of a file after some of its lines were replaced, made from the tree before."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from pmtaform.lang.parsing.hidden import is_hidden
from pmtaform.lang.parsing.plain import LineMeanings, PlainReader
from pmtaform.lang.parsing.quick import Meaning, Meanings
from pmtaform.lang.tree import Directive, Node, Section, Tree, split_lines


class Replacement(NamedTuple):
    """Lines `start` to `end` (counted from 0, `end` excluded) become the lines of `text`."""

    start: int
    end: int
    text: str


class _Region(NamedTuple):
    """Lines `start` to `end` before, outside of which no node changes, and how many they are after."""

    start: int
    end: int
    after: int


def spliced(tree: Tree, replacements: Sequence[Replacement]) -> Tree | None:
    """The tree that parsing the new text would make; None where that needs a look at all of the text.

    Replacements come from top to bottom, and do not overlap. A tree of plain lines (`Tree.plain`) stays as it is
    outside of them: what a line means there depends on no other one. A file of 100,000 lines with five changes takes
    6 ms instead of 60.
    """
    if not isinstance(tree.plain, LineMeanings) or tree.origins is not None:
        return None
    if not _are_whole(tree.lines, replacements) or any(is_hidden(each.text) for each in replacements):
        return None
    lines, meanings, written = _joined(tree, tree.plain, replacements)
    after = Tree(tree.path, lines, [], (), tree.scope)
    after.plain = plain = LineMeanings(meanings)
    regions = _regions(tree.children, replacements, written)
    return after if _take(tree.children, regions, plain, after.children) else None


def _are_whole(lines: Sequence[str], replacements: Sequence[Replacement]) -> bool:
    """Whether each replacement starts at a line end and ends at one, or where the file does."""
    starts = all(each.start == 0 or lines[each.start - 1].endswith("\n") for each in replacements)
    ends = all(not each.text or each.text.endswith("\n") for each in replacements[:-1])
    last = replacements[-1].text if replacements else ""
    return starts and ends and (not last or last.endswith("\n") or replacements[-1].end == len(lines))


def _joined(
    tree: Tree, plain: LineMeanings, replacements: Sequence[Replacement]
) -> tuple[list[str], list[Meaning], list[int]]:
    """The lines after the replacements, what they mean, and how many each replacement wrote."""
    lines: list[str] = []
    meanings: list[Meaning] = []
    written: list[int] = []
    work_out = Meanings(careful=True)  # a plain line means the same with and without
    at = 0
    for start, end, text in replacements:
        new = split_lines(text)
        lines += tree.lines[at:start]
        lines += new
        meanings += plain.meanings[at:start]
        meanings += work_out.of(new)
        written.append(len(new))
        at = end
    lines += tree.lines[at:]
    meanings += plain.meanings[at:]
    return lines, meanings, written


def _regions(nodes: Sequence[Node], replacements: Sequence[Replacement], written: Sequence[int]) -> list[_Region]:
    """The lines to read again: those that are replaced, with the nodes that they are in."""
    starts = [node.line - 1 for node in nodes]
    regions: list[_Region] = []
    for (start, end, _), count in zip(replacements, written, strict=True):
        first, last = _outside(nodes, starts, start)[0], _outside(nodes, starts, end)[1]
        added = count - (end - start)
        if regions and first < regions[-1].end:
            first, before, so_far = regions.pop()
            last = max(last, before)
            added += so_far - (before - first)
        regions.append(_Region(first, last, last - first + added))
    return regions


def _outside(nodes: Sequence[Node], starts: Sequence[int], at: int) -> tuple[int, int]:
    """The lines at which the node starts and ends that has line `at` in it; `at` itself where there is none."""
    index = bisect_right(starts, at) - 1
    if index >= 0 and starts[index] < at < nodes[index].end:
        return starts[index], nodes[index].end
    return at, at


def _take(nodes: Sequence[Node], regions: Sequence[_Region], plain: LineMeanings, children: list[Node]) -> bool:
    """Take the nodes outside of the regions as they are, and read the regions. Returns whether all of it is plain."""
    index = shift = 0
    for start, end, count in regions:
        while index < len(nodes) and nodes[index].end <= start:
            children.append(_moved(nodes[index], shift, plain))
            index += 1
        while index < len(nodes) and nodes[index].line <= end:
            index += 1
        at = start + shift
        if PlainReader(plain, children, at, at + count).take(at) != at + count:
            return False
        shift += count - (end - start)
    children += [_moved(node, shift, plain) for node in nodes[index:]]
    return True


def _moved(node: Node, shift: int, plain: LineMeanings) -> Node:
    """A plain node, that many lines further down. One that stays is shared, so its children are made once."""
    if not shift:
        return node
    if isinstance(node, Section):
        return Section.of_lines(node.line + shift, node.end + shift, node.tag, node.argument, plain)
    assert isinstance(node, Directive)  # junk is not plain
    return Directive(node.line + shift, node.name, node.value)
