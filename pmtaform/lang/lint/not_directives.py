"""Lines that start with no directive, and lines of lists that are no rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.inventions import inventions
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.foreign import is_omission
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import ERROR, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK
from pmtaform.lang.lint.unknown import RULE_LISTS, is_impossible, is_unknown, strange

_RULE_FORMS: Final = {
    "pattern-list": "`mail-from /^sender@example\\.com$/ virtual-mta=NAME` (or rcpt-to, or header NAME)",
    "smtp-pattern-list": "`reply /REGEX/ mode=backoff` (or another action)",
    "bounce-category-patterns": "`/REGEX/ CATEGORY`",
    "mx-rollup-list": "`mx mx.example.net example.rollup`",
    "rewrite-list": "`mail-from SOURCE TARGET` or `from-domain PATTERN DOMAIN`",
}


@Rule(
    code="impossible-directive",
    severity=ERROR,
    family=Family.UNKNOWN,
    summary="Line without a directive",
    explanation="A line is a directive's name, a blank, and its value. A name has no commas, quotes or other marks.",
    basis="guide 3.1",
    reads=BLOCK,
    wrong="a.example,b.example",
    right="domain-macro mail a.example,b.example",
)
def impossible_directive(facts: Facts) -> Iterator[Hit]:
    for line in strange(facts):
        if is_unknown(line) and is_impossible(line.node.name):
            detail = f"{_why_impossible(line)} No release has such a directive: the line stops a load."
            yield at(line, detail, mark=line.node.name)


def _why_impossible(line: Line) -> str:
    name = line.node.name
    if line.scope == "acct-file" and "," in name:
        return "The line starts with a list of fields. Write `record-fields TYPE` before it."
    if "," in name:
        return "The line starts with a list. Write its directive before it, on the same line."
    if name.startswith(('"', "'")):
        return "The line starts with a quoted text. Write its directive before it, on the same line."
    if name.endswith((":", ";")) and catalogue().directive(line.scope, name[:-1]):
        return f"Only blanks may separate a name from its value. Write `{name[:-1]}` without the {name[-1]}."
    return f"{values.shown(name)} is not a directive's name, which has letters, digits and hyphens only."


@Rule(
    code="rule-form",
    severity=ERROR,
    family=Family.UNKNOWN,
    summary="Malformed rule",
    explanation=(
        "A list of rules accepts rules only. Any other line is malformed, and PowerMTA does not load the configuration."
    ),
    basis="guide 3.3.14, 3.3.15, 10.8, 10.17",
    reads=BLOCK,
    wrong="""
        <pattern-list senders>
          news@example.com mta-a
        </pattern-list>
    """,
    right=r"""
        <pattern-list senders>
          mail-from /^news@example\.com$/ virtual-mta=mta-a
        </pattern-list>
    """,
)
def rule_form(facts: Facts) -> Iterator[Hit]:
    for line in strange(facts):
        if line.scope not in RULE_LISTS or is_omission(line.node.name) or catalogue().anywhere(line.node.name):
            continue
        if inventions().directive(line.name):
            continue
        yield at(
            line,
            f"`{values.shown(line.node.name)}` starts no rule of a <{line.scope}>; a rule is "
            f"{_RULE_FORMS[line.scope]}. The line is malformed, which stops a load.",
            mark=line.node.name,
        )
