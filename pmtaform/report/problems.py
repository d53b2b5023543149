"""Diagnostics as people read them: where, what, why, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pmtaform.diagnostics import Diagnostic, Place, Severity
from pmtaform.report.alike import in_groups, other_places, without_particulars
from pmtaform.report.style import WIDTH, Style, clean, counted, wrapped

Source = Callable[[Place], str | None]

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_MOST_COLUMNS = 160


def diagnostics_text(
    diagnostics: Iterable[Diagnostic],
    *,
    colour: bool = False,
    source: Source | None = None,
    width: int = WIDTH,
    grouped: bool = False,
) -> str:
    """All of them, sorted by place, with their count at the end. No diagnostics: the empty text.

    `grouped`: what is the same apart from names and numbers is one entry, as for a fleet of like hosts.

    `source` gives the line of a file at a place, to be shown with a caret (secrets in it are masked here); None
    where it is not available.
    """
    ordered = sorted(diagnostics, key=_order)
    if not ordered:
        return ""
    style = Style(colour)
    lines: list[str] = []
    for group in in_groups(ordered, _alike) if grouped else [[diagnostic] for diagnostic in ordered]:
        lines += problem_lines(group[0], style, width, source=source)
        if len(group) > 1:
            others = [(each.host or "", each.place, "") for each in group[1:]]
            hosts = len({each.host for each in group if each.host})
            lines += wrapped(other_places(group[0].place, others, hosts), width, "    ")
    return "\n".join([*lines, _count(ordered)]) + "\n"


def _alike(problem: Diagnostic) -> tuple[str, str, str, Severity]:
    return problem.code, problem.summary, without_particulars(problem.detail), problem.severity


def problem_lines(
    problem: Diagnostic,
    style: Style,
    width: int,
    *,
    indent: str = "",
    hosts: str = "",
    source: Source | None = None,
) -> Iterator[str]:
    """One diagnostic. `hosts` are the names before it, if not its own."""
    where = hosts or clean(problem.host or "")
    places = [text for text in (where, clean(str(problem.place)) if problem.place else "") if text]
    prefix = "".join(f"{text}: " for text in places)
    severity = style(problem.severity.value, _COLOURS[problem.severity], "bold")
    code = style(f"[{clean(problem.code)}]", "dim")
    yield f"{indent}{prefix}{severity}: {capital(clean(problem.summary))} {code}"
    if source is not None and problem.place is not None:
        yield from _excerpt(problem.place, source, style, indent)
    yield from wrapped(problem.detail, width, indent + "    ")
    for place in problem.related:
        yield f"{indent}    See also {clean(str(place))}"


def capital(text: str) -> str:
    """`text` with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]


def _order(problem: Diagnostic) -> tuple[str, str, int, int]:
    place = problem.place
    if place is None:
        return ("", problem.host or "", 0, 0)
    return (place.file, problem.host or "", place.line or 0, place.column or 0)


def _excerpt(place: Place, source: Source, style: Style, indent: str) -> Iterator[str]:
    """The line of the file, and a caret under the column."""
    raw = source(place) if place.line is not None else None
    if raw is None or not raw.strip():
        return
    from pmtaform.report.masking import masked_source

    raw = raw.rstrip("\r\n").expandtabs(1)
    text = masked_source(raw)[:_MOST_COLUMNS]
    number = f"{place.line:>5} | "
    yield f"{indent}{style(number, 'dim')}{text}"
    column = place.column
    if column and column <= len(text) and text[: column - 1] == raw[: column - 1]:
        yield f"{indent}{style('      | ', 'dim')}{' ' * (column - 1)}{style('^', 'red', 'bold')}"


def _count(problems: Iterable[Diagnostic]) -> str:
    numbers = dict.fromkeys(Severity, 0)
    for problem in problems:
        numbers[problem.severity] += 1
    words = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "remark"}
    return ", ".join(counted(number, words[s]) for s, number in numbers.items() if number) + "."
