"""What the parser and the reader of includes found, under their own codes; and pairs with an equals sign."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pmtaform.diagnostics import Diagnostic
from pmtaform.lang import values
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.mend import line_fix, sub_fix
from pmtaform.lang.lint.model import ERROR, WARNING, Check, Fix, Hit, Rule
from pmtaform.lang.lint.tags import ends_itself, is_crowded, line_of
from pmtaform.lang.suggest import places, remedy
from pmtaform.lang.tree import Tree

_COMMENT: Final = re.compile(r"(\s*)(.*?)(\s*)<!--\s*(.*?)\s*-->\s*", re.DOTALL)
_PAIR: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*=")


def _passed_on(code: str) -> Check:
    """The parser's findings with this code."""

    def check(facts: Facts) -> Iterator[Hit]:
        for tree in facts.configuration.trees.values():
            for found in tree.diagnostics:
                if found.code == code:
                    yield _hit(tree, found)
        for found in facts.configuration.diagnostics:
            if found.code == code:
                line = found.place.line if found.place else None
                yield Hit(tree=facts.tree, line=line, detail=found.detail, place=found.place)

    return check


def _malformed(facts: Facts) -> Iterator[Hit]:
    for tree in facts.configuration.trees.values():
        for found in tree.diagnostics:
            if found.code == "malformed-tag" and not is_crowded(found):
                yield _hit(tree, found)


def _unclosed(facts: Facts) -> Iterator[Hit]:
    """Sections without an end; not those whose end is on the line of a directive, which has a rule of its own."""
    closed = {(line.tree.path, line.within.node.line) for line in facts.lines if line.within and _closes(line)}
    elements = {(part.tree.path, part.node.line) for part in facts.parts if part.tag == "include" or ends_itself(part)}
    for tree in facts.configuration.trees.values():
        for found in tree.diagnostics:
            where = (tree.path, line_of(tree, found))
            if found.code == "unclosed-section" and where not in closed and where not in elements:
                yield _hit(tree, found)


def _closes(line: Line) -> bool:
    """Whether a directive's line ends with the closing tag of the section that it is in."""
    return line.within is not None and line.value.lower().endswith(f"</{line.within.tag}>")


def _hit(tree: Tree, found: Diagnostic) -> Hit:
    line = line_of(tree, found)
    fix = _xml_fix(tree, line) if found.code == "xml-comment" and line else None
    return Hit(tree=tree, line=line, detail=found.detail, fix=fix, place=found.place)


def _xml_fix(tree: Tree, line: int) -> tuple[Fix, ...] | None:
    """`<!-- x -->` as `# x`, when it begins and ends on this line and nothing but blanks follows it."""
    found = _COMMENT.fullmatch(tree.lines[line - 1].rstrip("\r\n"))
    if found is None or "<!--" in found[4] or "-->" in found[4] or "#" in found[2]:
        return None
    indent, before, gap, comment = found.groups()
    return line_fix(tree, line, f"{indent}{before}{(gap or ' ') if before else ''}# {comment}".rstrip())


def is_pair(line: Line) -> bool:
    """Whether a line is `name = value` or `name=value`."""
    if line.name.startswith("/"):
        return False
    if line.value.startswith("=") and (line.value[1:2] in ("", " ", "\t", '"', "'") or line.spec is None):
        return True
    return line.spec is None and _PAIR.match(line.node.name) is not None


def _equals(facts: Facts) -> Iterator[Hit]:
    for line in facts.lines:
        if not is_pair(line):
            continue
        name = line.node.name.partition("=")[0]
        if line.spec is not None:
            rest = line.value[1:].strip()
            fix = sub_fix(line.tree, line.node.line, r"^(\s*\S+)\s*=[ \t]*(?=\S)", r"\1 ") if rest else None
            detail = f"PowerMTA has no equals sign between a name and its value. Write {line.name} and the value."
            yield at(line, detail, mark="=", fix=fix)
            continue
        if catalogue().directive(line.scope, name) is not None:
            detail = f"PowerMTA has no equals sign between a name and its value. Write {name}, a blank, and the value."
            yield at(line, detail, mark="=")
            continue
        detail = (
            "PowerMTA has no lines of the form key = value; a line is a directive's name, a blank, and its value. "
            f"{_meant(line, name)}"
        )
        yield at(line, detail, mark=line.node.name)


def _meant(line: Line, name: str) -> str:
    scopes = list(dict.fromkeys(scope for spec in catalogue().anywhere(name) for scope in spec.scopes))
    if scopes:
        return f"{name} does not belong here, either; it belongs {places(scopes)}."
    return remedy(name, line.scope) or (f"There is no directive {values.shown(name)}, either." if name else "")


_TREE: Final = "How PowerMTA reads a line: guide 3.1 (docs/powermta/language.md section 1)."
_INCLUDES: Final = "guide 3.3.1.31; the rest is undocumented (docs/powermta/language.md section 4)"

RULES: Final = (
    Rule(
        id="xml-comment",
        severity=ERROR,
        summary="XML comments do not belong to the language",
        why="Only `#` begins a comment. A line that starts with < is read as a tag, and what stands between the marks "
        "of a longer comment stays in force.",
        basis=_TREE,
        check=_passed_on("xml-comment"),
    ),
    Rule(
        id="malformed-tag",
        severity=ERROR,
        summary="A tag is not closed",
        why="A tag that does not end with > opens no section, so its directives land in the one before.",
        basis=_TREE,
        check=_malformed,
    ),
    Rule(
        id="stray-closing-tag",
        severity=ERROR,
        summary="A closing tag closes nothing",
        why="It is a malformed line, which stops a load; often the opening tag was renamed or deleted.",
        basis=_TREE,
        check=_passed_on("stray-closing-tag"),
    ),
    Rule(
        id="unclosed-section",
        severity=ERROR,
        summary="A section is never closed",
        why="Everything after it may be read as part of it.",
        basis=_TREE,
        check=_unclosed,
    ),
    Rule(
        id="equals-sign",
        severity=ERROR,
        summary="There is no equals sign between name and value",
        why="The line is malformed, which stops a load.",
        basis="guide 3.1",
        check=_equals,
    ),
    Rule(
        id="line-continuation",
        severity=WARNING,
        summary="A list goes on over several lines",
        why="No continuation of lines is documented; the lines that follow may be unknown directives.",
        basis="undocumented; no example in either guide",
        check=_passed_on("line-continuation"),
    ),
    Rule(
        id="broken-regex",
        severity=ERROR,
        summary="A regex does not end on its line",
        why="A pattern stands between two slashes on one line, and everything after a # is a comment, in a pattern "
        "too. The rule does not match what was meant, or the line is malformed.",
        basis="guide 3.1, 3.3.15",
        check=_passed_on("broken-regex"),
    ),
    Rule(
        id="not-utf8",
        severity=WARNING,
        summary="The file is not UTF-8",
        why="PowerMTA reads its configuration as UTF-8.",
        basis="guide 3.1",
        check=_passed_on("not-utf8"),
    ),
    Rule(
        id="odd-blank",
        severity=WARNING,
        summary="A character looks like a blank and is none",
        why="A no-break space separates nothing: the words around it are one word. It comes with text copied from a "
        "web page.",
        basis="inferred from guide 3.1",
        check=_passed_on("odd-blank"),
    ),
    Rule(
        id="control-character",
        severity=WARNING,
        summary="The file holds control characters",
        why="They are not part of the language, and hide from editors.",
        basis="inferred from guide 3.1",
        check=_passed_on("control-character"),
    ),
    Rule(
        id="byte-order-mark",
        severity=WARNING,
        summary="The file begins with a byte order mark",
        why="The mark becomes part of the first word.",
        basis="inferred from guide 3.1",
        check=_passed_on("byte-order-mark"),
    ),
    Rule(
        id="missing-include",
        severity=WARNING,
        summary="An included file is not there",
        why="What PowerMTA does then is not documented; it may refuse to load.",
        basis=_INCLUDES,
        check=_passed_on("missing-include"),
    ),
    Rule(
        id="include-loop",
        severity=ERROR,
        summary="Files include each other in a circle",
        why="What PowerMTA does then is not documented; no reading of it makes sense.",
        basis=_INCLUDES,
        check=_passed_on("include-loop"),
    ),
    Rule(
        id="relative-include",
        severity=WARNING,
        summary="An include is not an absolute path",
        why="What it is relative to is not documented.",
        basis=_INCLUDES,
        check=_passed_on("relative-include"),
    ),
)
