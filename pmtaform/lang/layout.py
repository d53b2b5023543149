"""The text of nodes: the lines of a new node, and a line with another value."""

from __future__ import annotations

from collections.abc import Iterable

from pmtaform.lang.blocks import BlockPart
from pmtaform.lang.tree import Directive, Node, Tree

_BLANKS = " \t\r\n\x0b\x0c"


def indent_of(tree: Tree, node: Node) -> str:
    """The blanks before a node."""
    raw = tree.lines[node.line - 1]
    return raw[: len(raw) - len(raw.lstrip(" \t"))]


def start_of(tree: Tree, node: Node) -> int:
    """The line index at which a node starts with the comment lines right above it."""
    at = node.line - 1
    while at > 0 and tree.lines[at - 1].lstrip().startswith("#"):
        at -= 1
    return at


def with_eol(lines: Iterable[str], eol: str) -> list[str]:
    """The lines, each ended by `eol`."""
    return [line.rstrip("\r\n") + eol for line in lines]


def render(part: BlockPart, indent: str, eol: str) -> list[str]:
    """A node's lines as they were written, moved to another indentation and line end."""
    own = indent_of(part.tree, part.node)
    rendered = []
    for line in part.tree.lines[part.node.line - 1 : part.node.end]:
        text = line.rstrip(_BLANKS)
        if text.startswith(own):
            text = text[len(own) :]
        rendered.append((indent + text if text else "") + eol)
    return rendered


def replace_value(tree: Tree, node: Directive, value: str) -> str | None:
    """The line of a directive with another value, all else as it is; a comment keeps its column where it can.

    None when the value cannot be found in the line (a rule whose pattern changes is another line).
    """
    raw = tree.lines[node.line - 1]
    cut = raw.find("#")
    body = (raw if cut < 0 else raw[:cut]).rstrip(_BLANKS)
    start = len(body) - len(node.value)
    if not node.value or not value or body[start:] != node.value:
        return None
    rest = raw[len(body) :]
    if cut >= 0:
        gap, comment = raw[len(body) : cut], raw[cut:]
        if gap.strip(" ") == "" and gap:
            gap = " " * max(1, len(gap) + len(node.value) - len(value))
        rest = gap + comment
    return body[:start] + value + rest
