"""What domain macros stand for: each item is a domain pattern, or a part of a name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at, few
from pmtaform.lang.lint.model import ERROR, Family, Hit, Rule
from pmtaform.lang.lint.reads import on_words
from pmtaform.lang.lint.references import references
from pmtaform.lang.values.lines import domain_problem

_MOST_TOLD: Final = 3


@Rule(
    code="macro-item",
    severity=ERROR,
    family=Family.ORDER,
    summary="Item of a macro that is no domain",
    explanation="The section that uses the macro applies to no such domain, so its limits are never used.",
    basis="guide 3.3.10 (macros), domain patterns (docs/powermta/language.md section 2)",
    reads=on_words("domain-macro", "$"),
    wrong="""
        domain-macro mail a.example,@b.example
        <domain $mail>
        </domain>
    """,
    right="""
        domain-macro mail a.example,b.example
        <domain $mail>
        </domain>
    """,
)
def macro_item(facts: Facts) -> Iterator[Hit]:
    partly = _parts_of_names(facts)
    for line in facts.named("domain-macro"):
        name, _, rest = line.value.partition(" ")
        if line.spec is None or not rest.strip():
            continue
        items = [item.strip() for item in rest.strip().strip('"').split(",")]
        wrong = {item: why for item in items if item and (why := _problem(item, is_part=name in partly))}
        if wrong:
            yield _hit(line, name, wrong)


def _problem(item: str, *, is_part: bool) -> str | None:
    if "$" in item or "{" in item:
        return None
    if is_part and ("*" in item or item.startswith("[")):
        return f"{values.shown(item)} is used between other parts of a name, where a star is not allowed."
    return domain_problem(item)


def _parts_of_names(facts: Facts) -> set[str]:
    """The macros that are used as a part of a domain's name, as in yahoo.$tld."""
    names = set()
    for user, name in references(facts).macros:
        text = user.node.argument if isinstance(user, Part) else ""
        if text and text.strip('"').removeprefix("[*.]").removeprefix("*.") != f"${name}":
            names.add(name)
    return names


def _hit(line: Line, name: str, wrong: dict[str, str]) -> Hit:
    first, why = next(iter(wrong.items()))
    others = list(wrong)[1:]
    detail = f"{why} It matches nothing where ${values.shown(name)} is used."
    if others:
        detail += f" Check {values.shown(few(others, _MOST_TOLD))}, too."
    return at(line, detail, mark=first)
