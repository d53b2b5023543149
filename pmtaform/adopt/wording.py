"""Digests of live blocks, by which a stack's blocks are compared with them once the trees are gone.

A copied file has the lines of its server, so equal text proves most blocks. Key lines are the exception: the copy has
`KEY_LINE` where each was, and the stack puts it at the end of its section.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from functools import lru_cache

from pmtaform.adopt.keys import SIGNERS
from pmtaform.adopt.native import KEY_LINE
from pmtaform.lang import values
from pmtaform.lang.blocks import Block, BlockPart
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.tree import Directive, Section, encode
from pmtaform.stack.native import directive_named


def wording(block: Block, skip: Collection[int] = frozenset()) -> bytes:
    """The digest of a block's lines. Equal digests mean equal content; the reverse does not hold.

    A key line is marked where it is, and its value counts in the order of the section: `skip` are the directives (by
    identity) that the stack makes from keys, and in a compiled block each `KEY_LINE` marks one of the last key lines.
    """
    whole = hashlib.sha256()
    for part in block.parts:
        for piece in _pieces(part, skip):
            whole.update(encode(piece))
        whole.update(b"\0")
    return whole.digest()


def meaning(block: Block) -> bytes:
    """The digest of a block's content."""
    return hashlib.sha256(block.canonical()).digest()


def _pieces(part: BlockPart, skip: Collection[int]) -> Iterator[str]:
    lines = part.tree.lines[part.node.line - 1 : part.node.end]
    section, text = part.node, "".join(lines)
    has_keys = isinstance(section, Section) and section.tag in SIGNERS and (bool(skip) or KEY_LINE in text)
    keys = _keys_in(section) if has_keys and isinstance(section, Section) else ()  # its nodes are not made for nothing
    if not keys or not isinstance(section, Section):
        yield text
        return
    first = section.line
    for node in keys:
        if id(node) in skip and node.span == 1:
            lines[node.line - first] = KEY_LINE
    marks = [number for number, line in enumerate(lines) if line.startswith(KEY_LINE)]
    for number in marks:
        lines[number] = KEY_LINE
    if marks and not any(id(node) in skip for node in keys):
        for node in keys[-len(marks) :]:
            lines[node.line - first] = ""
    yield "".join(lines)
    spec = catalogue().directive(section.tag, _key_name())
    for node in keys:
        yield f"\0{values.normalise(spec, node.value)}"


def _keys_in(section: Section) -> list[Directive]:
    return [child for child in section.children if isinstance(child, Directive) and _is_key(child.name)]


@lru_cache(maxsize=4096)
def _is_key(name: str) -> bool:
    return catalogue().canonical(GLOBAL, name) == _key_name()


@lru_cache(maxsize=1)
def _key_name() -> str:
    return directive_named("domain-key")
