"""What was done to hosts, as text for people and JSON for programs; the newest last, where a terminal ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pmtaform.diagnostics import Diagnostic, Place
from pmtaform.diagnostics.codes.state import JOURNAL_DAMAGED
from pmtaform.report.grouping import FEW, collected
from pmtaform.report.style import Style, clean, counted, named
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.api.history import HistoryReport, HostRecord, RunRecord

_GOOD = ("applied", "unchanged", "ok")


def history_text(report: HistoryReport, *, colour: bool = False) -> str:
    """A paragraph a run: time, user, command, end, commit, plan, and the outcome of each host."""
    style = Style(colour)
    whose = f"{clean(report.host)} of stack {clean(report.stack)}" if report.host else f"stack {clean(report.stack)}"
    if not report.runs:
        return f"Nothing was applied to {whose} yet.\n"
    lines = []
    if report.earlier:
        lines = [f"{counted(report.earlier, 'earlier run')} not shown; --limit N shows more.", ""]
    for run in report.runs:
        lines += [*_run(run, style, one=report.host is not None), ""]
    return "\n".join(lines[:-1]) + "\n"


def _run(run: RunRecord, style: Style, *, one: bool) -> Iterator[str]:
    head = f"{run.started}  {run.who or '(unknown)'}  {run.what or '(its start cannot be read)'}"
    yield f"{style(clean(head), 'bold')}: {_end(run, style)}"
    facts = [f"run {run.run}"]
    if run.here:
        facts += [f"commit {run.commit}" if run.commit else "not from Git"]
    if run.plan and run.plan != run.run:
        facts.append(f"plan {run.plan}")
    yield "  " + style(clean(", ".join(facts)), "dim")
    if not run.here:
        yield "  Not in this journal: it was made from another machine or another copy of the project."
    yield from _unfinished(run, one=one) if run.unfinished else ()
    for outcome in dict.fromkeys(record.outcome for record in run.hosts):
        yield from _hosts([record for record in run.hosts if record.outcome == outcome], style)


def _end(run: RunRecord, style: Style) -> str:
    if run.unfinished:
        return style("unfinished", "yellow")
    outcome = run.outcome if run.here else run.hosts[0].outcome
    words = clean((outcome or "").replace("_", " ").replace("-", " "))
    return style(words, "green" if outcome in _GOOD else "red")


def _unfinished(run: RunRecord, *, one: bool) -> Iterator[str]:
    yield "  Its end is not recorded: it was killed, or is still running."
    if one and not run.hosts:
        yield "  Whether it reached this host is not known here; `--live` reads it from the host."


def _hosts(records: list[HostRecord], style: Style) -> Iterator[str]:
    """Hosts with the same outcome: in one line when there is no detail on each, or the same detail on many."""
    outcome = records[0].outcome
    shown = style(clean(outcome), "green" if outcome in _GOOD else "red")
    if len(records) > FEW:
        records = [replace(record, generation=None) for record in records]  # each has its own
    plain = [record.host for record in records if not _more(record)]
    if plain:
        yield f"  {shown}: {named(plain, 8)}"
    details = [(more, record.host) for record in records if (more := _more(record))]
    for more, hosts in collected(details) if len(records) > FEW else ((more, [host]) for more, host in details):
        yield f"  {shown}: {named(hosts, 8)}{clean(more)}"


def _more(record: HostRecord) -> str:
    generation = f" (generation {record.generation})" if record.generation else ""
    reason = f": {record.reason}" if record.reason else ""
    files = ""
    if record.kept is not None and not record.kept.files:
        files = "; kept on the host: no file, as none changed"
    elif record.kept is not None:
        status = f", with status {record.kept.status}" if record.kept.status != record.outcome else ""
        files = f"; kept on the host{status}: {', '.join(record.kept.files)}"
    return f"{generation}{reason}{files}"


def _document(run: RunRecord) -> dict[str, Any]:
    return {
        "run": run.run,
        "started": run.started,
        "ended": run.ended,
        "who": run.who,
        "what": run.what,
        "plan": run.plan or None,
        "commit": run.commit,
        "outcome": run.outcome,
        "unfinished": run.unfinished,
        "in_journal": run.here,
        "hosts": [_host(record) for record in run.hosts],
    }


def _host(record: HostRecord) -> dict[str, Any]:
    generation = record.kept
    return {
        "host": record.host,
        "outcome": record.outcome,
        "at": record.at,
        "reason": record.reason,
        "generation": record.generation,
        "kept": None if generation is None else {"status": generation.status, "files": list(generation.files)},
    }


def damaged_lines(report: HistoryReport) -> tuple[Diagnostic, ...]:
    """The warning about lines of the journal that cannot be read."""
    if not report.damaged:
        return ()
    shown = ", ".join(map(str, report.damaged[:8])) + (" ..." if len(report.damaged) > 8 else "")
    one = len(report.damaged) == 1
    return (
        JOURNAL_DAMAGED.diagnostic(
            f"{'Line' if one else 'Lines'} {shown}: a crash cut {'it' if one else 'them'} short, or someone "
            "edited the file. These entries are missing from this history; the hosts themselves are not affected, "
            "and `pmtaform history HOST --live` asks them.",
            Place(report.journal, report.damaged[0]),
        ),
    )


@dataclass(frozen=True, slots=True)
class RunTable:
    """The runs of a stack."""

    report: HistoryReport

    def text(self, screen: Screen) -> str:
        """The runs, the newest last."""
        return history_text(self.report, colour=screen.colour)

    def json(self) -> str:
        """A document of kind `pmtaform-history`."""
        head = {"stack": self.report.stack, "host": self.report.host}
        rest = {
            "earlier": self.report.earlier,
            "damaged": list(self.report.damaged),
            "runs": [_document(r) for r in self.report.runs],
        }
        return json_document("pmtaform-history", head | rest)
