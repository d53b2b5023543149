"""What a plan does to queues: the (virtual MTA, domain) pairs whose effective values change."""

from __future__ import annotations

from pmtaform.api.checking import configuration_of
from pmtaform.api.planning import Planned
from pmtaform.lang.effective import Effective, PairChange, changed_pairs
from pmtaform.rollout.survey import Survey


def effects_of(planned: Planned) -> dict[str, tuple[PairChange, ...]]:
    """For each host with changes of its configuration, the pairs that change; empty where a change moves no queue."""
    return {name: _pairs(survey) for name, survey in planned.fleet.surveys.items() if survey.difference.edits}


def _pairs(survey: Survey) -> tuple[PairChange, ...]:
    return tuple(changed_pairs(Effective(configuration_of(survey)), Effective(configuration_of(survey, edited=True))))
