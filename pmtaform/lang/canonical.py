"""One layout for native files: `pmtaform fmt`.

Four blanks for each section around a line, one blank between a name and its value, two before a comment, one empty
line around sections and never two, no blanks at the ends of lines, and a line end at the end of the file. Comments
in one column stay in one column. The order of lines, the text of values and comments, and the file's own
kind of line end (CRLF or LF, whichever most lines have) stay.

Lines that make no sense, and directives over several lines, stay as they are, byte for byte; so does a whole file with
marks of a template, where a blank may change the rendered text. A # without a blank before it stays so: it may be part
of a value. The result is parsed again and compared: if it means anything else, the file stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise
from typing import Any, Final

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.language import (
    BRACE,
    BROKEN_REGEX,
    LINE_CONTINUATION,
    MALFORMED_TAG,
    NOT_FORMATTED,
    STRAY_CLOSING_TAG,
    TAG_ON_DIRECTIVE_LINE,
    TEMPLATE,
    XML_COMMENT,
)
from pmtaform.lang import values
from pmtaform.lang.blocks import is_ordered
from pmtaform.lang.foreign import Template, template_of
from pmtaform.lang.parsing import parse
from pmtaform.lang.tree import Directive, Junk, Node, Section, Tree, comment_of

INDENT: Final = "    "
_GAP: Final = 2  # blanks before a comment
_BLANKS: Final = " \t\r\n\x0b\x0c"
_TAB: Final = 8
_LEFT_ALONE: Final = (
    BRACE,
    BROKEN_REGEX,
    LINE_CONTINUATION,
    MALFORMED_TAG,
    STRAY_CLOSING_TAG,
    TAG_ON_DIRECTIVE_LINE,
    XML_COMMENT,
)


@dataclass(frozen=True, slots=True)
class Canonical:
    """A file in the one layout.

    `problem`: the layout would change its meaning, so `text` is as it was. `note`: the file must not be laid out, so
    `text` is as it was, too.
    """

    text: str
    problem: Diagnostic | None = None
    note: Diagnostic | None = None


class _Kind(Enum):
    EMPTY = auto()
    COMMENT = auto()
    LINE = auto()
    OPEN = auto()
    CLOSE = auto()
    ODD = auto()


@dataclass(slots=True)
class _Row:
    """One line of the file. `code` is its text without comment; `column` is where its comment starts, now."""

    kind: _Kind
    depth: int
    code: str
    comment: str
    column: int
    raw: str
    rule: bool = False  # a section among rules, which no empty line sets off
    follows: bool = False  # a comment that goes on with the one at the end of the line above

    def text(self, at: int | None = None) -> str:
        """The line in the layout, without its end; `at`: the column of its comment."""
        code = INDENT * self.depth + self.code if self.code else ""
        if not self.comment:
            return code
        if at is None:
            return code + " " * _GAP + self.comment if code else INDENT * self.depth + self.comment
        return code + " " * (at - _width(code)) + self.comment

    @property
    def width(self) -> int:
        """How wide the code is in the layout."""
        return _width(INDENT * self.depth + self.code) if self.code else 0


def canonical(text: str, path: str = "") -> Canonical:
    """`text` in the one layout; its meaning to PowerMTA and its comments stay the same."""
    template = template_of(text)
    if template is not None:
        return Canonical(text, note=_left_alone(template))
    tree = parse(text, path)
    rows = _rows(tree)
    _mark_following(rows)
    rows = _spaced(rows)
    eol = _eol(rows)
    lines = [_ended(row, line, eol) for row, line in zip(rows, _laid_out(rows), strict=True)]
    result = "".join(lines)
    if _meaning(tree) != _meaning(parse(result, path)):
        detail = "In the layout it would have another meaning, so it stays as it is. This is a bug in pmtaform."
        return Canonical(text, NOT_FORMATTED.diagnostic(detail))
    return Canonical(result)


def _left_alone(template: Template) -> Diagnostic:
    detail = f"Line {template.lines[0]} has {values.shown(template.mark)}, which another program fills in."
    return TEMPLATE.diagnostic(detail)


def _meaning(tree: Tree) -> tuple[list[Any], list[str]]:
    """Everything except the layout: every node word for word and in order, and every comment."""
    comments = [comment for line in tree.lines if (comment := comment_of(line))]
    return [_shape(node) for node in tree.children], comments


def _shape(node: Node) -> tuple[Any, ...]:
    if isinstance(node, Directive):
        return node.name, node.value, node.span
    if isinstance(node, Junk):
        return (node.text,)
    return node.tag, node.argument, node.lead, node.closed, [_shape(child) for child in node.children]


# -- what each line is -------------------------------------------------------------------------------------------------


def _rows(tree: Tree) -> list[_Row]:
    rows = [_free(raw) for raw in tree.lines]
    _place(tree, tree.children, 0, rows, rules=False)
    for diagnostic in tree.diagnostics:
        if diagnostic.is_any_of(*_LEFT_ALONE) and diagnostic.place is not None and diagnostic.place.line is not None:
            rows[diagnostic.place.line - 1].kind = _Kind.ODD
    _indent_rest(tree, rows)
    for row in rows:
        _glue(row)
    return rows


def _glue(row: _Row) -> None:
    """Keep a # where it follows the text before it without a blank: a cut password, or half of a name."""
    if row.comment and row.kind in (_Kind.LINE, _Kind.OPEN, _Kind.CLOSE):
        cut = row.raw.index("#")
        if cut and row.raw[cut - 1] not in _BLANKS:
            row.code, row.comment = row.code + row.comment, ""


def _free(raw: str) -> _Row:
    """A line that belongs to no node so far: a comment, or an empty line."""
    comment = comment_of(raw)
    column = _width(raw[: raw.index("#")]) if comment else 0
    return _Row(_Kind.COMMENT if comment else _Kind.EMPTY, 0, "", comment, column, raw)


def _place(tree: Tree, nodes: Sequence[Node], depth: int, rows: list[_Row], *, rules: bool) -> None:
    for node in nodes:
        row = rows[node.line - 1]
        row.depth = depth
        if isinstance(node, Junk) or (isinstance(node, Directive) and node.span > 1):
            for line in range(node.line, node.end + 1):
                rows[line - 1].kind = _Kind.ODD
        elif isinstance(node, Directive):
            row.kind, row.code = _Kind.LINE, f"{node.name} {node.value}".rstrip(_BLANKS)
        else:
            row.kind, row.code, row.rule = _Kind.OPEN, _opening(tree, node), rules
            _place(tree, node.children, depth + 1, rows, rules=is_ordered(node.tag))
            if node.closed and node.end != node.line:
                last = rows[node.end - 1]
                last.kind, last.code, last.depth, last.rule = _Kind.CLOSE, _code(tree, node.end), depth, rules


def _opening(tree: Tree, section: Section) -> str:
    """The opening tag with one blank in it; the tag's own case, and a rule before it, stay."""
    code = _code(tree, section.line)
    if section.lead is not None:
        return code
    tag = code[1 : 1 + len(section.tag)] if code[1:].lower().startswith(section.tag) else section.tag
    return f"<{tag} {section.argument}>" if section.argument else f"<{tag}>"


def _code(tree: Tree, line: int) -> str:
    raw = tree.lines[line - 1]
    cut = raw.find("#")
    return (raw if cut < 0 else raw[:cut]).strip(_BLANKS)


def _indent_rest(tree: Tree, rows: list[_Row]) -> None:
    """Give comments the depth of the section that they are in."""
    depths = [0] * (len(rows) + 1)
    pending: list[tuple[Node, int]] = [(node, 0) for node in tree.children]
    while pending:
        node, depth = pending.pop()
        if isinstance(node, Section):
            last = node.end - 1 if node.closed else node.end
            for line in range(node.line + 1, last + 1):
                depths[line - 1] = depth + 1
            pending += [(child, depth + 1) for child in node.children]
    for row, depth in zip(rows, depths, strict=False):
        if row.kind is _Kind.COMMENT:
            row.depth = depth


# -- empty lines -------------------------------------------------------------------------------------------------------


def _spaced(rows: Sequence[_Row]) -> list[_Row]:
    """The rows with one empty line where one belongs."""
    result: list[_Row] = []
    heads = _heads(rows)
    wanted = False  # an empty line was there
    for number, row in enumerate(rows):
        if row.kind is _Kind.EMPTY:
            wanted = True
            continue
        last = result[-1] if result else None
        if last is not None and _empty_between(last, row, wanted, opens=number in heads):
            result.append(_Row(_Kind.EMPTY, 0, "", "", 0, ""))
        result.append(row)
        wanted = False
    return result


def _heads(rows: Sequence[_Row]) -> set[int]:
    """The rows that start a section: its opening line, or the first of the comments right above it."""
    head_lines: set[int] = set()
    for number, row in enumerate(rows):
        if row.kind is _Kind.OPEN and not row.rule:
            first = number
            while first > 0 and rows[first - 1].kind is _Kind.COMMENT and not rows[first - 1].follows:
                first -= 1
            head_lines.add(first)
    return head_lines


def _empty_between(last: _Row, row: _Row, wanted: bool, *, opens: bool) -> bool:
    if last.kind is _Kind.OPEN or row.kind is _Kind.CLOSE:
        return False
    if row.follows or _Kind.ODD in (last.kind, row.kind):
        return wanted
    return wanted or opens or (last.kind is _Kind.CLOSE and not last.rule)


# -- comments in columns -----------------------------------------------------------------------------------------------


def _mark_following(rows: Sequence[_Row]) -> None:
    """Mark comments that are alone right below one at the end of a line, in its column."""
    for above, row in pairwise(rows):
        beside = above.follows or (above.kind in (_Kind.LINE, _Kind.OPEN, _Kind.CLOSE) and bool(above.comment))
        row.follows = row.kind is _Kind.COMMENT and beside and row.column == above.column


def _laid_out(rows: Sequence[_Row]) -> list[str]:
    """The rows as text; where all comments of a run are in one column, they do so again."""
    lines: list[str] = []
    while len(lines) < len(rows):
        start = len(lines)
        end = start + 1
        inside = (_Kind.LINE,) if rows[start].kind is _Kind.LINE else ()
        while end < len(rows) and (rows[end].follows or rows[end].kind in inside):
            end += 1
        lines += _aligned(rows[start:end])
    return lines


def _aligned(run: Sequence[_Row]) -> list[str]:
    """The text of a run: lines without an empty line, a tag or a comment line between them."""
    if run[0].kind is _Kind.COMMENT:
        return [row.text() for row in run]
    commented = [row for row in run if row.comment]
    together = len({row.column for row in commented}) == 1
    at = max((row.width for row in commented), default=0) + _GAP
    lines = []
    for row in run:
        if not together and not row.follows:
            at = row.width + _GAP
        lines.append(row.text(at))
    return lines


def _width(text: str) -> int:
    return len(text.expandtabs(_TAB))


def _eol(rows: Sequence[_Row]) -> str:
    """The line end that most of the lines have that are laid out."""
    ends = [
        row.raw.endswith("\r\n") for row in rows if row.kind not in (_Kind.EMPTY, _Kind.ODD) and row.raw.endswith("\n")
    ]
    return "\r\n" if sum(ends) * 2 > len(ends) else "\n"


def _ended(row: _Row, line: str, eol: str) -> str:
    if row.kind is not _Kind.ODD:
        return line + eol
    return row.raw if row.raw.endswith("\n") else row.raw + eol
