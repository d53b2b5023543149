"""Drift as text for people and JSON for programs."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pmtaform.diagnostics import Diagnostic
from pmtaform.plan.document import diagnostic_document
from pmtaform.report.alike import in_groups
from pmtaform.report.grouping import FEW, collected, hostless, listed, together
from pmtaform.report.problems import problem_lines
from pmtaform.report.style import Style, clean, counted, named, wrapped
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.api.drifting import BlockDrift, DriftReport
    from pmtaform.host import LastLeft
    from pmtaform.plan.threeway import ValueDrift

_MOST_OTHERS = 20


def _verdict(reports: Mapping[str, DriftReport], failures: Mapping[str, Diagnostic]) -> str:
    drifted = sum(1 for report in reports.values() if report.drifted)
    busy = sum(1 for report in reports.values() if report.busy)
    unknown = sum(1 for report in reports.values() if report.unknown)
    known = sum(1 for report in reports.values() if not report.unknown and (report.drifted or not report.busy))
    if known == 0:
        words = "Nothing to compare with."
    elif drifted:
        words = f"Drift on {drifted:,} of {counted(known, 'host')}."
    else:
        words = f"No drift. {counted(known, 'host')} {'is' if known == 1 else 'are'} as the last apply left them."
    if unknown and known:
        words += f" What changed on {counted(unknown, 'host')} is not known."
    if busy:
        words += (
            f" {counted(busy, 'host')} {'has a change' if busy == 1 else 'have changes'} that no one confirmed yet."
        )
    return words + (f" {counted(len(failures), 'host')} could not be inspected." if failures else "")


def _compared(by: LastLeft, is_elsewhere: bool) -> str:
    commit = f", commit {by.commit[:12]}" if by.commit else ""
    whose = ", of an apply that the local state does not know" if is_elsewhere else ""
    made = f"generation {by.generation}, by {by.who or '?'}, {by.started or '?'}{commit}"
    return f"compared with the host's own record{whose} ({made})."


def _host(report: DriftReport, hosts: Sequence[str], style: Style, width: int) -> Iterator[str]:
    """What changed on a host, and in the same way on the others of `hosts`."""
    yield listed(hosts, style)
    if report.by is not None:
        yield from wrapped(_compared(report.by, report.is_elsewhere), width, "  ")
    for path, what in sorted(report.files.items()):
        yield f"  {clean(path)} {clean(what)}"
    for block in report.blocks:
        yield ""
        yield from _block(block, style)
    if report.others:
        yield ""
        yield from wrapped(f"Not ours, and changed too: {_listed(report.others)}.", width, "  ")
    if not report.blocks and not report.others:
        yield "  No value changed: what differs is layout, comments, or a file that is not configuration."


def _drift(report: DriftReport) -> Hashable:
    """What hosts with the same drift have in common."""
    by = None if report.by is None else _compared(report.by, report.is_elsewhere)
    return by, tuple(sorted(report.files.items())), tuple(report.blocks), tuple(report.others.items())


def _listed(others: Mapping[str, str]) -> str:
    shown = ", ".join(f"{clean(address)} ({what})" for address, what in list(others.items())[:_MOST_OTHERS])
    more = len(others) - _MOST_OTHERS
    return shown + (f" and {more} more" if more > 0 else "")


def _block(block: BlockDrift, style: Style) -> Iterator[str]:
    yield f"  {style('~', 'yellow')} {style(clean(block.address), 'bold')}"
    yield f"      {style(clean(block.reason.value), 'yellow')}"
    if not block.values:
        yield "      the changed values are not known here: the host keeps no copy of what the last apply wrote"
    for value in block.values:
        yield from _value(value, style)


def _value(value: ValueDrift, style: Style) -> Iterator[str]:
    label = clean(" ".join(part for part in (*value.path, value.name) if part)) or "rules"
    left, now = _shown(value.left), _shown(value.now)
    hidden = "  (changed)" if value.left == value.now else ""
    yield f"      ~ {label}  {style(left, 'green')} -> {style(now, 'red')}{hidden}{_stack(value)}"


def _stack(value: ValueDrift) -> str:
    if value.settled:
        return "  (the stack now declares the same)"
    if value.wanted == value.left:
        return ""
    return f"  (the stack now declares {_shown(value.wanted)})"


def _shown(lines: Sequence[str]) -> str:
    return " | ".join(clean(line) for line in lines) if lines else "(not there)"


def _document(report: DriftReport) -> dict[str, Any]:
    return {
        "host": report.host,
        "drifted": None if report.unknown else report.drifted,
        "unknown": report.unknown or None,
        "busy": report.busy,
        "compared_with": _basis(report.by) if report.by is not None else None,
        "files": dict(report.files),
        "blocks": [_block_document(block) for block in report.blocks],
        "others": dict(report.others),
    }


def _basis(by: LastLeft) -> dict[str, Any]:
    return {
        "generation": by.generation,
        "who": by.who,
        "what": by.what,
        "at": by.started,
        "plan": by.plan or None,
        "commit": by.commit or None,
    }


def _block_document(block: BlockDrift) -> dict[str, Any]:
    values = [
        {
            "path": list(value.path),
            "name": value.name,
            "applied": list(value.left),
            "now": list(value.now),
            "stack": list(value.wanted),
            "cause": value.cause.name.lower(),
            "settled": value.settled,
        }
        for value in block.values
    ]
    return {"address": block.address, "reason": block.reason.value, "values": values}


@dataclass(frozen=True, slots=True)
class DriftTable:
    """What changed on hosts since the last apply."""

    reports: Mapping[str, DriftReport]
    failures: Mapping[str, Diagnostic]

    def text(self, screen: Screen) -> str:
        """The blocks and files that changed, of hosts with the same drift once."""
        style, width = Style(screen.colour), screen.width
        lines = [style(_verdict(self.reports, self.failures), "bold")]
        drifted = [report for report in self.reports.values() if report.drifted]
        for same in in_groups(drifted, _drift):
            lines += ["", *_host(same[0], [report.host for report in same], style, width)]
        lines += self._by_records(width)
        unknown = collected((report.unknown, report.host) for report in self.reports.values() if report.unknown)
        for why, hosts in unknown:
            lines += ["", *wrapped(f"What changed on {named(hosts)} is not known: {why}.", width, "")]
        for problem, hosts in together((hostless(d), host) for host, d in self.failures.items()):
            lines += ["", *problem_lines(problem, style, width, hosts=named(hosts))]
        return "\n".join(lines) + "\n"

    def _by_records(self, width: int) -> Iterator[str]:
        """The hosts without drift that were compared with their own records."""
        plain = [report for report in self.reports.values() if not report.drifted and not report.unknown]
        compared = [(report.host, report.by, report.is_elsewhere) for report in plain if report.by is not None]
        if len(compared) > FEW:
            hosts = [host for host, _, _ in compared]
            yield ""
            yield from wrapped(f"{named(hosts)}: compared with the hosts' own records.", width, "")
            return
        for host, by, is_elsewhere in compared:
            yield ""
            yield from wrapped(f"{host}: {_compared(by, is_elsewhere)}", width, "")

    def json(self) -> str:
        """A document of kind `pmtaform-drift`."""
        hosts = [_document(report) for report in self.reports.values()]
        problems = {host: diagnostic_document(problem) for host, problem in self.failures.items()}
        return json_document("pmtaform-drift", {"hosts": hosts, "failures": problems})
