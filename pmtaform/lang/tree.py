"""The lossless syntax tree of one PowerMTA configuration file: its lines as they are, and nodes over them.

`str(tree)` is the file. Nodes mark the lines of a directive or a section; a line that makes no sense is `Junk`.
`pmtaform.lang.parsing` makes trees.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import Final, Protocol

from pmtaform.diagnostics import Diagnostic, Place

BLANKS: Final = " \t\r\n\x0b\x0c"
_SPLITS: Final = "\x0b\x0c\x1c\x1d\x1e"  # str.splitlines() splits there, PowerMTA does not


class Directive:
    """One directive: `name value`, from line `line` (counted from 1) over `span` lines.

    `value` is the text after the name, without comment and outer blanks; over several lines the parts are joined
    by one blank. A rule that starts with a regex has the regex as its name.
    """

    __slots__ = ("line", "name", "span", "value")

    def __init__(self, line: int, name: str, value: str, span: int = 1) -> None:
        self.line = line
        self.name = name
        self.value = value
        self.span = span

    @property
    def end(self) -> int:
        """The last line."""
        return self.line + self.span - 1

    def __repr__(self) -> str:
        return f"<line {self.line}: {self.name}>"


class Section:
    """A section from its opening line `line` to its closing line `end`.

    `closed` is False when no closing tag was found; then `end` is the last line that belongs to it. `lead` is the
    rule before the tag of a nested list (`mail-from /…/ <pattern-list>`): its name and value.

    The `children` of an `unread` section are made at their first use: most sections of a large file are compared as
    text only.
    """

    __slots__ = ("argument", "children", "closed", "end", "lead", "line", "tag", "unread")

    children: list[Node]

    def __init__(self, line: int, tag: str, argument: str, lead: tuple[str, str] | None = None) -> None:
        self.line = line
        self.tag = tag
        self.argument = argument
        self.lead = lead
        self.children = []
        self.end = line
        self.closed = False
        self.unread: UnreadNodes | None = None

    @classmethod
    def of_lines(cls, line: int, end: int, tag: str, argument: str, unread: UnreadNodes) -> Section:
        """A closed section whose children are not made yet."""
        section = cls.__new__(cls)  # not through __init__, which would make children
        section.line = line
        section.end = end
        section.tag = tag
        section.argument = argument
        section.lead = None
        section.closed = True
        section.unread = unread
        return section

    def __getattr__(self, name: str) -> list[Node]:
        """Make the children. Python calls this only while the slot is empty, so each later use costs nothing."""
        if name != "children":
            raise AttributeError(name)
        with _READING:  # threads share trees, and refer to nodes by identity
            if self.unread is not None:
                self.children = self.unread.nodes(self.line, self.end)
                self.unread = None
        return self.children

    def __repr__(self) -> str:
        return f"<line {self.line}: <{self.tag} {self.argument}>>"


_READING: Final = Lock()


class UnreadNodes(Protocol):
    """Lines of a file whose nodes are not made yet."""

    def nodes(self, line: int, end: int) -> list[Node]:
        """The nodes of the lines between `line` and `end`, the tags of a section."""
        ...


class Junk:
    """A line that makes no sense. `code` is the code of the diagnostic with the reason."""

    __slots__ = ("code", "line", "text")

    def __init__(self, line: int, text: str, code: str) -> None:
        self.line = line
        self.text = text
        self.code = code

    @property
    def end(self) -> int:
        """The last line."""
        return self.line


Node = Directive | Section | Junk


class Tree:
    """One parsed file.

    `scope` is the scope of its content: "global", or the tag of the section that includes it. `origins`, if given,
    has for each line the place where a person wrote it (a stack's YAML), and replaces `path`. `plain` are its lines
    where none of them is odd: what each means depends on no other.
    """

    __slots__ = ("__weakref__", "children", "diagnostics", "lines", "origins", "path", "plain", "scope")

    def __init__(
        self,
        path: str,
        lines: list[str],
        children: list[Node],
        diagnostics: Sequence[Diagnostic],
        scope: str = "global",
        origins: Sequence[Place | None] | None = None,
    ) -> None:
        self.path = path
        self.lines = lines
        self.children = children
        self.diagnostics = tuple(diagnostics)
        self.scope = scope
        self.origins = origins
        self.plain: UnreadNodes | None = None

    def __str__(self) -> str:
        return "".join(self.lines)

    def to_bytes(self) -> bytes:
        """The file's bytes, as they were read."""
        return encode(str(self))

    def place(self, line: int) -> Place:
        """Where line `line` was written."""
        if self.origins is not None and 0 < line <= len(self.origins):
            origin = self.origins[line - 1]
            if origin is not None:
                return origin
        return Place(self.path, line)

    def text_of(self, node: Node) -> str:
        """The lines of a node, with their line ends."""
        return "".join(self.lines[node.line - 1 : node.end])

    @property
    def eol(self) -> str:
        """The line end that most lines have."""
        crlf = sum(1 for line in self.lines[:200] if line.endswith("\r\n"))
        return "\r\n" if crlf * 2 > len(self.lines[:200]) else "\n"

    def walk(self) -> Iterator[tuple[str, Node]]:
        """Every node with the scope that it is in, in the order of the file."""
        return _walked(self.scope, self.children)

    def walk_where(self, word: str) -> Iterator[tuple[str, Node]]:
        """The nodes of `walk` that are in top-level nodes with `word` in their text. `word` is in lower case.

        Where few of them have it, the others need not be read.
        """
        starts = [node.line for node in self.children]
        last = -1
        for line in _lines_with(word, str(self).lower()):
            at = bisect_right(starts, line) - 1
            if at > last and line <= self.children[at].end:
                last = at
                yield from _walked(self.scope, [self.children[at]])


def _walked(scope: str, nodes: Iterable[Node]) -> Iterator[tuple[str, Node]]:
    pending: list[tuple[str, Iterator[Node]]] = [(scope, iter(nodes))]
    while pending:
        scope, inner = pending[-1]
        for node in inner:
            yield scope, node
            if isinstance(node, Section):
                pending.append((node.tag, iter(node.children)))
                break
        else:
            pending.pop()


def _lines_with(word: str, text: str) -> Iterator[int]:
    """The numbers of the lines that have a word."""
    line, counted = 1, 0
    at = text.find(word)
    while at >= 0:
        line, counted = line + text.count("\n", counted, at), at
        yield line
        end = text.find("\n", at)
        at = text.find(word, end) if end >= 0 else -1


def decode(content: bytes) -> str:
    """A file's bytes as text. Bytes that are not UTF-8 become lone surrogates, and survive `encode`."""
    return content.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The inverse of `decode`."""
    return text.encode("utf-8", "surrogateescape")


def split_lines(text: str) -> list[str]:
    """The lines of `text` with their ends. Only LF ends a line: form feeds and such stay inside."""
    lone_cr = "\r" in text and text.count("\r") != text.count("\r\n")
    if text.isascii() and not lone_cr and not any(c in text for c in _SPLITS):
        return text.splitlines(keepends=True)
    lines = text.split("\n")
    last = lines.pop()
    lines = [line + "\n" for line in lines]
    if last:
        lines.append(last)
    return lines


def comment_of(raw: str) -> str:
    """The comment of a line, from its `#` on, without line end; empty when there is none."""
    cut = raw.find("#")
    return "" if cut < 0 else raw[cut:].rstrip(BLANKS)
