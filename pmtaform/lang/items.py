"""Lines and sections of a list that is compared with another one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pmtaform.lang.blocks import (
    BlockPart,
    Content,
    content_of,
)
from pmtaform.lang.catalogue import GLOBAL
from pmtaform.lang.tree import Junk, Section, Tree


@dataclass(frozen=True, slots=True)
class ListItem:
    """A line or a section in a list that is compared with another: its meaning, and where it is."""

    part: BlockPart
    content: Content


def content_of_head(section: Section) -> Content:
    """The meaning of a section's opening line: tag, argument and leading rule."""
    empty = Section(section.line, section.tag, section.argument, section.lead)
    return content_of(empty, GLOBAL)


def items_of(parts: Iterable[BlockPart], scope: str) -> list[ListItem]:
    """The items of some lines or sections of one scope."""
    return [ListItem(part, content_of(part.node, scope)) for part in parts]


def children_of(tree: Tree, section: Section) -> list[ListItem]:
    """The items in a section, without lines that make no sense."""
    return items_of((BlockPart(tree, child) for child in section.children if not isinstance(child, Junk)), section.tag)


def grouped(items: Iterable[ListItem]) -> dict[tuple[str, ...], list[ListItem]]:
    """Items by their identity: the directive's name, or the section's tag and argument."""
    by_key: dict[tuple[str, ...], list[ListItem]] = {}
    for item in items:
        content = item.content
        key = ("<", content[0], content[1]) if isinstance(item.part.node, Section) else ("", content[0])
        by_key.setdefault(key, []).append(item)
    return by_key
