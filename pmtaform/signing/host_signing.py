"""The selectors that a host signs with, and how long its mail may wait, by a survey."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from pmtaform.inspection.reading import after_of, before_of
from pmtaform.inspection.survey import Survey
from pmtaform.lang.blocks import Block, blocks_of
from pmtaform.lang.includes import Configuration
from pmtaform.plan.signing import longest_wait
from pmtaform.stack.linting import as_configuration


def _blocks(survey: Survey) -> Collection[Block]:
    """The blocks of a host; of one that was not read, those that it should have."""
    return survey.target.desired.blocks.values() if _is_unread(survey) else blocks_of(before_of(survey)).values()


def configuration_of(survey: Survey, *, edited: bool = False) -> Configuration:
    """The configuration of a host, or what its plan makes of it (`edited`).

    A host that is unchanged since the last apply was not read: it has what it should have.
    """
    if _is_unread(survey):
        return as_configuration(survey.target.desired)[0]
    return after_of(survey) if edited else before_of(survey)


def _is_unread(survey: Survey) -> bool:
    main = survey.snapshot.files.get(survey.target.spec.config)
    return (main is None or main.content is None) and not survey.plan.changes


def longest_wait_on(survey: Survey) -> timedelta:
    """The longest time that mail may wait on a host, by what it has and by what it should have."""
    return max(longest_wait(_blocks(survey)), longest_wait(survey.target.desired.blocks.values()))
