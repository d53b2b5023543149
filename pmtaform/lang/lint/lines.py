"""Lines that are cut by a comment or hold two rules, and arguments of sections."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pmtaform.diagnostics.codes.language import BROKEN_REGEX
from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.model import ERROR, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK
from pmtaform.lang.lint.shapes import FORMS, cut_by_hash
from pmtaform.lang.lint.tags import ends_itself
from pmtaform.lang.tree import Directive


@Rule(
    code="hash-in-value",
    severity=ERROR,
    family=Family.VALUES,
    summary="Value cut off by #",
    explanation=(
        "Everything after `#` is a comment, in passwords and regular expressions too: the rest is silently lost."
    ),
    basis="guide 3.3.15, 3.3.10.55",
    reads=BLOCK,
    wrong="""
        <smtp-user feeder>
          password kx9QvLmT2#rW8zPb
        </smtp-user>
    """,
    right="""
        <smtp-user feeder>
          password kx9QvLmT2rW8zPbA
        </smtp-user>
    """,
)
def hash_in_value(facts: Facts) -> Iterator[Hit]:
    for line in (line for lines in facts.alike if lines[0].spec and lines[0].spec.sensitive for line in lines):
        if line.spec is not None and cut_by_hash(line) is not None:
            detail = (
                f"Everything after a # is a comment, so PowerMTA reads "
                f"{'only the part before it' if line.value else 'no value'} "
                f"for {line.name}. No documented quoting protects it. Choose a value without a #."
            )
            yield at(line, detail, mark=line.node.name)
    for tree in facts.configuration.trees.values():
        for diagnostic in tree.diagnostics:
            if (
                not BROKEN_REGEX.describes(diagnostic)
                or diagnostic.place is None
                or tree.origins is not None
                or not diagnostic.place.line
            ):
                continue
            raw = tree.lines[diagnostic.place.line - 1]
            if "#" in raw and _hash_in_regex(raw):
                detail = (
                    "Everything after a # is a comment, in a pattern too, so the pattern ends there and never closes. "
                    r"Write \x23 for the #."
                )
                yield Hit(tree=tree, line=diagnostic.place.line, detail=detail, mark="#", place=diagnostic.place)


def _hash_in_regex(raw: str) -> bool:
    """Whether the # is between two slashes."""
    cut = raw.find("#")
    return "/" in raw[:cut] and "/" in raw[cut:]


@Rule(
    code="bad-argument",
    severity=ERROR,
    family=Family.VALUES,
    summary="Invalid argument of a section",
    explanation=(
        "PowerMTA does not load a configuration with a malformed line: at a reload the old configuration stays, at a "
        "start mail stops."
    ),
    basis=FORMS,
    reads=BLOCK,
    wrong="""
        <domain example.com/>
        </domain>
    """,
    right="""
        <domain example.com>
        </domain>
    """,
)
def bad_argument(facts: Facts) -> Iterator[Hit]:
    for part in facts.parts:
        argument = part.node.argument
        if "<" in argument or ">" in argument or "{{" in argument or "${" in argument:
            continue
        if ends_itself(part):
            name = argument.removesuffix("/").rstrip()
            instead = f"A self-closing tag is XML. Write <{part.tag} {name}>, and </{part.tag}> below it."
            yield on(part, values.shown(instead))
            continue
        detail = values.argument_problem(part.tag, argument)
        if detail is not None:
            yield on(part, values.shown(detail))


@Rule(
    code="two-rules-on-a-line",
    severity=ERROR,
    family=Family.VALUES,
    summary="Two rules on one line",
    explanation="The second pattern becomes part of the category of the first one.",
    basis="guide 10.8",
    reads=BLOCK,
    wrong="""
        <bounce-category-patterns>
          /spam/ spam-related /quota/ quota-issues
        </bounce-category-patterns>
    """,
    right="""
        <bounce-category-patterns>
          /spam/ spam-related
          /quota/ quota-issues
        </bounce-category-patterns>
    """,
)
def two_rules_on_a_line(facts: Facts) -> Iterator[Hit]:
    """Two patterns on one line of the bounce categories."""
    for line in facts.named("/REGEX/"):
        node: Directive = line.node
        if node.span == 1 and re.search(r"[A-Za-z-]+\s+/.*/", node.value):
            yield at(
                line,
                "Two rules are on one line. A rule is one pattern and one category: write each on its own line.",
            )
