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
from pmtaform.lang.lint.model import ERROR, WARNING, Check, Family, Fix, Given, Hit, Rule
from pmtaform.lang.lint.tags import ends_itself, is_crowded, line_of
from pmtaform.lang.suggest import places, remedy
from pmtaform.lang.tree import Tree

_TREE: Final = "How PowerMTA reads a line: guide 3.1 (docs/powermta/language.md section 1)."
_INCLUDES: Final = "guide 3.3.1.31; the rest is undocumented (docs/powermta/language.md section 4)"

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


@Rule(
    code="malformed-tag",
    severity=ERROR,
    family=Family.SYNTAX,
    summary="Malformed tag",
    explanation="A tag that does not end with > opens no section, so its directives land in the one before.",
    basis=_TREE,
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
        for found in tree.diagnostics:
            if found.code == "malformed-tag" and not is_crowded(found):
                yield _hit(tree, found)


@Rule(
    code="unclosed-section",
    severity=ERROR,
    family=Family.SYNTAX,
    summary="Section not closed",
    explanation="PowerMTA may read everything after it as a part of it.",
    basis=_TREE,
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


@Rule(
    code="equals-sign",
    severity=ERROR,
    family=Family.SYNTAX,
    summary="Equals sign after a name",
    explanation="The line is malformed, and PowerMTA does not load the configuration.",
    basis="guide 3.1",
    wrong="postmaster = admin@example.com",
    right="postmaster admin@example.com",
)
def equals_sign(facts: Facts) -> Iterator[Hit]:
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


xml_comment: Final = Rule(
    code="xml-comment",
    severity=ERROR,
    family=Family.SYNTAX,
    summary="XML comment",
    explanation=(
        "Only `#` starts a comment. A line that starts with `<` is read as a tag, and the lines between the marks of "
        "a longer comment stay in force."
    ),
    basis=_TREE,
    wrong="<!-- Gmail -->",
    right="# Gmail",
    check=_passed_on("xml-comment"),
)

stray_closing_tag: Final = Rule(
    code="stray-closing-tag",
    severity=ERROR,
    family=Family.SYNTAX,
    summary="Closing tag without section",
    explanation=(
        "The line is malformed, and PowerMTA does not load the configuration. Often the opening tag was renamed or "
        "deleted."
    ),
    basis=_TREE,
    wrong="""
        max-smtp-out 5
        </domain>
    """,
    right="""
        <domain example.com>
          max-smtp-out 5
        </domain>
    """,
    check=_passed_on("stray-closing-tag"),
)

line_continuation: Final = Rule(
    code="line-continuation",
    severity=WARNING,
    family=Family.SYNTAX,
    summary="List over several lines",
    explanation="No continuation of lines is documented; PowerMTA may take the next lines for unknown directives.",
    basis="undocumented; no example in either guide",
    wrong="""
        domain-macro mail a.example,
          b.example
    """,
    right="domain-macro mail a.example,b.example",
    check=_passed_on("line-continuation"),
)

broken_regex: Final = Rule(
    code="broken-regex",
    severity=ERROR,
    family=Family.SYNTAX,
    summary="Regular expression not closed",
    explanation=(
        "A pattern is between two slashes on one line, and everything after a `#` is a comment, in a pattern too. "
        "The rule does not match what was meant, or the line is malformed."
    ),
    basis="guide 3.1, 3.3.15",
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
    check=_passed_on("broken-regex"),
)

not_utf8: Final = Rule(
    code="not-utf8",
    severity=WARNING,
    family=Family.SYNTAX,
    summary="File not in UTF-8",
    explanation="PowerMTA reads its configuration as UTF-8.",
    basis="guide 3.1",
    wrong="# caf\udce9",
    right="# café",
    check=_passed_on("not-utf8"),
)

odd_blank: Final = Rule(
    code="odd-blank",
    severity=WARNING,
    family=Family.SYNTAX,
    summary="Blank that separates nothing",
    explanation=(
        "A no-break space is no separator: the words around it are one word. It comes with text that is copied from "
        "a web page."
    ),
    basis="inferred from guide 3.1",
    wrong="log-file\u00a0/var/log/pmta/log",
    right="log-file /var/log/pmta/log",
    check=_passed_on("odd-blank"),
)

control_character: Final = Rule(
    code="control-character",
    severity=WARNING,
    family=Family.SYNTAX,
    summary="Control character",
    explanation="Control characters are not part of the language, and editors hide them.",
    basis="inferred from guide 3.1",
    wrong="host-name mail.example.com \x00",
    right="host-name mail.example.com",
    check=_passed_on("control-character"),
)

byte_order_mark: Final = Rule(
    code="byte-order-mark",
    severity=WARNING,
    family=Family.SYNTAX,
    summary="Byte order mark",
    explanation="The mark becomes part of the first word.",
    basis="inferred from guide 3.1",
    wrong="\ufeffpostmaster admin@example.com",
    right="postmaster admin@example.com",
    check=_passed_on("byte-order-mark"),
)

missing_include: Final = Rule(
    code="missing-include",
    severity=WARNING,
    family=Family.SYNTAX,
    summary="Included file missing",
    explanation="PowerMTA's reaction is not documented; it may reject the configuration.",
    basis=_INCLUDES,
    wrong="include /etc/pmta/gone.conf",
    right="include /etc/pmta/extra.conf",
    given=Given(included={"/etc/pmta/extra.conf": "postmaster admin@example.com"}),
    check=_passed_on("missing-include"),
)

include_not_read: Final = Rule(
    code="include-not-read",
    severity=WARNING,
    family=Family.SYNTAX,
    summary="Included file not read",
    explanation="What it sets is not known, so other findings may be missing or wrong.",
    basis=_INCLUDES,
    wrong="include /etc/pmta/secret.conf",
    right="include /etc/pmta/extra.conf",
    given=Given(
        unread={"/etc/pmta/secret.conf": "permission to read it is missing"},
        included={"/etc/pmta/extra.conf": "postmaster admin@example.com"},
    ),
    check=_passed_on("include-not-read"),
)

include_loop: Final = Rule(
    code="include-loop",
    severity=ERROR,
    family=Family.SYNTAX,
    summary="Files that include each other",
    explanation="PowerMTA's reaction is not documented, and no way to read such files makes sense.",
    basis=_INCLUDES,
    wrong="include /etc/pmta/loop.conf",
    right="include /etc/pmta/extra.conf",
    given=Given(
        included={
            "/etc/pmta/loop.conf": "include /etc/pmta/loop.conf",
            "/etc/pmta/extra.conf": "postmaster admin@example.com",
        }
    ),
    check=_passed_on("include-loop"),
)

relative_include: Final = Rule(
    code="relative-include",
    severity=WARNING,
    family=Family.SYNTAX,
    summary="Relative path of an include",
    explanation="The folder that such a path starts from is not documented.",
    basis=_INCLUDES,
    wrong="include extra.conf",
    right="include /etc/pmta/extra.conf",
    check=_passed_on("relative-include"),
)
