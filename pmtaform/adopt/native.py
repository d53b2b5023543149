"""Live blocks as native text: single blocks, the inside of a section, whole files without what they may not hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from pmtaform.adopt.comments import Comments, masked_line
from pmtaform.lang.blocks import Block
from pmtaform.lang.edit import INDENT
from pmtaform.lang.tree import Node, Section, Tree

KEY_LINE: Final = "# pmtaform: dkim-keys of the stack makes the line that was here"
_BLANKS: Final = " \t\r\n\x0b\x0c"


def lines_within(nodes: Iterable[Node], skip: Collection[int]) -> frozenset[int]:
    """The line numbers of the directives in `skip` (by identity), in any section."""
    numbers: set[int] = set()
    pending = list(nodes) if skip else []
    while pending:
        node = pending.pop()
        if isinstance(node, Section):
            pending += node.children
        elif id(node) in skip:
            numbers.update(range(node.line, node.end + 1))
    return frozenset(numbers)


def inner_lines(
    tree: Tree, section: Section, comments: Comments | None, skip: Collection[int] = frozenset()
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


def block_text(block: Block, comments: Mapping[int, Comments], skip: Collection[int] = frozenset()) -> str:
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


def copied(tree: Tree, without: Mapping[int, str], secrets: Iterable[str], skip: Collection[int] = frozenset()) -> str:
    """A file as it is, except the nodes in `without` (by identity); a comment names where each one went.

    The lines of directives in `skip`, in whichever section, are those of `dkim-keys`. Comments that hold a secret are
    masked.
    """
    hidden = frozenset(secret for secret in secrets if len(secret) > 3)
    eol = tree.eol
    source = list(tree.lines)
    for number in lines_within((node for node in tree.children if id(node) not in without), skip):
        source[number - 1] = f"{KEY_LINE}{eol}"
    lines: list[str] = []
    at = 0
    for node in (node for node in tree.children if id(node) in without):
        lines += [*source[at : node.line - 1], f"# pmtaform: {without[id(node)]}{eol}"]
        at = node.end
    lines += source[at:]
    return "".join(masked_line(raw, hidden) if "#" in raw else raw for raw in lines)
