"""The effects of a plan on queues: the (virtual MTA, domain) pairs whose effective values change."""

from __future__ import annotations

from pmtaform.inspection.reading import after_of, before_of, edited
from pmtaform.inspection.survey import Survey
from pmtaform.lang.effective import Effective, PairChange, changed_pairs
from pmtaform.planning.draft import Planned


def effects_of(planned: Planned) -> dict[str, tuple[PairChange, ...]]:
    """For each host with changes of its configuration, the pairs that change; empty where a change moves no queue."""
    return {name: _pairs(survey) for name, survey in planned.fleet.surveys.items() if edited(survey)}


def _pairs(survey: Survey) -> tuple[PairChange, ...]:
    return tuple(changed_pairs(Effective(before_of(survey)), Effective(after_of(survey))))
