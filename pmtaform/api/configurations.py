"""A host's configuration, as it is and as a plan would leave it."""

from __future__ import annotations

from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.rollout.survey import Survey


def configuration_of(survey: Survey, *, edited: bool = False) -> Configuration:
    """The configuration that was found; with `edited`, with the plan's changes in it."""
    keys = {key.path for key in survey.target.desired.keys}
    contents = {p: f.content for p, f in survey.snapshot.files.items() if f.content is not None and p not in keys}
    if edited:
        contents |= {path: edit.content for path, edit in survey.difference.edits.items()}
    return read_configuration(survey.target.spec.config, contents, survey.snapshot.patterns)
