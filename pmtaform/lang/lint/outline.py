"""A configuration as its blocks, each with its text: what is needed to see which blocks a change touches."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate
from typing import Final

from pmtaform.lang.blocks import Address, address_of
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.includes import Configuration
from pmtaform.lang.lint.reads import Test, Words
from pmtaform.lang.lint.recovered import LISTS, tag_meant
from pmtaform.lang.tree import Directive, Junk, Section, Tree

_INCLUDE: Final = re.compile(r"^[ \t]*include[ \t]", re.IGNORECASE | re.MULTILINE)


class OutlineBlock:
    """One block: its nodes in order, and their text; of one that includes files, theirs too."""

    __slots__ = ("_lower", "_text", "address", "nodes")

    def __init__(self, address: Address) -> None:
        self.address = address
        self.nodes: list[tuple[Tree, Directive | Section]] = []
        self._text: str | None = None
        self._lower: str | None = None

    def append(self, text: str) -> None:
        """Add the text of a node with the files that it includes."""
        self._text = (self._text or "") + text

    @property
    def text(self) -> str:
        """Its lines as they are written."""
        if self._text is None:  # most blocks of the side before a change are never asked
            self._text = "".join(tree.text_of(node) for tree, node in self.nodes)
        return self._text

    def is_same(self, other: OutlineBlock) -> bool:
        """Whether both have the same text. Trees share a node only where they have the same lines."""
        are_plain = self._text is other._text is None  # no included text belongs to them
        if are_plain and len(self.nodes) == len(other.nodes) == 1 and self.nodes[0][1] is other.nodes[0][1]:
            return True
        return self.text == other.text

    @property
    def lower(self) -> str:
        """Its address as a tag (`<setting spool>`), and its text, in lower case."""
        if self._lower is None:
            self._lower = f"<{self.address.kind} {self.address.key}>\n{self.text}".lower()
        return self._lower


def has_word(text: str, words: Words) -> bool:
    """Whether the text of a block has one of the words (see `reads.py`)."""
    return any(text.startswith(word[1:]) if word[0] == "^" else word in text for word in words)


class Outline:
    """The blocks of a configuration by address, and its lines that belong to no block."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.blocks: dict[Address, OutlineBlock] = {}
        self.spans: dict[str, list[tuple[int, int, Address]]] = {}  # by file: the lines of its nodes
        self.junk: list[tuple[Tree, Junk]] = []
        known = catalogue()
        for tree, node in configuration.top_level():
            if isinstance(node, Junk):
                self.junk.append((tree, node))
                continue
            address = address_of(node, known)
            block = self.blocks.get(address)
            if block is None:
                block = self.blocks[address] = OutlineBlock(address)
            block.nodes.append((tree, node))
            if configuration.fragments:
                block.append(self._with_fragments(tree.text_of(node), node))
            self.spans.setdefault(tree.path, []).append((node.line, node.end, address))

    def _with_fragments(self, text: str, node: Directive | Section) -> str:
        return text + self._fragments if isinstance(node, Section) and _INCLUDE.search(text) else text

    @cached_property
    def _fragments(self) -> str:
        configuration = self.configuration
        return "".join(str(configuration.trees[path]) for path in sorted(configuration.fragments))

    @cached_property
    def _joined(self) -> tuple[str, list[int], list[OutlineBlock]]:
        """The texts of all blocks as one, each after a NUL, and where each starts."""
        blocks = list(self.blocks.values())
        starts = [0, *accumulate(len(block.lower) + 1 for block in blocks)]
        return "".join(f"\0{block.lower}" for block in blocks), starts, blocks

    def _with(self, word: str) -> Iterator[OutlineBlock]:
        """The blocks that have a word. It is looked for in all of them at once: that is as fast as a copy."""
        text, starts, blocks = self._joined
        word = f"\0{word[1:]}" if word[0] == "^" else word
        at = text.find(word)
        while at >= 0:
            number = bisect_right(starts, at) - 1
            yield blocks[number]
            at = text.find(word, starts[number + 1])

    @cached_property
    def _including(self) -> set[int]:
        return {id(block) for block in self._with("include")}

    def near(self, touched: Iterable[Address], chosen: Iterable[tuple[Words, Test | None]]) -> list[OutlineBlock]:
        """The touched blocks, those that include files, and those that have chosen words and pass the test of these."""
        near = {id(self.blocks[address]) for address in touched if address in self.blocks} | self._including
        for words, test in dict.fromkeys(chosen):
            for word in words:
                near.update(id(block) for block in self._with(word) if test is None or test(block.lower))
        return [block for block in self._joined[2] if id(block) in near]

    def sections(self, tag: str) -> Iterator[tuple[Tree, Section]]:
        """The top-level sections with a tag, the last first."""
        kinds = LISTS if tag in LISTS else (tag,)
        sections = [
            (tree, node)
            for address, block in self.blocks.items()
            if address.kind in kinds
            for tree, node in block.nodes
            if isinstance(node, Section) and (tag not in LISTS or tag_meant(node) == tag)
        ]
        return reversed(sections)
