"""The comments of a configuration file, each with the node that it belongs to, and without secrets.

A comment line belongs to the next node of the same section, or else to the section's end; a comment on a line belongs
to that line. People comment passwords out: those are masked.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.tree import Directive, Node, Section, Tree, comment_of

_MASK: Final = "***"
_SAID: Final = re.compile(
    r"(?i)\b([\w-]*(?:password|passwd|passphrase|secret|token|api[-_]?key|credential|private[-_]?key)\w*\s*[:=]\s*)(\S+)"
)
_LEAD: Final = re.compile(r"[#;\s]*")


@dataclass(slots=True)
class Comments:
    """The comments of one tree, by the node that they belong to. `masked` counts those that held a secret."""

    secrets: frozenset[str] = frozenset()
    masked: int = 0
    above: dict[int, tuple[str, ...]] = field(default_factory=dict)
    beside: dict[int, str] = field(default_factory=dict)
    foot: dict[int, tuple[str, ...]] = field(default_factory=dict)
    end: tuple[str, ...] = ()
    _with: list[int] = field(default_factory=list)  # the lines that may have a comment, counted from 0

    @classmethod
    def of(cls, tree: Tree, secrets: Iterable[str] = ()) -> Comments:
        """The comments of `tree`; `secrets` are values that must not be repeated."""
        comments = cls(frozenset(secret for secret in secrets if len(secret) > 3))
        comments._with = [number for number, raw in enumerate(tree.lines) if "#" in raw]
        comments.end = _closed(comments._walk(tree, tree.children, 0, len(tree.lines)))
        return comments

    def clean(self, comment: str) -> str:
        """A comment with its secrets masked."""
        clean = masked(comment, self.secrets)
        self.masked += clean != comment
        return clean

    def _walk(self, tree: Tree, nodes: list[Node], start: int, end: int) -> tuple[str, ...]:
        """Give each node its comments; `start` and `end` are line indices. Returns what is left at the end."""
        at = start
        for node in nodes:
            if self._is_plain(at, node.end):
                at = node.end
                continue
            self.above[id(node)] = self._lines(tree, at, node.line - 1)
            if isinstance(node, Section):
                self._beside(node, tree.lines[node.line - 1])
                inner_end = node.end - 1 if node.closed else node.end
                self.foot[id(node)] = _closed(self._walk(tree, node.children, node.line, inner_end))
            elif isinstance(node, Directive):
                self._directive(tree, node)
            at = node.end
        return self._lines(tree, at, end)

    def _is_plain(self, start: int, end: int) -> bool:
        """Whether no line in a range has a comment."""
        first = bisect_left(self._with, start)
        return first == len(self._with) or self._with[first] >= end

    def _directive(self, tree: Tree, node: Directive) -> None:
        if node.span == 1:
            self._beside(node, tree.lines[node.line - 1])
            return
        inside = [comment_of(raw) for raw in tree.lines[node.line - 1 : node.end]]
        self.above[id(node)] += tuple(self.clean(text) for text in inside if text)

    def _beside(self, node: Node, raw: str) -> None:
        if "#" in raw:
            self.beside[id(node)] = self.clean(comment_of(raw))

    def _lines(self, tree: Tree, start: int, end: int) -> tuple[str, ...]:
        """The comment lines among these; an empty text is a blank line between them, or after the last."""
        texts: list[str] = []
        for raw in tree.lines[start:end]:
            if raw.lstrip().startswith("#"):
                texts.append(self.clean(comment_of(raw)))
            elif texts and texts[-1]:
                texts.append("")
        return tuple(texts)


def _closed(comments: tuple[str, ...]) -> tuple[str, ...]:
    """Without a blank line at the end."""
    return comments[:-1] if comments and not comments[-1] else comments


def masked(comment: str, secrets: Iterable[str] = ()) -> str:
    """The comment with a secret that it holds as `***`: a directive commented out, `password: x`, a known value."""
    lead = _LEAD.match(comment)
    start = lead.end() if lead else 0
    words = comment[start:].split(None, 1)
    if len(words) == 2:
        known = catalogue().anywhere(words[0])
        sensitive = [spec for spec in known if spec.sensitive]
        hidden = values.mask(sensitive[0] if sensitive else None, words[0], words[1])
        if (sensitive or not known) and hidden != words[1]:
            comment = comment[: start + len(words[0])] + " " + hidden.replace(values.SENSITIVE, _MASK)
    comment = _SAID.sub(lambda match: match[1] + _MASK, comment)
    for secret in secrets:
        if secret in comment:
            comment = comment.replace(secret, _MASK)
    return comment


def masked_line(raw: str, secrets: Iterable[str] = ()) -> str:
    """A line of a file with its comment masked, all else as it is."""
    comment = comment_of(raw)
    if not comment:
        return raw
    cut = raw.find("#")
    return raw[:cut] + masked(comment, secrets) + raw[cut + len(comment) :]
