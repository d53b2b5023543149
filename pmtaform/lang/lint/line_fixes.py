"""Certain fixes, as splices of one line."""

from __future__ import annotations

import re

from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.layout import replace_value
from pmtaform.lang.lint.facts import Line
from pmtaform.lang.lint.model import Fix
from pmtaform.lang.splices import Splice
from pmtaform.lang.tree import Tree


def line_fix(tree: Tree, line: int, *texts: str) -> tuple[Fix, ...] | None:
    """One line gives way to `texts` (without line ends). None where the line was written elsewhere (a stack)."""
    if tree.origins is not None or not 0 < line <= len(tree.lines):
        return None
    raw = tree.lines[line - 1]
    end = raw[len(raw.rstrip("\r\n")) :]
    lines = [text + (end or tree.eol) for text in texts]
    if lines and not end:
        lines[-1] = texts[-1]
    return (Fix(tree.path, Splice(line - 1, line, tuple(lines))),)


def value_fix(line: Line, value: str) -> tuple[Fix, ...] | None:
    """A directive with another value, all else as it is."""
    if line.node.span != 1 or line.tree.origins is not None:
        return None
    text = replace_value(line.tree, line.node, value)
    return None if text is None else line_fix(line.tree, line.node.line, text.rstrip("\r\n"))


def rename_fix(line: Line, name: str, value: str | None = None) -> tuple[Fix, ...] | None:
    """A directive under another name, and with another value if one is given.

    None where the other name is beside it already: two values for one thing would be no fix.
    """
    if line.node.span != 1 or line.tree.origins is not None or _is_beside(line, name):
        return None
    raw = line.tree.lines[line.node.line - 1].rstrip("\r\n")
    if value is not None:
        changed = replace_value(line.tree, line.node, value)
        if changed is None:
            return None
        raw = changed.rstrip("\r\n")
    start = raw.find(line.node.name)
    if start < 0 or raw[:start].strip():
        return None
    return line_fix(line.tree, line.node.line, raw[:start] + name + raw[start + len(line.node.name) :])


def _is_beside(line: Line, name: str) -> bool:
    spec = catalogue().directive(line.scope, name)
    return not (spec is not None and spec.accumulates) and line.within is not None and bool(line.within.named(name))


def sub_fix(tree: Tree, line: int, pattern: str, replacement: str) -> tuple[Fix, ...] | None:
    """A line with one piece replaced; None when the piece is not there."""
    if tree.origins is not None or not 0 < line <= len(tree.lines):
        return None
    raw = tree.lines[line - 1].rstrip("\r\n")
    text, count = re.subn(pattern, replacement, raw, count=1)
    return line_fix(tree, line, text) if count and text != raw else None


def delete_fix(line: Line) -> tuple[Fix, ...] | None:
    """A directive's line taken out; not when a comment is on it."""
    if line.node.span != 1 or "#" in line.tree.lines[line.node.line - 1]:
        return None
    return line_fix(line.tree, line.node.line)
