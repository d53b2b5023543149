"""Findings that someone has looked at: `# pmtaform: ignore RULE because REASON`.

The comment is on the line of the finding, or alone on the line above it. A finding on the file as a whole is
ignored by a comment anywhere in that file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pmtaform.diagnostics import Place, did_you_mean
from pmtaform.lang.lint.model import INFO, WARNING, Family, Finding, Rule
from pmtaform.lang.lint.subject import Subject

_MARK: Final = "pmtaform:"
_COMMENT: Final = re.compile(
    r"#\s*pmtaform:\s*ignore\s+([a-z0-9-]+(?:\s*,\s*[a-z0-9-]+)*)\s*(?:because\b\s*(.*))?", re.IGNORECASE
)


@dataclass(slots=True)
class Suppression:
    """One comment. `line` is the line that it is for; `used` are the rules that it kept quiet."""

    file: str
    comment_line: int
    line: int
    rules: tuple[str, ...]
    reason: str
    used: set[str] = field(default_factory=set)

    @property
    def place(self) -> Place:
        """Where the comment is."""
        return Place(self.file, self.comment_line)


def has_suppressions(text: str) -> bool:
    """Whether a file has any suppression."""
    return _MARK in text and _COMMENT.search(text) is not None


def suppressions(subject: Subject) -> list[Suppression]:
    """Every suppression in the files of a subject."""
    files: dict[str, Sequence[str]] = dict(subject.sources)
    for path, tree in subject.configuration.trees.items():
        if tree.origins is None:
            files.setdefault(path, tree.lines)
    return [suppression for path, lines in files.items() for suppression in _in_file(path, lines)]


def _in_file(path: str, lines: Sequence[str]) -> Iterator[Suppression]:
    for number, raw in enumerate(lines, 1) if _MARK in "".join(lines) else ():  # ten times faster than line by line
        if _MARK not in raw:
            continue
        match = _COMMENT.search(raw)
        if match is None:
            continue
        alone = not raw[: match.start()].strip()
        rules = tuple(name.strip().lower() for name in match[1].split(","))
        yield Suppression(path, number, _next_line(lines, number) if alone else number, rules, (match[2] or "").strip())


def _next_line(lines: Sequence[str], number: int) -> int:
    """The first line after `number` that is more than a comment."""
    for index in range(number, len(lines)):
        text = lines[index].strip()
        if text and not text.startswith("#"):
            return index + 1
    return number


def with_suppressed(findings: Iterable[Finding], known: Sequence[Suppression]) -> list[Finding]:
    """The findings, those that a comment ignores with its reason; the suppressions remember what they were used for."""
    if not known:
        return list(findings)
    by_line: dict[tuple[str, int], list[Suppression]] = {}
    by_file: dict[str, list[Suppression]] = {}
    for suppression in known:
        by_line.setdefault((suppression.file, suppression.line), []).append(suppression)
        by_file.setdefault(suppression.file, []).append(suppression)
    result = []
    for finding in findings:
        place = finding.place
        near = by_file.get(place.file, []) if place.line is None else by_line.get((place.file, place.line), [])
        used = [s for s in near if finding.rule.code in s.rules]
        for suppression in used:
            suppression.used.add(finding.rule.code)
        result.append(replace(finding, ignored=used[0].reason) if used else finding)
    return result


def without_suppressed(findings: Iterable[Finding], known: Sequence[Suppression]) -> list[Finding]:
    """The findings that no comment ignores; the suppressions remember what they were used for."""
    return [finding for finding in with_suppressed(findings, known) if finding.ignored is None]


def judge(known: Sequence[Suppression], rules: Mapping[str, Rule], asked: Collection[str]) -> Iterator[Finding]:
    """What is wrong with the suppressions themselves. `asked` are the rules that were asked at all."""
    for suppression in known:
        if not suppression.reason and suppression_without_reason.code in asked:
            yield _finding(
                suppression_without_reason,
                suppression,
                "Add a reason for the next reader: `# pmtaform: ignore RULE because REASON`.",
            )
        for name in suppression.rules:
            if name not in rules:
                if unknown_suppression.code in asked:
                    detail = f"There is no rule {name}.{did_you_mean(name, rules)} `pmtaform lint --rules` lists them."
                    yield _finding(unknown_suppression, suppression, detail)
            elif name not in suppression.used and name in asked and unused_suppression.code in asked:
                yield _finding(
                    unused_suppression,
                    suppression,
                    f"{name} finds nothing here. Remove the comment, or the name from it.",
                )


def _finding(rule: Rule, suppression: Suppression, detail: str) -> Finding:
    return Finding(rule=rule, severity=rule.severity, place=suppression.place, detail=detail, mark="pmtaform:")


suppression_without_reason: Final = Rule(
    code="suppression-without-reason",
    severity=WARNING,
    family=Family.SUPPRESSIONS,
    summary="Suppression without a reason",
    explanation="Later no one knows whether someone looked at the finding.",
    basis="our own rule",
    wrong="run-as-root yes  # pmtaform: ignore runs-as-root",
    right="run-as-root yes  # pmtaform: ignore runs-as-root because this machine has no other user",
)

unknown_suppression: Final = Rule(
    code="unknown-suppression",
    severity=WARNING,
    family=Family.SUPPRESSIONS,
    summary="Suppression of an unknown rule",
    explanation="It suppresses nothing.",
    basis="our own rule",
    wrong="run-as-root no  # pmtaform: ignore no-such-rule because it is fine",
    right="run-as-root yes  # pmtaform: ignore runs-as-root because this machine has no other user",
)

unused_suppression: Final = Rule(
    code="unused-suppression",
    severity=INFO,
    family=Family.SUPPRESSIONS,
    summary="Unused suppression",
    explanation="It would hide the next finding.",
    basis="our own rule",
    wrong="run-as-root no  # pmtaform: ignore runs-as-root because this machine has no other user",
    right="run-as-root yes  # pmtaform: ignore runs-as-root because this machine has no other user",
)

RULES: Final = (suppression_without_reason, unknown_suppression, unused_suppression)
