"""Findings as good compilers show them: the line with the piece underlined, the reason, and the fix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pmtaform.diagnostics import Place, Severity
from pmtaform.lang.lint import Finding, Fix
from pmtaform.lang.values import shown
from pmtaform.report.alike import in_groups, other_places, without_numbers
from pmtaform.report.masking import masked_line, masked_source
from pmtaform.report.problems import capital
from pmtaform.report.style import WIDTH, Style, clean, counted, wrapped

Source = Callable[[Place], str | None]

_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_WORDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "remark"}
_MOST_COLUMNS: Final = 160


def lint_text(
    findings: Sequence[Finding], *, source: Source | None = None, colour: bool = False, width: int = WIDTH
) -> str:
    """All findings with their count at the end; without any, one line that states it.

    The same finding at many places is one entry; the documents for programs list each.

    `source` gives the line of a file at a place; secrets in it are masked here.
    """
    if not findings:
        return "Nothing found.\n"
    style = Style(colour)
    lines: list[str] = []
    for group in in_groups(findings, _key):
        lines += [*_finding(group[0], source, style, width)]
        if len(group) > 1:
            lines += wrapped(other_places(group[0].place, _others(group), _hosts(group)), width, "    ")
        lines.append("")
    return "\n".join([*lines, _count(findings)]) + "\n"


def _key(finding: Finding) -> tuple[str, Severity, str]:
    """What makes two findings the same: their text, apart from the marked piece and from numbers."""
    return finding.rule.code, finding.severity, without_numbers(_without_mark(finding))


def _without_mark(finding: Finding) -> str:
    return finding.detail.replace(shown(finding.mark), "…") if finding.mark else finding.detail


def _others(group: Sequence[Finding]) -> list[tuple[str, Place | None, str]]:
    """Host, place, and the marked piece where it distinguishes them: of all findings except the first."""
    first = group[0]
    return [
        (
            other.host if other.host and other.host != first.host else "",
            other.place,
            shown(other.mark) if other.detail != first.detail else "",
        )
        for other in group[1:]
    ]


def _hosts(group: Sequence[Finding]) -> int:
    return len({finding.host for finding in group if finding.host})


def _finding(finding: Finding, source: Source | None, style: Style, width: int) -> Iterator[str]:
    host = f"{clean(finding.host)}: " if finding.host else ""
    severity = style(finding.severity.value, _COLOURS[finding.severity], "bold")
    name = style(f"[{finding.rule.code}]", "dim")
    yield f"{host}{clean(str(finding.place))}: {severity}: {capital(clean(finding.rule.summary))} {name}"
    raw = source(finding.place) if source is not None and finding.place.line is not None else None
    if raw is not None and raw.strip():
        yield from excerpt(finding, raw, style)
    yield from wrapped(finding.detail, width, "    ")
    for place in finding.related:
        yield f"    See also {clean(str(place))}"
    for fix in finding.fix or ():
        yield from _fix(fix, style)


def excerpt(finding: Finding, raw: str, style: Style) -> Iterator[str]:
    """The line, and the piece that is meant underlined where it can still be seen after masking."""
    text = shown_line(finding.place, raw)
    yield f"{style(f'{finding.place.line:>5} | ', 'dim')}{text}"
    start, length = underlined(text, clean(finding.mark))
    if length:
        mark = style("^" + "~" * (length - 1), _COLOURS[finding.severity], "bold")
        yield f"{style('      | ', 'dim')}{' ' * start}{mark}"


def shown_line(place: Place, raw: str) -> str:
    """A line as it may be shown: secrets masked, control characters visible, tabs as one blank, not too long."""
    body = raw.rstrip("\r\n")
    masked = masked_source(body) if place.file.endswith((".yaml", ".yml")) else masked_line(body)
    return masked.expandtabs(1)[:_MOST_COLUMNS]


def underlined(text: str, mark: str) -> tuple[int, int]:
    """The position of the mark in the shown line, and its length; else the line's first word."""
    indent = len(text) - len(text.lstrip())
    at = text.find(mark, indent) if mark else -1
    if at >= 0:
        return at, len(mark)
    first = text.split(None, 1)
    return (indent, len(first[0])) if first else (0, 0)


def _fix(fix: Fix, style: Style) -> Iterator[str]:
    if not fix.splice.lines:
        yield f"    {style('fix:', 'green')} remove the line"
    for line in fix.splice.lines:
        yield f"    {style('fix:', 'green')} {masked_line(line).strip()[:_MOST_COLUMNS]}"


def _count(findings: Sequence[Finding]) -> str:
    numbers = dict.fromkeys(Severity, 0)
    for finding in findings:
        numbers[finding.severity] += 1
    text = ", ".join(counted(number, _WORDS[severity]) for severity, number in numbers.items() if number)
    fixable = sum(1 for finding in findings if finding.fix)
    return f"{text}." + (f" {fixable} can be fixed with --fix." if fixable else "")
