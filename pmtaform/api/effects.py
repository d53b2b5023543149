"""The effects of a plan on queues: the (virtual MTA, domain) pairs whose effective values change."""

from __future__ import annotations

from pmtaform.inspection.reading import edited, reading_of
from pmtaform.inspection.survey import Survey
from pmtaform.lang.effective import Effective, PairChange, changed_pairs
from pmtaform.planning.draft import Planned


def effects_of(planned: Planned) -> dict[str, tuple[PairChange, ...]]:
    """For each host with changes of its configuration, the pairs that change; empty where a change moves no queue."""
    surveys = ((name, verdict.opened()) for name, verdict in planned.fleet.surveys.items() if verdict.plan.changes)
    return {name: _pairs(survey) for name, survey in surveys if edited(survey)}


def _pairs(survey: Survey) -> tuple[PairChange, ...]:
    reading = reading_of(survey)
    return tuple(changed_pairs(Effective(reading.before), Effective(reading.after)))
