"""Tags that share a line with something else, and tags of XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.language import TAG_ON_DIRECTIVE_LINE
from pmtaform.lang import values
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.lint.facts import Facts, Part
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.line_fixes import line_fix
from pmtaform.lang.lint.model import ERROR, Family, Fix, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK
from pmtaform.lang.suggest import remedy, section_remedy
from pmtaform.lang.tree import Tree

_ELEMENT: Final = re.compile(r"<([A-Za-z][\w-]*)>([^<>]+)</\1>", re.IGNORECASE)
_CLOSING: Final = re.compile(r"(.*\S)\s+(</[A-Za-z-]+>)")
_TAG: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z-]*)(?:\s[^<>]*)?>")


def line_of(tree: Tree, diagnostic: Diagnostic) -> int | None:
    """The tree's own line; a finding of a stack's tree is placed in YAML."""
    return diagnostic.place.line if diagnostic.place is not None and tree.origins is None else None


def ends_itself(part: Part) -> bool:
    """Whether a tag is written as an XML element without content: `<domain x/>`."""
    argument = part.node.argument
    return not part.node.closed and argument.endswith("/") and not argument.strip('"').startswith("/")


@Rule(
    code="tag-on-directive-line",
    severity=ERROR,
    family=Family.SYNTAX,
    summary="Tag on a directive's line",
    explanation="A line has one directive or one tag. A page that lost its line breaks is not a configuration.",
    basis="guide 3.1",
    reads=BLOCK,
    wrong="""
        <domain example.com>
          max-smtp-out 5 </domain>
    """,
    right="""
        <domain example.com>
          max-smtp-out 5
        </domain>
    """,
)
def tag_on_directive_line(facts: Facts) -> Iterator[Hit]:
    """A tag and a directive on one line: the page lost its line breaks."""
    for line in facts.lines:
        tag = tag_in(line.value)
        if tag is not None and not line.name.startswith("/"):
            match = _CLOSING.fullmatch(f"{line.node.name} {line.value}")
            detail = (
                f"{tag} is on the line of {line.node.name}. A line has one directive or one tag, so it "
                "becomes part of the value and closes nothing. Write it on its own line."
            )
            yield at(line, detail, mark=tag, fix=_split_fix(line.tree, line.node.line) if match else None)
    for tree in facts.configuration.trees.values():
        for diagnostic in tree.diagnostics:
            if TAG_ON_DIRECTIVE_LINE.describes(diagnostic):
                number = line_of(tree, diagnostic)
                yield (
                    _crowded(facts, tree, number)
                    if number is not None
                    else Hit(tree=tree, line=None, detail=diagnostic.detail, place=diagnostic.place)
                )


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
    """What to write instead of several tags and directives on one line, with its unknown words."""
    parts = ["A line has one directive or one tag: write each on its own line."]
    tags = list(dict.fromkeys(tag.lower() for close, tag in _TAG.findall(raw) if not close))
    if tags and catalogue().section(tags[0]) and raw.rstrip().lower().endswith(f"</{tags[0]}>"):
        opening = raw[: raw.index(">") + 1]
        parts = [f"Write {values.shown(opening)}, each directive, and </{tags[0]}> on separate lines."]
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
    for match in _TAG.finditer(value):
        if match[1] or catalogue().section(match[2]):
            return match[0]
    return None


def _split_fix(tree: Tree, line: int) -> tuple[Fix, ...] | None:
    raw = tree.lines[line - 1].rstrip("\r\n")
    if "#" in raw or raw.count("<") != 1:
        return None
    match = _CLOSING.fullmatch(raw.rstrip())
    if match is None:
        return None
    indent = raw[: len(raw) - len(raw.lstrip())]
    return line_fix(tree, line, match[1], indent.removesuffix("    ").removesuffix("\t") + match[2])
