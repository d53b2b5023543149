"""Asking the rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from pmtaform.diagnostics import Place, Severity
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.model import Finding, Hit, Rule
from pmtaform.lang.lint.silenced import silences
from pmtaform.lang.lint.subject import Subject
from pmtaform.lang.lint.suppress import judge, suppressions, with_suppressed
from pmtaform.lang.lint.table import rules
from pmtaform.lang.parsing import gc_paused

_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def lint(
    subject: Subject,
    *,
    only: Collection[str] | None = None,
    disabled: Collection[str] = (),
    enabled: Collection[str] = (),
    ignored: bool = False,
) -> list[Finding]:
    """Everything that the rules find, in the order of the files, each finding once.

    `only` names the rules to ask; else all but the optional ones, with `enabled` and without `disabled`. With
    `ignored`, findings that a comment ignores are included, and marked.
    """
    asked = chosen(only, disabled, enabled)
    known = suppressions(subject)
    with gc_paused():
        facts = Facts(subject)
        findings = list(findings_of(facts, asked))
        facts.forget()
        reported = with_suppressed(findings, known)
    if not ignored:
        reported = [finding for finding in reported if finding.ignored is None]
    reported += [_at_host(finding, subject) for finding in judge(known, rules(), [rule.code for rule in asked])]
    return in_order(reported, subject)


def in_order(findings: Iterable[Finding], subject: Subject) -> list[Finding]:
    """Findings in the order of the files, each once."""
    return sorted(_once(findings), key=_FileOrder(subject))


def chosen(only: Collection[str] | None, disabled: Collection[str], enabled: Collection[str]) -> list[Rule]:
    """The rules to ask."""
    if only is not None:
        return [rule for rule in rules().values() if rule.code in only and rule.code not in disabled]
    return [
        rule for rule in rules().values() if (not rule.optional or rule.code in enabled) and rule.code not in disabled
    ]


def findings_of(facts: Facts, asked: Iterable[Rule]) -> Iterator[Finding]:
    """What rules find, as they find it."""
    for rule in asked:
        if not rule.whole or facts.whole or (rule.partial and facts.subject.in_stack):
            for hit in rule.check(facts):
                if not silences(facts, hit, rule):
                    yield _placed(facts, rule, hit)


def _placed(facts: Facts, rule: Rule, hit: Hit) -> Finding:
    place, end = _place(hit)
    return Finding(
        rule=rule,
        severity=hit.severity or rule.severity,
        place=place,
        detail=hit.detail,
        end_column=end,
        mark=hit.mark,
        related=hit.related,
        fix=hit.fix,
        host=facts.subject.host,
    )


def _place(hit: Hit) -> tuple[Place, int | None]:
    """Where the hit is, with the columns of the marked piece if the file is our own text."""
    if hit.place is not None and (hit.line is None or hit.tree.origins is not None):
        return hit.place, None
    if hit.line is None:
        return Place(hit.tree.path), None
    place = hit.tree.place(hit.line) if hit.place is None else hit.place
    if hit.tree.origins is not None or not 0 < hit.line <= len(hit.tree.lines) or place.file != hit.tree.path:
        return place, None
    start, end = columns(hit.tree.lines[hit.line - 1], hit.mark)
    return replace(place, column=start), end


def columns(raw: str, mark: str) -> tuple[int, int]:
    """The columns (from 1, end excluded) of `mark` in a line; of the whole directive where it is not found."""
    text = raw.rstrip()
    indent = len(text) - len(text.lstrip())
    first = mark.split("\n", 1)[0]
    at = text.find(first, indent) if first else -1
    if at >= 0:
        return at + 1, at + 1 + len(first)
    cut = text.find("#")
    body = (text if cut <= indent else text[:cut]).rstrip()
    return indent + 1, max(len(body), indent + 1) + 1


def _at_host(finding: Finding, subject: Subject) -> Finding:
    return replace(finding, host=subject.host) if subject.host else finding


def _once(findings: Iterable[Finding]) -> list[Finding]:
    seen: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        place = finding.place
        seen.setdefault((finding.rule.code, place.file, place.line, finding.detail), finding)
    return list(seen.values())


class _FileOrder:
    """By file in the order of reading, line, severity, rule."""

    def __init__(self, subject: Subject) -> None:
        self.files = {path: number for number, path in enumerate(subject.configuration.trees)}

    def __call__(self, finding: Finding) -> tuple[int, str, int, int, int, str, str]:
        place = finding.place
        number = self.files.get(place.file, len(self.files))
        rank = _RANK[finding.severity]
        return (number, place.file, place.line or 0, place.column or 0, rank, finding.rule.code, finding.detail)
