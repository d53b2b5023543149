"""What a plan does to queues: the (virtual MTA, domain) pairs whose effective values change."""

from __future__ import annotations

from pmtaform.api.planning import Planned
from pmtaform.lang.effective import Effective, PairChange, changed_pairs
from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.rollout.survey import Survey


def effects_of(planned: Planned) -> dict[str, tuple[PairChange, ...]]:
    """For each host with changes of its configuration, the pairs that change; empty where a change moves no queue."""
    return {name: _pairs(survey) for name, survey in planned.fleet.surveys.items() if survey.difference.edits}


def _pairs(survey: Survey) -> tuple[PairChange, ...]:
    return tuple(changed_pairs(Effective(_configuration(survey)), Effective(_configuration(survey, edited=True))))


def _configuration(survey: Survey, *, edited: bool = False) -> Configuration:
    keys = {key.path for key in survey.target.desired.keys}
    contents = {p: f.content for p, f in survey.snapshot.files.items() if f.content is not None and p not in keys}
    if edited:
        contents |= {path: edit.content for path, edit in survey.difference.edits.items()}
    return read_configuration(survey.target.spec.config, contents, survey.snapshot.patterns)
