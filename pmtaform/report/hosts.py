"""The fleet at a glance, as a table for people and JSON for programs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pmtaform.plan.document import diagnostic_document
from pmtaform.report.grouping import hostless, together
from pmtaform.report.problems import problem_lines
from pmtaform.report.style import WIDTH, Style, clean, counted, named
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.api.fleet import HostRow, LastApply

_HEAD = ("HOST", "POWERMTA", "GENERATION", "LAST APPLY", "BY", "COMMIT", "DRIFT", "TO DO")
_MOST_ROWS = 100
_VERSION = re.compile(r"\bv(\d[\w.]*)")


def hosts_text(rows: Sequence[HostRow], *, colour: bool = False, width: int = WIDTH) -> str:
    """One row a host, and below it what keeps it from the next apply; then why hosts were not reached.

    Of a large fleet, the hosts that are as their stack declares are counted.
    """
    if not rows:
        return "No hosts are selected.\n"
    style = Style(colour)
    every, rows = rows, _shown(rows)
    cells = [_cells(row) for row in rows]
    wide = [max(len(line[at]) for line in [_HEAD, *cells]) for at in range(len(_HEAD))]
    lines = [style(_line(_HEAD, wide), "bold")]
    for row, line in zip(rows, cells, strict=True):
        lines.append(style(_line(line, wide), *_colours(row)))
        lines += [f"    {text}" for text in _beside(row)]
    if len(rows) < len(every):
        rest = counted(len(every) - len(rows), "more host is", "more hosts are")
        lines.append(f"{rest} as the stack declares; --format json lists all")
    for problem, hosts in together((hostless(row.problem), row.host) for row in rows if row.problem is not None):
        lines += ["", *problem_lines(problem, style, width, hosts=named(hosts))]
    return "\n".join([*lines, "", _verdict(every)]) + "\n"


def _shown(rows: Sequence[HostRow]) -> Sequence[HostRow]:
    """The rows of a small fleet; of a large one, those of hosts with something to know."""
    return rows if len(rows) <= _MOST_ROWS else [row for row in rows if not _is_plain(row)]


def _is_plain(row: HostRow) -> bool:
    remarks = (row.problem, row.pending, row.frozen, row.lock, row.elsewhere, row.unknown, row.changes, row.left)
    return row.last is not None and not any(remarks) and not row.is_busy and _drift(row) in ("none", "-")


def _line(cells: Sequence[str], wide: Sequence[int]) -> str:
    return "  ".join(f"{cell:{size}}" for cell, size in zip(cells, wide, strict=True)).rstrip()


def _cells(row: HostRow) -> tuple[str, ...]:
    last = row.elsewhere or row.last
    applied = (last.at, last.who, _commit(last.commit)) if last else ("never", "-", "-")
    if row.problem is not None:
        seen = ("?", "?", *applied, "?", "?")
    elif row.is_busy:
        seen = (_version(row.version), str(row.generation or "-"), *applied, "?", "?")
    else:
        todo = counted(row.changes, "change") if row.changes else "nothing"
        todo += f", {row.left} left" if row.left else ""
        seen = (_version(row.version), str(row.generation or "-"), *applied, _drift(row), todo)
    return tuple(clean(cell) for cell in (row.host, *seen))


def _version(version: str | None) -> str:
    if version is None:
        return "none"
    match = _VERSION.search(version)
    return match[1] if match else version[:16]


def _commit(commit: str | None) -> str:
    if commit is None:
        return "-"
    name, dash, dirty = commit.partition("-")
    return name[:10] + dash + dirty


def _drift(row: HostRow) -> str:
    if row.drift is None:
        return "?" if row.unknown else "-"
    parts = [counted(row.drift.blocks, "block")] if row.drift.blocks else []
    parts += [counted(row.drift.files, "file")] if row.drift.files else []
    return ", ".join(parts) or "none"


def _colours(row: HostRow) -> tuple[str, ...]:
    if row.problem is not None:
        return ("red",)
    drifted = row.drift is not None and (row.drift.blocks or row.drift.files)
    return ("yellow",) if drifted or row.pending is not None else ()


def _beside(row: HostRow) -> Iterator[str]:
    """Notes below a row: what to know before the host is changed."""
    if (waits := row.pending) is not None:
        state = "active and awaits its confirmation" if waits.state == "pending" else "staged and not active yet"
        words = f"{waits.what} by {waits.who} since {waits.since}: {state}; {waits.seconds_left} s left"
        yield clean(f"pending commit: {words}")
    if row.frozen is not None:
        yield clean(f"frozen until {row.frozen.until.isoformat(timespec='minutes')}: {row.frozen.reason}")
    if row.lock is not None and row.pending is None:
        yield clean(f"being changed by {row.lock.who} since {row.lock.since} ({row.lock.what})")
    if row.elsewhere is not None:
        known = f"the state has generation {row.last.generation}" if row.last else "the state has no generation"
        yield clean(
            f"{known}: another state was used to apply or roll back ({row.elsewhere.who}, {row.elsewhere.at}); "
            f"see `pmtaform history {row.host} --live`"
        )
    if row.unknown:
        yield clean(f"what changed since is not known: {row.unknown}")


def _verdict(rows: Sequence[HostRow]) -> str:
    numbers = [
        (sum(1 for row in rows if row.drift and (row.drift.blocks or row.drift.files)), "with drift"),
        (sum(1 for row in rows if row.changes), "with changes to apply"),
        (sum(1 for row in rows if row.left), "with differences that stay"),
        (sum(1 for row in rows if row.pending), "with a pending commit"),
        (sum(1 for row in rows if row.lock and not row.pending), "being changed"),
        (sum(1 for row in rows if row.elsewhere), "applied to with another state"),
        (sum(1 for row in rows if row.unknown), "whose changes are not known"),
        (sum(1 for row in rows if row.frozen), "frozen"),
        (sum(1 for row in rows if row.problem), "not seen"),
    ]
    parts = [f"{number:,} {what}" for number, what in numbers if number]
    return f"{counted(len(rows), 'host')}: {', '.join(parts) or 'all as the stack declares'}."


def json_hosts(stack: str, rows: Sequence[HostRow]) -> str:
    """A document of kind `pmtaform-hosts`."""
    return json_document("pmtaform-hosts", {"stack": stack, "hosts": [_document(row) for row in rows]})


def _document(row: HostRow) -> dict[str, Any]:
    last, waits, frozen, lock = row.last, row.pending, row.frozen, row.lock
    return {
        "host": row.host,
        "version": row.version,
        "generation": row.generation,
        "last_apply": last and _apply_document(last),
        "applied_elsewhere": row.elsewhere and _apply_document(row.elsewhere),
        "drift": row.drift and {"blocks": row.drift.blocks, "files": row.drift.files},
        "changes": row.changes if row.problem is None and not row.is_busy else None,
        "left_different": row.left if row.problem is None and not row.is_busy else None,
        "pending": waits
        and {
            "transaction": waits.transaction,
            "state": waits.state,
            "who": waits.who,
            "what": waits.what,
            "since": waits.since,
            "seconds_left": waits.seconds_left,
        },
        "frozen": frozen and {"until": frozen.until.isoformat(), "reason": frozen.reason},
        "lock": lock and {"who": lock.who, "what": lock.what, "since": lock.since},
        "busy": row.is_busy,
        "unknown": row.unknown or None,
        "problem": row.problem and diagnostic_document(row.problem),
    }


def _apply_document(apply: LastApply) -> dict[str, Any]:
    return {
        "at": apply.at,
        "who": apply.who,
        "commit": apply.commit,
        "plan": apply.plan,
        "generation": apply.generation,
    }


@dataclass(frozen=True, slots=True)
class HostTable:
    """The fleet, one row a host."""

    stack: str
    rows: Sequence[HostRow]

    def text(self, screen: Screen) -> str:
        """One line a host."""
        return hosts_text(self.rows, colour=screen.colour, width=screen.width)

    def json(self) -> str:
        """A document of kind `pmtaform-hosts`."""
        return json_hosts(self.stack, self.rows)
