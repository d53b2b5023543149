"""Live blocks as native text: single blocks, the inside of a section, whole files without what they may not hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from pmtaform.adopt.comments import Comments, masked_line
from pmtaform.lang.blocks import Block
from pmtaform.lang.edit import INDENT
from pmtaform.lang.tree import Section, Tree

_BLANKS: Final = " \t\r\n\x0b\x0c"


def inner_lines(tree: Tree, section: Section, comments: Comments | None) -> list[str]:
    """The lines inside a section, indented by the sections in it, blank ones left out at both ends."""
    end = section.end - 1 if section.closed else section.end
    lines: list[str] = []
    depth = 0
    for raw in tree.lines[section.line : end]:
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


def block_text(block: Block, comments: Mapping[int, Comments]) -> str:
    """A block's lines as they were written, one part after the other, what was left open closed."""
    pieces: list[str] = []
    for part in block.parts:
        found = comments.get(id(part.tree))
        pieces += [f"{line}\n" for line in (found.above.get(id(part.node), ()) if found else ())]
        pieces += [_masked(line, found).rstrip("\r\n") + "\n" for line in part.text.splitlines(keepends=True)]
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


def copied(tree: Tree, without: Mapping[int, str], secrets: Iterable[str]) -> tuple[str, int]:
    """A file as it is, but for the nodes in `without` (by identity), for which a comment says where they went.

    Comments that hold a secret are masked. Returns the text and how many lines are not as they were.
    """
    hidden = frozenset(secret for secret in secrets if len(secret) > 3)
    lines: list[str] = []
    at = changed = 0
    for node in tree.children:
        if id(node) not in without:
            continue
        lines += tree.lines[at : node.line - 1]
        lines.append(f"# pmtaform: {without[id(node)]}{tree.eol}")
        at = node.end
        changed += node.end - node.line + 1
    lines += tree.lines[at:]
    for number, raw in enumerate(lines):
        if "#" in raw:
            lines[number] = masked_line(raw, hidden)
            changed += lines[number] != raw
    return "".join(lines), changed
