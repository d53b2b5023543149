"""Live blocks as native text: single blocks, the inside of a section, whole files without what they may not hold."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Final

from pmtaform.adopt.comments import Comments, masked_line
from pmtaform.lang.blocks import Block
from pmtaform.lang.edit import INDENT
from pmtaform.lang.tree import Node, Section, Tree

KEY_LINE: Final = "# pmtaform: dkim-keys of the stack makes the line that was here"
_BLANKS: Final = " \t\r\n\x0b\x0c"


def lines_within(nodes: Iterable[Node], skip: Container[int]) -> frozenset[int]:
    """The line numbers of the directives in `skip` (by identity), in any section."""
    numbers: set[int] = set()
    for node in nodes:
        if isinstance(node, Section):
            numbers |= lines_within(node.children, skip)
        elif id(node) in skip:
            numbers |= set(range(node.line, node.end + 1))
    return frozenset(numbers)


def inner_lines(
    tree: Tree, section: Section, comments: Comments | None, skip: Container[int] = frozenset()
) -> list[str]:
    """The lines inside a section, indented by the sections in it, blank ones left out at both ends.

    Directives in `skip` (by identity) are omitted: they come from elsewhere.
    """
    dropped = lines_within(section.children, skip)
    end = section.end - 1 if section.closed else section.end
    lines: list[str] = []
    depth = 0
    for number, raw in enumerate(tree.lines[section.line : end], section.line + 1):
        if number in dropped:
            continue
        line = _masked(raw, comments).strip(_BLANKS)
        body = line.partition("#")[0].rstrip(_BLANKS)
        depth = max(0, depth - body.startswith("</"))
        lines.append(INDENT * depth + line if line else "")
        depth += body.endswith(">") and "<" in body and not body.startswith("</")
    while lines and not lines[0]:
        del lines[0]
    while lines and not lines[-1]:
        del lines[-1]
    return lines


def block_text(block: Block, comments: Mapping[int, Comments], skip: Container[int] = frozenset()) -> str:
    """A block's lines as they were written, one part after the other, what was left open closed.

    Directives in `skip` (by identity) are omitted: they come from elsewhere.
    """
    pieces: list[str] = []
    for part in block.parts:
        comment = comments.get(id(part.tree))
        pieces += [f"{line}\n" for line in (comment.above.get(id(part.node), ()) if comment else ())]
        dropped = lines_within([part.node], skip)
        lines = enumerate(part.text.splitlines(keepends=True), part.node.line)
        pieces += [_masked(line, comment).rstrip("\r\n") + "\n" for number, line in lines if number not in dropped]
        if isinstance(part.node, Section):
            pieces += [f"</{tag}>\n" for tag in _open_tags(part.node)]
    return "".join(pieces)


def _open_tags(section: Section) -> list[str]:
    """The sections that are never closed, the innermost first."""
    tags: list[str] = []
    inner: object = section
    while isinstance(inner, Section) and not inner.closed:
        tags.insert(0, inner.tag)
        inner = inner.children[-1] if inner.children else None
    return tags


def _masked(line: str, comments: Comments | None) -> str:
    return masked_line(line, comments.secrets if comments else ()) if "#" in line else line


def copied(
    tree: Tree, without: Mapping[int, str], secrets: Iterable[str], skip: Container[int] = frozenset()
) -> tuple[str, int]:
    """A file as it is, except the nodes in `without` (by identity); a comment names where each one went.

    The lines of directives in `skip`, in whichever section, are those of `dkim-keys`. Comments that hold a secret are
    masked. Returns the text and how many lines are not as they were.
    """
    dropped = lines_within((node for node in tree.children if id(node) not in without), skip)
    source = [f"{KEY_LINE}{tree.eol}" if at in dropped else raw for at, raw in enumerate(tree.lines, 1)]
    hidden = frozenset(secret for secret in secrets if len(secret) > 3)
    lines: list[str] = []
    at, changed = 0, len(dropped)
    for node in tree.children:
        if id(node) not in without:
            continue
        lines += source[at : node.line - 1]
        lines.append(f"# pmtaform: {without[id(node)]}{tree.eol}")
        at = node.end
        changed += node.end - node.line + 1
    lines += source[at:]
    for number, raw in enumerate(lines):
        if "#" in raw:
            lines[number] = masked_line(raw, hidden)
            changed += lines[number] != raw
    return "".join(lines), changed
