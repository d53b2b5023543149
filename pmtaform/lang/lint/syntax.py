"""What the parser and the reader of includes found, under their own codes; and pairs with an equals sign."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pmtaform.diagnostics import Definition, Diagnostic
from pmtaform.diagnostics.codes.language import (
    BROKEN_REGEX,
    INCLUDE_NOT_READ,
    LINE_CONTINUATION,
    MALFORMED_TAG,
    STRAY_CLOSING_TAG,
    UNCLOSED_SECTION,
    XML_COMMENT,
)
from pmtaform.lang import values
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.line_fixes import line_fix, sub_fix
from pmtaform.lang.lint.model import ERROR, WARNING, Check, Family, Fix, Given, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK
from pmtaform.lang.lint.tags import ends_itself, line_of
from pmtaform.lang.suggest import places, remedy
from pmtaform.lang.tree import Tree

_TREE: Final = "How PowerMTA reads a line: guide 3.1 (docs/powermta/language.md section 1)."
INCLUDES: Final = "guide 3.3.1.31; the rest is undocumented (docs/powermta/language.md section 4)"

_COMMENT: Final = re.compile(r"(\s*)(.*?)(\s*)<!--\s*(.*?)\s*-->\s*", re.DOTALL)
_PAIR: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*=")


def passed_on(definition: Definition) -> Check:
    """The parser's diagnostics of one code."""

    def check(facts: Facts) -> Iterator[Hit]:
        for tree in facts.configuration.trees.values():
            for diagnostic in tree.diagnostics:
                if definition.describes(diagnostic):
                    yield _hit(tree, diagnostic)
        for diagnostic in facts.configuration.diagnostics:
            if definition.describes(diagnostic):
                line = diagnostic.place.line if diagnostic.place else None
                yield Hit(tree=facts.tree, line=line, detail=diagnostic.detail, place=diagnostic.place)

    return check


@Rule(
    code=MALFORMED_TAG.code,
    severity=ERROR,
    family=Family.SYNTAX,
    summary=MALFORMED_TAG.summary,
    explanation=MALFORMED_TAG.explanation,
    basis=_TREE,
    reads=BLOCK,
    wrong="""
        <domain example.com
          max-smtp-out 5
        </domain>
    """,
    right="""
        <domain example.com>
          max-smtp-out 5
        </domain>
    """,
)
def malformed_tag(facts: Facts) -> Iterator[Hit]:
    for tree in facts.configuration.trees.values():
        for diagnostic in tree.diagnostics:
            if MALFORMED_TAG.describes(diagnostic):
                yield _hit(tree, diagnostic)


@Rule(
    code=UNCLOSED_SECTION.code,
    severity=ERROR,
    family=Family.SYNTAX,
    summary=UNCLOSED_SECTION.summary,
    explanation=UNCLOSED_SECTION.explanation,
    basis=_TREE,
    reads=BLOCK,
    wrong="""
        <domain example.com>
          max-smtp-out 5
        <spool /var/spool/pmta>
        </spool>
    """,
    right="""
        <domain example.com>
          max-smtp-out 5
        </domain>
        <spool /var/spool/pmta>
        </spool>
    """,
)
def unclosed_section(facts: Facts) -> Iterator[Hit]:
    """Sections without an end, except those whose end is on the line of a directive: another rule reports them."""
    if not any(UNCLOSED_SECTION.describes(d) for tree in facts.configuration.trees.values() for d in tree.diagnostics):
        return
    closed = {(line.tree.path, line.within.node.line) for line in facts.lines if line.within and _closes(line)}
    elements = {(part.tree.path, part.node.line) for part in facts.parts if part.tag == "include" or ends_itself(part)}
    for tree in facts.configuration.trees.values():
        for diagnostic in tree.diagnostics:
            where = (tree.path, line_of(tree, diagnostic))
            if UNCLOSED_SECTION.describes(diagnostic) and where not in closed and where not in elements:
                yield _hit(tree, diagnostic)


def _closes(line: Line) -> bool:
    """Whether a directive's line ends with the closing tag of the section that it is in."""
    return line.within is not None and line.value.lower().endswith(f"</{line.within.tag}>")


def _hit(tree: Tree, diagnostic: Diagnostic) -> Hit:
    line = line_of(tree, diagnostic)
    fix = _xml_fix(tree, line) if XML_COMMENT.describes(diagnostic) and line else None
    return Hit(tree=tree, line=line, detail=diagnostic.detail, fix=fix, place=diagnostic.place)


def _xml_fix(tree: Tree, line: int) -> tuple[Fix, ...] | None:
    """`<!-- x -->` as `# x`, when it starts and ends on this line and nothing but blanks follows it."""
    match = _COMMENT.fullmatch(tree.lines[line - 1].rstrip("\r\n"))
    if match is None or "<!--" in match[4] or "-->" in match[4] or "#" in match[2]:
        return None
    indent, before, gap, comment = match.groups()
    return line_fix(tree, line, f"{indent}{before}{(gap or ' ') if before else ''}# {comment}".rstrip())


def is_pair(line: Line) -> bool:
    """Whether a line is `name = value` or `name=value`."""
    if line.name.startswith("/"):
        return False
    if line.value.startswith("=") and (line.value[1:2] in ("", " ", "\t", '"', "'") or line.spec is None):
        return True
    return line.spec is None and _PAIR.match(line.node.name) is not None


@Rule(
    code="equals-sign",
    severity=ERROR,
    family=Family.SYNTAX,
    summary="Equals sign after a name",
    explanation="The line is malformed, and PowerMTA does not load the configuration.",
    basis="guide 3.1",
    reads=BLOCK,
    wrong="postmaster = admin@example.com",
    right="postmaster admin@example.com",
)
def equals_sign(facts: Facts) -> Iterator[Hit]:
    known = (line for lines in facts.alike if lines[0].value[:1] == "=" for line in lines)
    for line in (*facts.unknown, *known):
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
            f"{_intended(line, name)}"
        )
        yield at(line, detail, mark=line.node.name)


def _intended(line: Line, name: str) -> str:
    scopes = list(dict.fromkeys(scope for spec in catalogue().anywhere(name) for scope in spec.scopes))
    if scopes:
        return f"{name} does not belong here, either; it belongs {places(scopes)}."
    return remedy(name, line.scope) or (f"There is no directive {values.shown(name)}, either." if name else "")


xml_comment: Final = Rule(
    code=XML_COMMENT.code,
    severity=ERROR,
    family=Family.SYNTAX,
    summary=XML_COMMENT.summary,
    explanation=XML_COMMENT.explanation,
    basis=_TREE,
    reads=BLOCK,
    wrong="<!-- Gmail -->",
    right="# Gmail",
    check=passed_on(XML_COMMENT),
)

stray_closing_tag: Final = Rule(
    code=STRAY_CLOSING_TAG.code,
    severity=ERROR,
    family=Family.SYNTAX,
    summary=STRAY_CLOSING_TAG.summary,
    explanation=STRAY_CLOSING_TAG.explanation,
    basis=_TREE,
    reads=BLOCK,
    wrong="""
        max-smtp-out 5
        </domain>
    """,
    right="""
        <domain example.com>
          max-smtp-out 5
        </domain>
    """,
    check=passed_on(STRAY_CLOSING_TAG),
)

line_continuation: Final = Rule(
    code=LINE_CONTINUATION.code,
    severity=WARNING,
    family=Family.SYNTAX,
    summary=LINE_CONTINUATION.summary,
    explanation=LINE_CONTINUATION.explanation,
    basis="undocumented; no example in either guide",
    reads=BLOCK,
    wrong="""
        domain-macro mail a.example,
          b.example
    """,
    right="domain-macro mail a.example,b.example",
    check=passed_on(LINE_CONTINUATION),
)

broken_regex: Final = Rule(
    code=BROKEN_REGEX.code,
    severity=ERROR,
    family=Family.SYNTAX,
    summary=BROKEN_REGEX.summary,
    explanation=BROKEN_REGEX.explanation,
    basis="guide 3.1, 3.3.15",
    reads=BLOCK,
    wrong="""
        <smtp-pattern-list replies>
          reply /too many connections mode=backoff
        </smtp-pattern-list>
    """,
    right="""
        <smtp-pattern-list replies>
          reply /too many connections/ mode=backoff
        </smtp-pattern-list>
    """,
    check=passed_on(BROKEN_REGEX),
)


include_not_read: Final = Rule(
    code=INCLUDE_NOT_READ.code,
    severity=WARNING,
    family=Family.SYNTAX,
    summary=INCLUDE_NOT_READ.summary,
    explanation=INCLUDE_NOT_READ.explanation,
    basis=INCLUDES,
    reads=BLOCK,
    wrong="include /etc/pmta/secret.conf",
    right="include /etc/pmta/extra.conf",
    given=Given(
        unread={"/etc/pmta/secret.conf": "permission to read it is missing"},
        included={"/etc/pmta/extra.conf": "postmaster admin@example.com"},
    ),
    check=passed_on(INCLUDE_NOT_READ),
)
