"""A run as people read it: its progress, and the outcome on each host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pmtaform.progress import Event, Verdict
from pmtaform.report.alike import without_particulars
from pmtaform.report.grouping import FEW
from pmtaform.report.problems import capital, problem_lines
from pmtaform.report.style import WIDTH, Style, clean, clean_lines, counted, named, wrapped
from pmtaform.report.verdict import differences_stay
from pmtaform.report.views import Screen
from pmtaform.rollout.model import HostResult, RunResult

_COLOURS = {
    Verdict.APPLIED: "green",
    Verdict.UNCHANGED: "dim",
    Verdict.ROLLED_BACK: "red",
    Verdict.FAILED: "red",
    Verdict.STALE: "yellow",
    Verdict.LOCKED: "yellow",
    Verdict.UNREACHABLE: "red",
    Verdict.NOT_STARTED: "yellow",
}
_MOST_OUTPUT = 20
_WIDEST = 60  # columns of names


def colour_of(verdict: Verdict) -> str:
    """The colour of a verdict; yellow for one that is neither good nor bad."""
    return _COLOURS.get(verdict, "yellow")


def run_text(result: RunResult, *, colour: bool = False, width: int = WIDTH) -> str:
    """What happened to each host, with reason, what `pmta` printed and the remedy; the totals are the last line.

    Of many hosts, those with the same result are shown together; the JSON names all.
    """
    style = Style(colour)
    results = list(result.hosts.values())
    together = _alike(results) if len(results) > FEW else [[host] for host in results]
    names = [f"{named([h.host for h in hosts])}{_several(hosts)}" for hosts in together]
    widest = min(_WIDEST, max(map(len, names), default=0))
    lines: list[str] = []
    for name, hosts in zip(names, together, strict=True):
        lines += _host(hosts[0], f"{name:{widest}}", style, width, of=len(hosts))
    if lines:
        lines.append("")
    if result.unsaved is not None:
        lines += [*problem_lines(result.unsaved, style, width), ""]
    stays = differences_stay(left for host in result.hosts.values() for left in host.left)
    return "\n".join([*lines, style(" ".join(filter(None, (_totals(result), stays))), "bold")]) + "\n"


def event_line(event: Event) -> str:
    """One step of one host, on one line, for a pipe or a log."""
    what = event.verdict.value if event.verdict else event.phase.value
    detail = f": {clean(' '.join(event.detail.split()))}" if event.detail else ""
    host = f"{clean(event.host)}: " if event.host else ""  # none: it is a step of the run
    return f"{host}{what}{detail} ({event.seconds:.1f} s)"


def _several(hosts: Sequence[HostResult]) -> str:
    return f" ({counted(len(hosts), 'host')})" if len(hosts) > 1 else ""


def _alike(results: Iterable[HostResult]) -> list[list[HostResult]]:
    """The results in groups of the same; names and numbers in details do not count, and generations."""
    together: dict[object, list[HostResult]] = {}
    for result in results:
        problem = result.problem
        why = None if problem is None else (problem.code, without_particulars(problem.detail))
        notes = tuple((note.code, without_particulars(note.detail)) for note in result.notes)
        together.setdefault((result.verdict, why, notes, result.output), []).append(result)
    return list(together.values())


def _host(result: HostResult, name: str, style: Style, width: int, *, of: int) -> Iterator[str]:
    """The lines of a host, or of the first of several that have the same result."""
    problem = result.problem
    generation = f" (generation {result.generation})" if result.generation and of == 1 else ""
    reason = f": {capital(clean(problem.summary))} {style(f'[{clean(problem.code)}]', 'dim')}" if problem else ""
    verdict = style(result.verdict.value, colour_of(result.verdict))
    yield f"{name}  {verdict}{generation}{reason}"
    if problem is not None:
        yield from wrapped(problem.detail, width, "    ")
    yield from _output(result.output, style)
    for note in result.notes:
        yield from problem_lines(note, style, width, indent="    ", hosts=clean(result.host) if of == 1 else "")


def _output(output: str, style: Style) -> Iterator[str]:
    lines = clean_lines(output.strip())
    if not lines or lines == [""]:
        return
    yield "    pmta printed:"
    yield from (f"      {style('|', 'dim')} {line}" for line in lines[:_MOST_OUTPUT])
    if len(lines) > _MOST_OUTPUT:
        yield f"      {style('|', 'dim')} ... {counted(len(lines) - _MOST_OUTPUT, 'more line')}"


def _totals(result: RunResult) -> str:
    counts = Counter(host.verdict for host in result.hosts.values())
    numbers = {verdict: counts[verdict] for verdict in Verdict}
    total = len(result.hosts)
    if not total:
        return "Nothing was done: no host was to be changed."
    start = "Interrupted. " if result.interrupted else ""
    parts = [f"{number:,} {verdict.value}" for verdict, number in numbers.items() if number]
    if len(parts) == 1:
        verdict = next(verdict for verdict, number in numbers.items() if number)
        return f"{start}{capital(verdict.value)}: {'1 host' if total == 1 else f'all {total:,} hosts'}."
    return f"{start}Of {total:,} hosts: {', '.join(parts)}."


@dataclass(frozen=True, slots=True)
class RunView:
    """A run that ended."""

    result: RunResult

    def text(self, screen: Screen) -> str:
        """What happened to each host; the totals are the last line."""
        return run_text(self.result, colour=screen.colour, width=screen.width)

    def json(self) -> str:
        """A document of kind `pmtaform-run`."""
        from pmtaform.report.events import run_json

        return run_json(self.result)
