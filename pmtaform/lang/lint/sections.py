"""Sections that PowerMTA does not know, or not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.inventions import Invention, inventions
from pmtaform.lang.lint.facts import Facts, Part
from pmtaform.lang.lint.hits import on
from pmtaform.lang.lint.line_fixes import line_fix
from pmtaform.lang.lint.model import ERROR, WARNING, Family, Fix, Hit, Rule
from pmtaform.lang.lint.nearest import suggested_section
from pmtaform.lang.lint.reads import BLOCK
from pmtaform.lang.splices import Splice

_ABSENT: Final = (
    "absent from both 5.0 guides, and from published configurations except those of its inventors "
    "(docs/powermta/mistakes.md)"
)


@Rule(
    code="invented-section",
    severity=ERROR,
    family=Family.UNKNOWN,
    summary="Invented section",
    explanation=(
        "A web page invented it, and others copied it. PowerMTA does not load a configuration with an unknown tag."
    ),
    basis=_ABSENT,
    reads=BLOCK,
    wrong="""
        <limits>
        </limits>
    """,
    right="""
        <domain *>
        </domain>
    """,
)
def invented_section(facts: Facts) -> Iterator[Hit]:
    for part in facts.parts:
        known = inventions().section(part.tag) if catalogue().section(part.tag) is None else None
        if known is not None:
            detail = f"PowerMTA has no section <{values.shown(part.tag)}>. {known.remedy}"
            yield on(part, detail, mark=part.node.tag, fix=_section_fix(part, known))


def _section_fix(part: Part, known: Invention) -> tuple[Fix, ...] | None:
    if part.tag == "include":
        return _include_fix(part)
    return None if known.exact is None else _renamed(part, known.exact)


def _renamed(part: Part, tag: str) -> tuple[Fix, ...] | None:
    """The section under another tag, if it may be where it is."""
    node, tree = part.node, part.tree
    if not node.closed or tree.origins is not None:
        return None
    above = part.within.tag if part.within else (None if tree.scope == GLOBAL else tree.scope)
    if not catalogue().may_stand_in(tag, above) or values.argument_problem(tag, node.argument):
        return None
    fixes: list[Fix] = []
    for number, mark in ((node.line, "<"), (node.end, "</")):
        raw = tree.lines[number - 1]
        pattern = re.compile(rf"({mark}\s*){re.escape(node.tag)}(?![\w-])", re.IGNORECASE)
        text, count = pattern.subn(lambda match: match[1] + tag, raw, count=1)
        if not count:
            return None
        fixes.append(Fix(tree.path, Splice(number - 1, number, (text,))))
    return tuple(fixes)


def _include_fix(part: Part) -> tuple[Fix, ...] | None:
    """`<include FILE>` as the directive; only where it has no end that would be left over."""
    raw = part.tree.lines[part.node.line - 1].rstrip("\r\n")
    if not part.node.argument or part.node.closed or "#" in raw or "<" in part.node.argument:
        return None
    indent = raw[: len(raw) - len(raw.lstrip())]
    return line_fix(part.tree, part.node.line, f"{indent}include {part.node.argument}")


def _is_broken(part: Part) -> bool:
    """Whether several tags share the line, which is reported already."""
    return any(mark in part.node.argument or mark in part.tag for mark in "<>")


@Rule(
    code="unknown-section",
    severity=WARNING,
    family=Family.UNKNOWN,
    summary="Unknown section",
    explanation=(
        "PowerMTA does not load a configuration with an unknown tag. Some releases may have sections that pmtaform "
        "does not know."
    ),
    basis="absent from both 5.0 guides",
    reads=BLOCK,
    wrong="""
        <domaine example.com>
        </domaine>
    """,
    right="""
        <domain example.com>
        </domain>
    """,
)
def unknown_section(facts: Facts) -> Iterator[Hit]:
    for part in facts.parts:
        if catalogue().section(part.tag) is not None or inventions().section(part.tag) or _is_broken(part):
            continue
        near = suggested_section(facts, part.tag)
        if not near and catalogue().anywhere(part.tag):
            near = f" {values.shown(part.tag)} is a directive: a line without < and >."
        yield on(
            part,
            f"Neither 5.0 guide has a section <{values.shown(part.tag)}>.{near} Inside it only values are checked.",
            mark=part.node.tag,
        )


@Rule(
    code="deprecated-section",
    severity=WARNING,
    family=Family.UNKNOWN,
    summary="Old name of a section",
    explanation="Any release may remove the old name.",
    basis="guide 3.3.7.38 (2019) against 3.3.5 (2020); 3.3.21",
    reads=BLOCK,
    wrong="""
        <sparkpost-analytics>
        </sparkpost-analytics>
    """,
    right="""
        <signals>
        </signals>
    """,
)
def deprecated_section(facts: Facts) -> Iterator[Hit]:
    for part in facts.parts:
        spec = catalogue().section(part.tag)
        if spec is not None and spec.replaced_by:
            detail = f"<{spec.tag}> is the old name of <{spec.replaced_by}>. Write <{spec.replaced_by}>."
            yield on(part, detail, mark=part.node.tag, fix=_renamed(part, spec.replaced_by))


@Rule(
    code="misplaced-section",
    severity=ERROR,
    family=Family.UNKNOWN,
    summary="Misplaced section",
    explanation="Only a few sections may be nested. Often a closing tag is missing.",
    basis="guide 3.3",
    reads=BLOCK,
    wrong="""
        <domain example.com>
        <source 192.0.2.0/24>
        </source>
        </domain>
    """,
    right="""
        <domain example.com>
        </domain>
        <source 192.0.2.0/24>
        </source>
    """,
)
def misplaced_section(facts: Facts) -> Iterator[Hit]:
    known = catalogue()
    for part in facts.parts:
        spec = known.section(part.tag)
        parent = part.within.tag if part.within else (None if part.tree.scope == GLOBAL else part.tree.scope)
        if spec is None or known.may_stand_in(part.tag, parent) or (parent and known.section(parent) is None):
            continue
        where = " or ".join("at top level" if p == "top" else f"in <{p}>" for p in spec.parents)
        here = f"in <{parent}>" if parent else "at top level"
        yield on(part, f"<{part.tag}> does not belong {here}; it belongs {where}.", mark=part.node.tag)
