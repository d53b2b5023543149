"""Resume a run that ended before all of its hosts were changed."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pmtaform.api.history import RunRecord, runs_of
from pmtaform.diagnostics.codes.command_line import NO_SUCH_RUN
from pmtaform.errors import UsageError
from pmtaform.model.choice import Choice
from pmtaform.project import Project
from pmtaform.state import JournalKind

_CHANGED = "applied"  # the word that the journal has for a host that took its change


@dataclass(frozen=True, slots=True)
class Earlier:
    """A run to resume: its choice, and the hosts that it has changed."""

    run: str
    choice: Choice
    done: frozenset[str]


def resumable(project: Project, stack: str, run: str) -> Earlier:
    """The run with this name, or the only one whose name begins so, in the journal. Raises `UsageError`."""
    events = project.journal(stack).read().events
    records = [record for record in runs_of(events) if record.run.startswith(run)]
    names = dict.fromkeys(record.run for record in records)
    if len(names) != 1:
        known = [record.run for record in runs_of(events)][-5:]
        which = f"{len(names)} runs begin so" if names else "no run has this name"
        detail = f'"{run}": {which} in the journal of stack "{stack}". The last ones: {", ".join(known) or "none"}.'
        raise UsageError.of(NO_SUCH_RUN, detail)
    name = next(iter(names))
    patterns: dict[str, list[str]] = {}
    for event in events:
        if event.run == name and event.kind == JournalKind.STARTED:
            patterns = json.loads(event.facts.get("choice", "{}"))
    return Earlier(name, Choice.of_patterns(patterns), _changed(records))


def _changed(records: list[RunRecord]) -> frozenset[str]:
    """Hosts that took the change in any attempt, and were not rolled back later."""
    last = {host.host: host.outcome for record in records for host in record.hosts}
    return frozenset(name for name, outcome in last.items() if outcome == _CHANGED)
