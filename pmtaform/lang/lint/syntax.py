"""What the parser and the reader of includes found, under their own codes; and tags that share a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pmtaform.diagnostics import Diagnostic
from pmtaform.lang import values
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.mend import line_fix, sub_fix
from pmtaform.lang.lint.model import ERROR, WARNING, Check, Fix, Hit, Rule
from pmtaform.lang.parsing import CROWDED
from pmtaform.lang.suggest import places, remedy, section_remedy
from pmtaform.lang.tree import Tree

_COMMENT: Final = re.compile(r"(\s*)(.*?)(\s*)<!--\s*(.*?)\s*-->\s*", re.DOTALL)
_ELEMENT: Final = re.compile(r"<([A-Za-z][\w-]*)>([^<>]+)</\1>", re.IGNORECASE)
_CLOSING: Final = re.compile(r"(.*\S)\s+(</[A-Za-z-]+>)")
_TAG: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z-]*)(?:\s[^<>]*)?>")
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


def _is_crowded(found: Diagnostic) -> bool:
    return found.code == "malformed-tag" and found.summary == CROWDED


def _malformed(facts: Facts) -> Iterator[Hit]:
    for tree in facts.configuration.trees.values():
        for found in tree.diagnostics:
            if found.code == "malformed-tag" and not _is_crowded(found):
                yield _hit(tree, found)


def _unclosed(facts: Facts) -> Iterator[Hit]:
    """Sections without an end; not those whose end is on the line of a directive, which has a rule of its own."""
    closed = {(line.tree.path, line.within.node.line) for line in facts.lines if line.within and _closes(line)}
    elements = {(part.tree.path, part.node.line) for part in facts.parts if part.tag == "include" or ends_itself(part)}
    for tree in facts.configuration.trees.values():
        for found in tree.diagnostics:
            where = (tree.path, _line_of(tree, found))
            if found.code == "unclosed-section" and where not in closed and where not in elements:
                yield _hit(tree, found)


def ends_itself(part: Part) -> bool:
    """Whether a tag is written as an XML element without content: `<domain x/>`."""
    argument = part.node.argument
    return not part.node.closed and argument.endswith("/") and not argument.strip('"').startswith("/")


def _closes(line: Line) -> bool:
    """Whether a directive's line ends with the closing tag of the section that it is in."""
    return line.within is not None and line.value.lower().endswith(f"</{line.within.tag}>")


def _hit(tree: Tree, found: Diagnostic) -> Hit:
    line = _line_of(tree, found)
    fix = _xml_fix(tree, line) if found.code == "xml-comment" and line else None
    return Hit(tree=tree, line=line, detail=found.detail, fix=fix, place=found.place)


def _line_of(tree: Tree, found: Diagnostic) -> int | None:
    """The tree's own line; a finding of a stack's tree is placed in YAML."""
    return found.place.line if found.place is not None and tree.origins is None else None


def _xml_fix(tree: Tree, line: int) -> tuple[Fix, ...] | None:
    """`<!-- x -->` as `# x`, when it begins and ends on this line and nothing but blanks follows it."""
    found = _COMMENT.fullmatch(tree.lines[line - 1].rstrip("\r\n"))
    if found is None or "<!--" in found[4] or "-->" in found[4] or "#" in found[2]:
        return None
    indent, before, gap, comment = found.groups()
    return line_fix(tree, line, f"{indent}{before}{(gap or ' ') if before else ''}# {comment}".rstrip())


def _tag_on_line(facts: Facts) -> Iterator[Hit]:
    """A tag and a directive on one line: the page lost its line breaks."""
    for line in facts.lines:
        tag = tag_in(line.value)
        if tag is not None and not line.name.startswith("/"):
            found = _CLOSING.fullmatch(f"{line.node.name} {line.value}")
            detail = (
                f"{tag} stands on the line of {line.node.name}. There is one directive or one tag to a line, so it "
                "becomes part of the value and closes nothing. Put it on a line of its own."
            )
            yield at(line, detail, mark=tag, fix=_split_fix(line.tree, line.node.line) if found else None)
    for tree in facts.configuration.trees.values():
        for each in tree.diagnostics:
            if _is_crowded(each):
                number = _line_of(tree, each)
                yield _crowded(facts, tree, number) if number is not None else _hit(tree, each)


def _crowded(facts: Facts, tree: Tree, number: int) -> Hit:
    raw = tree.lines[number - 1].strip()
    element = _ELEMENT.match(raw)
    detail = _element(facts, tree, number, element) if element is not None else _separate(raw)
    if "<!--" in raw:
        detail += " A comment starts with #."
    return Hit(tree=tree, line=number, detail=detail, mark=raw.split("#", 1)[0].rstrip(), fix=None)


def _element(facts: Facts, tree: Tree, number: int, element: re.Match[str]) -> str:
    """What to write instead of `<name>value</name>`."""
    name, value = element[1].lower(), element[2].strip()
    inside = [p for p in facts.parts if p.tree is tree and p.node.line < number <= p.node.end]
    scope = inside[-1].tag if inside else tree.scope
    if scope == "smtp-listener" and name == "port":
        listener = f"smtp-listener 0.0.0.0:{values.shown(value)}"
        return f"A value in an element is XML. The port is part of the address: `{listener}`."
    spec = catalogue().directive(scope, name)
    if spec is not None:
        return f"A value in an element is XML. Write `{spec.name} {values.mask(spec, name, values.shown(value))}`."
    instead = remedy(name, scope) or f"There is no directive {values.shown(name)}, either."
    return f"A value in an element is XML; a directive is its name, a blank, and its value. {instead}"


def _separate(raw: str) -> str:
    """What to write instead of several tags and directives on one line, with the words in it that nobody knows."""
    parts = ["There is one directive or one tag to a line: put each on a line of its own."]
    tags = list(dict.fromkeys(tag.lower() for close, tag in _TAG.findall(raw) if not close))
    if tags and catalogue().section(tags[0]) and raw.rstrip().lower().endswith(f"</{tags[0]}>"):
        opening = raw[: raw.index(">") + 1]
        parts = [f"Write {values.shown(opening)}, each directive, and </{tags[0]}> on lines of their own."]
    for tag in tags:
        if catalogue().section(tag) is None:
            parts.append(f"There is no section <{values.shown(tag)}>. {section_remedy(tag)}".rstrip())
    for piece in _TAG.split(raw)[::3]:
        word = piece.split()[0] if piece.split() else ""
        if re.fullmatch(r"[A-Za-z][\w-]*", word) and not catalogue().anywhere(word):
            parts.append(f"There is no directive {word}. {remedy(word)}".rstrip())
    return " ".join(parts)


def tag_in(value: str) -> str | None:
    """The tag that a value ends with: a closing one, or one that opens a known section. Addresses in <> are none."""
    if value[-1:] != ">" or "<" not in value or "<!--" in value or value.endswith("<pattern-list>"):
        return None
    for found in _TAG.finditer(value):
        if found[1] or catalogue().section(found[2]):
            return found[0]
    return None


def _split_fix(tree: Tree, line: int) -> tuple[Fix, ...] | None:
    raw = tree.lines[line - 1].rstrip("\r\n")
    if "#" in raw or raw.count("<") != 1:
        return None
    found = _CLOSING.fullmatch(raw.rstrip())
    if found is None:
        return None
    indent = raw[: len(raw) - len(raw.lstrip())]
    return line_fix(tree, line, found[1], indent.removesuffix("    ").removesuffix("\t") + found[2])


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
        return f"{name} does not belong here, either; it stands {places(scopes)}."
    return remedy(name, line.scope) or (f"There is no directive {values.shown(name)}, either." if name else "")


_TREE: Final = "How PowerMTA reads a line: guide 3.1 (LANGUAGE.md section 1)."
_INCLUDES: Final = "guide 3.3.1.31; the rest is undocumented (LANGUAGE.md section 4)"

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
        id="tag-on-directive-line",
        severity=ERROR,
        summary="A tag shares its line with something else",
        why="There is one directive or one tag to a line; a page that lost its line breaks is not a configuration.",
        basis="guide 3.1",
        check=_tag_on_line,
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
