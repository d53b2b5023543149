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
from pmtaform.lang.lint.mend import line_fix
from pmtaform.lang.lint.model import ERROR, WARNING, Fix, Hit, Rule
from pmtaform.lang.lint.nearest import suggested_section
from pmtaform.lang.splices import Splice


def _invented_section(facts: Facts) -> Iterator[Hit]:
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
    """The section under another tag, if it may stand where it is."""
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
        text, count = pattern.subn(lambda found: found[1] + tag, raw, count=1)
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
    """Whether several tags share the line, which is told of already."""
    return any(mark in part.node.argument or mark in part.tag for mark in "<>")


def _unknown_section(facts: Facts) -> Iterator[Hit]:
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


def _old_name(facts: Facts) -> Iterator[Hit]:
    for part in facts.parts:
        spec = catalogue().section(part.tag)
        if spec is not None and spec.replaced_by:
            detail = f"<{spec.tag}> is the old name of <{spec.replaced_by}>. Write <{spec.replaced_by}>."
            yield on(part, detail, mark=part.node.tag, fix=_renamed(part, spec.replaced_by))


def _misplaced_section(facts: Facts) -> Iterator[Hit]:
    known = catalogue()
    for part in facts.parts:
        spec = known.section(part.tag)
        parent = part.within.tag if part.within else (None if part.tree.scope == GLOBAL else part.tree.scope)
        if spec is None or known.may_stand_in(part.tag, parent) or (parent and known.section(parent) is None):
            continue
        where = " or ".join("at top level" if p == "top" else f"in <{p}>" for p in spec.parents)
        here = f"in <{parent}>" if parent else "at top level"
        yield on(part, f"<{part.tag}> does not belong {here}; it belongs {where}.", mark=part.node.tag)


_ABSENT: Final = (
    "absent from both 5.0 guides, and from published configurations except those of its inventors "
    "(docs/powermta/mistakes.md)"
)

RULES: Final = (
    Rule(
        id="invented-section",
        severity=ERROR,
        summary="There is no such section",
        why="It was made up on some page, and copied. PowerMTA does not load a configuration with an unknown tag.",
        basis=_ABSENT,
        check=_invented_section,
    ),
    Rule(
        id="unknown-section",
        severity=WARNING,
        summary="The section is unknown",
        why="PowerMTA does not load a configuration with an unknown tag; but there are releases that we have not seen.",
        basis="absent from both 5.0 guides",
        check=_unknown_section,
    ),
    Rule(
        id="deprecated-section",
        severity=WARNING,
        summary="The section has another name now",
        why="The old name may go with any release.",
        basis="guide 3.3.7.38 (2019) against 3.3.5 (2020); 3.3.21",
        check=_old_name,
    ),
    Rule(
        id="misplaced-section",
        severity=ERROR,
        summary="The section does not belong there",
        why="Only a few sections may be nested; the usual reason is a closing tag that was forgotten.",
        basis="guide 3.3",
        check=_misplaced_section,
    ),
)
