"""Pieces of several trees as one tree, each line with the place that it is from."""

from __future__ import annotations

from collections.abc import Iterable

from pmtaform.diagnostics import Place
from pmtaform.lang.blocks import BlockPart
from pmtaform.lang.parsing import parse
from pmtaform.lang.tree import Tree


def joined(parts: Iterable[BlockPart], path: str) -> Tree:
    """The parts one after the other, as a file at `path` would have them."""
    lines: list[str] = []
    origins: list[Place | None] = []
    for part in parts:
        for number in range(part.node.line, part.node.end + 1):
            lines.append(part.tree.lines[number - 1].rstrip("\r\n") + "\n")
            origins.append(part.tree.place(number))
    return parse("".join(lines), path, origins=origins)
