"""The same thing set twice."""

from __future__ import annotations

from collections.abc import Iterator

from pmtaform.diagnostics import Place
from pmtaform.lang import values
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at, few, on
from pmtaform.lang.lint.line_fixes import delete_fix
from pmtaform.lang.lint.model import ERROR, INFO, WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, on_words


def _groups(facts: Facts) -> list[list[Line]]:
    """The lines of each scope that has several."""
    groups = facts.memory.get("groups of lines")
    if not isinstance(groups, list):
        lists = (facts.top_lines, *(part.lines for part in facts.parts))
        groups = facts.memory["groups of lines"] = [lines for lines in lists if len(lines) > 1]
    return groups


def _repeated(facts: Facts) -> list[tuple[Line, Line]]:
    """What `_single` finds in all scopes."""
    repeated = facts.memory.get("repeated lines")
    if not isinstance(repeated, list):
        repeated = facts.memory["repeated lines"] = [pair for lines in _groups(facts) for pair in _single(lines)]
    return repeated


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


@Rule(
    code="repeated-directive",
    severity=ERROR,
    family=Family.DUPLICATES,
    summary="Single value set twice",
    explanation="Which of two contradicting lines counts is not documented, so no one knows the server's setting.",
    basis="undocumented (docs/powermta/language.md section 5); `records` at most once: guide 3.3.11.11",
    reads=BLOCK,
    wrong="""
        log-file /var/log/pmta/log
        log-file /var/log/pmta/other
    """,
    right="log-file /var/log/pmta/log",
)
def repeated_directive(facts: Facts) -> Iterator[Hit]:
    for before, line in _repeated(facts):
        if _same(before, line):
            continue
        once = line.spec is not None and line.spec.repeat == "once"
        detail = (
            f"{line.name} is set a second time here with another value, and it accepts one. "
            + (
                "The guide allows it once. "
                if once
                else "Which of them counts is not documented (presumably the last). "
            )
            + "Keep one."
        )
        yield at(line, detail, mark=line.node.name, related=(before.place,))


@Rule(
    code="duplicate-line",
    severity=INFO,
    family=Family.DUPLICATES,
    summary="Repeated line",
    explanation="A later change of one of the lines contradicts the other.",
    basis="inferred",
    reads=BLOCK,
    wrong="""
        log-file /var/log/pmta/log
        log-file /var/log/pmta/log
    """,
    right="log-file /var/log/pmta/log",
)
def duplicate_line(facts: Facts) -> Iterator[Hit]:
    for before, line in _repeated(facts):
        if _same(before, line):
            yield at(
                line,
                f"{line.name} repeats an earlier line. Remove one of the lines.",
                mark=line.node.name,
                related=(before.place,),
                fix=delete_fix(line) if line.tree is before.tree else None,
            )


@Rule(
    code="listed-twice",
    severity=WARNING,
    family=Family.DUPLICATES,
    summary="Repeated entry of a list",
    explanation=(
        "The second entry has no effect, or an unknown one. A pool has no weights: no document states that a member "
        "named twice gets twice the mail."
    ),
    basis="inferred; guide 8.3 for pools",
    reads=BLOCK,
    wrong="""
        <virtual-mta-pool all>
          virtual-mta mta-a
          virtual-mta mta-a
        </virtual-mta-pool>
    """,
    right="""
        <virtual-mta-pool all>
          virtual-mta mta-a
          virtual-mta mta-b
        </virtual-mta-pool>
    """,
)
def listed_twice(facts: Facts) -> Iterator[Hit]:
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
                what = "The file is included twice" if line.name == "include" else f"This {line.name} line occurs twice"
                detail = f"{what} in one place. Remove one of the lines."
                yield at(line, detail, related=(before.place,))


@Rule(
    code="repeated-section",
    severity=WARNING,
    family=Family.DUPLICATES,
    summary="Repeated section",
    explanation=(
        "How PowerMTA merges two sections with the same argument is not documented; configurations that have them load."
    ),
    basis="undocumented; seen in published configurations; one <vault>: 2020 guide 3.3.23",
    reads=BLOCK,
    wrong="""
        <domain example.com>
          max-smtp-out 5
        </domain>
        <domain example.com>
          max-msg-rate 100/h
        </domain>
    """,
    right="""
        <domain example.com>
          max-smtp-out 5
          max-msg-rate 100/h
        </domain>
    """,
)
def repeated_section(facts: Facts) -> Iterator[Hit]:
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
    """Nested pattern lists have no names; unknown sections are reported by other rules."""
    return part.node.lead is None and catalogue().section(part.tag) is not None


def _once(part: Part) -> str:
    return f"{part.title} appears a second time, and the guide allows one. Merge them."


def _twice(before: Part, part: Part) -> str:
    detail = (
        f"{part.title} occurs a second time. How PowerMTA merges two sections of one name is not documented. Make "
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


@Rule(
    code="exclusive-directives",
    severity=ERROR,
    family=Family.DUPLICATES,
    summary="Directives that exclude each other",
    explanation="PowerMTA accepts one or the other.",
    basis="2020 guide, smtp-proxy-source-host",
    reads=BLOCK,
    wrong="""
        <virtual-mta mta-a>
          use-proxy gate
          smtp-proxy-source-host 192.0.2.1 10.0.0.1:5000 192.0.2.2 a.example.com
        </virtual-mta>
    """,
    right="""
        <virtual-mta mta-a>
          smtp-proxy-source-host 192.0.2.1 10.0.0.1:5000 192.0.2.2 a.example.com
        </virtual-mta>
    """,
)
def exclusive_directives(facts: Facts) -> Iterator[Hit]:
    """Ways to the outside that exclude each other in a virtual MTA."""
    for part in facts.by_tag.get("virtual-mta", ()):
        other = part.last("smtp-proxy-source-host")
        for name in ("use-proxy", "smtp-source-host") if other is not None else ():
            line = part.last(name)
            if line is not None and other is not None:
                detail = f"{name} and smtp-proxy-source-host exclude each other in a virtual MTA. Keep one of them."
                yield at(other, detail, mark=other.node.name, related=(line.place,))


@Rule(
    code="mixed-spool-forms",
    severity=WARNING,
    family=Family.DUPLICATES,
    summary="Spools in two forms",
    explanation="The form of a line is deprecated. No guide describes the use of both together.",
    basis="guide 3.3.1.4",
    reads=on_words("spool"),
    wrong="""
        spool /var/spool/pmta
        <spool /var/spool/pmta2>
        </spool>
    """,
    right="""
        <spool /var/spool/pmta>
        </spool>
        <spool /var/spool/pmta2>
        </spool>
    """,
)
def mixed_spool_forms(facts: Facts) -> Iterator[Hit]:
    sections = facts.top("spool")
    for line in facts.settings("spool"):
        if sections:
            related: tuple[Place, ...] = (sections[0].place,)
            detail = (
                "This is the old form as a line, and other spools have a section <spool DIRECTORY>. Write a section "
                "for each spool."
            )
            yield at(line, detail, related=related)
