"""The same thing said twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.diagnostics import Place
from pmtaform.lang import values
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at, few, on
from pmtaform.lang.lint.mend import delete_fix
from pmtaform.lang.lint.model import ERROR, INFO, WARNING, Hit, Rule


def _groups(facts: Facts) -> Iterator[list[Line]]:
    """The lines of each scope."""
    yield facts.top_lines
    for part in facts.parts:
        yield part.lines


def _single(lines: list[Line]) -> Iterator[tuple[Line, Line]]:
    """Single-value directives that stand again: (first or last line that counted until here, the repeated one)."""
    seen: dict[str, Line] = {}
    for line in lines:
        spec = line.spec
        if spec is None or spec.accumulates:
            continue
        name = spec.canonical or spec.name
        before = seen.get(name)
        if before is not None and before.node is not line.node:
            yield before, line
        seen[name] = line


def _same(first: Line, second: Line) -> bool:
    return values.normalise(first.spec, first.value) == values.normalise(second.spec, second.value)


def _repeated(facts: Facts) -> Iterator[Hit]:
    for lines in _groups(facts):
        for before, line in _single(lines):
            if _same(before, line):
                continue
            once = line.spec is not None and line.spec.repeat == "once"
            detail = (
                f"{line.name} stands a second time here with another value, and it takes one. "
                + (
                    "The guide allows it once. "
                    if once
                    else "Which of them counts is not documented (presumably the last). "
                )
                + "Keep one."
            )
            yield at(line, detail, mark=line.node.name, related=(before.place,))


def _said_again(facts: Facts) -> Iterator[Hit]:
    for lines in _groups(facts):
        for before, line in _single(lines):
            if _same(before, line):
                yield at(
                    line,
                    f"{line.name} says here what it said before. Remove one of the lines.",
                    mark=line.node.name,
                    related=(before.place,),
                    fix=delete_fix(line) if line.tree is before.tree else None,
                )


def _accumulated(facts: Facts) -> Iterator[Hit]:
    """Lines of a directive that adds up, word for word the same."""
    for lines in _groups(facts):
        seen: dict[tuple[str, str], Line] = {}
        for line in lines:
            spec = line.spec
            if (
                spec is None
                or not spec.accumulates
                or spec.type == "rule"
                or not line.value
                or line.name == "domain-key"
            ):
                continue
            key = (line.name, values.normalise(spec, line.value))
            before = seen.setdefault(key, line)
            if before.node is line.node and before is not line:
                continue
            if before is not line:
                what = "The file is included twice" if line.name == "include" else f"This {line.name} line stands twice"
                detail = f"{what} in one place. Remove one of the lines."
                yield at(line, detail, related=(before.place,))


def _sections(facts: Facts) -> Iterator[Hit]:
    for within in (None, *facts.parts):
        parts = facts.top_parts if within is None else within.parts
        if len(parts) < 2:
            continue
        seen: dict[tuple[str, str], Part] = {}
        for part in parts:
            if not _can_repeat(part):
                continue
            before = seen.setdefault((part.tag, part.key), part)
            if before.node is not part.node:
                spec = catalogue().section(part.tag)
                severity = ERROR if spec is not None and spec.once else None
                detail = _twice(before, part) if severity is None else _once(part)
                yield on(part, detail, mark=part.node.tag, related=(before.place,), severity=severity)


def _can_repeat(part: Part) -> bool:
    """Nested pattern lists have no names; unknown sections are told of by other rules."""
    return part.node.lead is None and catalogue().section(part.tag) is not None


def _once(part: Part) -> str:
    return f"{part.title} appears a second time, and the guide allows one. Merge them."


def _twice(before: Part, part: Part) -> str:
    detail = (
        f"{part.title} stands a second time. How PowerMTA merges two sections of one name is not documented. Make "
        f"them one."
    )
    clash = [
        line.name
        for line in part.lines
        if line.spec is not None
        and not line.spec.accumulates
        and (other := before.last(line.name)) is not None
        and not _same(other, line)
    ]
    return f"{detail} They contradict each other in {few(clash)}." if clash else detail


def _exclusive(facts: Facts) -> Iterator[Hit]:
    """Ways to the outside that exclude each other in a virtual MTA."""
    for part in facts.by_tag.get("virtual-mta", ()):
        other = part.last("smtp-proxy-source-host")
        for name in ("use-proxy", "smtp-source-host") if other is not None else ():
            one = part.last(name)
            if one is not None and other is not None:
                detail = f"{name} and smtp-proxy-source-host exclude each other in a virtual MTA. Keep one of them."
                yield at(other, detail, mark=other.node.name, related=(one.place,))


def _spool_forms(facts: Facts) -> Iterator[Hit]:
    sections = facts.top("spool")
    for line in facts.settings("spool"):
        if sections:
            related: tuple[Place, ...] = (sections[0].place,)
            detail = (
                "Here is the old form of a line, and elsewhere the section <spool DIRECTORY>. Write the section for "
                "all."
            )
            yield at(line, detail, related=related)


RULES: Final = (
    Rule(
        id="repeated-directive",
        severity=ERROR,
        summary="A single value is set twice",
        why="Which of two contradicting lines counts is not documented, so nobody knows what the server does.",
        basis="undocumented (docs/powermta/language.md section 5); `records` at most once: guide 3.3.11.11",
        check=_repeated,
    ),
    Rule(
        id="said-again",
        severity=INFO,
        summary="A line says again what was said before",
        why="The next person changes one of them and wonders.",
        basis="inferred",
        check=_said_again,
    ),
    Rule(
        id="listed-twice",
        severity=WARNING,
        summary="One line stands twice in a list",
        why="It has no effect, or an unknown one; in a pool there are no weights, so a member named twice is not used "
        "twice as much by any document.",
        basis="inferred; guide 8.3 for pools",
        check=_accumulated,
    ),
    Rule(
        id="repeated-section",
        severity=WARNING,
        summary="One section stands twice",
        why="How two sections with the same argument are merged is not documented; they evidently load.",
        basis="undocumented; seen in published configurations; one <vault>: 2020 guide 3.3.23",
        check=_sections,
    ),
    Rule(
        id="exclusive-directives",
        severity=ERROR,
        summary="Two directives exclude each other",
        why="PowerMTA takes one or the other.",
        basis="2020 guide, smtp-proxy-source-host",
        check=_exclusive,
    ),
    Rule(
        id="mixed-spool-forms",
        severity=WARNING,
        summary="Spools are written in two forms",
        why="The form of a line is deprecated; of the two together nothing is said.",
        basis="guide 3.3.1.4",
        check=_spool_forms,
    ),
)
