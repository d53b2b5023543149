"""A host's configuration before and after its change, read once for all hosts with the same configuration.

What is read is shared while any host that is worked on uses it, and dropped with the last: 50 hosts that all differ
would otherwise keep 50 trees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakValueDictionary

from pmtaform.inspection.managed_files import new_fragments, read_as_configuration
from pmtaform.inspection.predictions import Prediction, predictions
from pmtaform.inspection.sides import Files, Patterns, named, plain, side
from pmtaform.inspection.survey import Survey
from pmtaform.lang.after_edits import after_edits
from pmtaform.lang.effective import EffectiveChange
from pmtaform.lang.includes import Configuration
from pmtaform.lang.splices import FileEdit
from pmtaform.plan.dangers import DangerFinding, find_dangers
from pmtaform.plan.effectless import has_no_effect
from pmtaform.plan.signing import Signer


@dataclass(frozen=True)
class ChangeReading:
    """Both sides of a change. They are shared between hosts: read, never written."""

    before: Configuration
    after: Configuration

    @cached_property
    def effect(self) -> EffectiveChange:
        """What the change does to queues: read once for dangers, effect and predictions."""
        return EffectiveChange(self.before, self.after)

    @cached_property
    def _dangers(self) -> dict[tuple[float, frozenset[Signer]], tuple[DangerFinding, ...]]:
        return {}

    def dangers(self, rate_factor: float, verified: frozenset[Signer] = frozenset()) -> tuple[DangerFinding, ...]:
        """The dangers of the change for mail, reputation or access; the records of `verified` are in DNS."""
        key = rate_factor, verified
        if key not in self._dangers:
            self._dangers[key] = find_dangers(
                self.before, self.after, rate_factor, verified=verified, effect=self.effect
            )
        return self._dangers[key]

    def has_no_effect(self, kinds: frozenset[str]) -> bool:
        """Whether a change of blocks of these kinds changes nothing for mail."""
        if kinds not in self._effectless:
            self._effectless[kinds] = has_no_effect(self.effect, kinds)
        return self._effectless[kinds]

    @cached_property
    def _effectless(self) -> dict[frozenset[str], bool]:
        return {}

    @cached_property
    def predictions(self) -> tuple[Prediction, ...]:
        """The settings that PowerMTA must show once the change is in force."""
        return predictions(self.effect)


_readings: WeakValueDictionary[tuple[str, Files, Files, Patterns], ChangeReading] = WeakValueDictionary()


def reading(
    main: str,
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
    patterns: Mapping[str, tuple[str, ...]],
    edits: Mapping[str, FileEdit] | None = None,
) -> ChangeReading:
    """The sides of a change: the content of every file by its absolute path, and what each wildcard names.

    `edits` make some of `after` from `before`, where they are known: only what they change is parsed again.
    """
    key = main, plain(before), plain(after), named(patterns)
    known = _readings.get(key)
    if known is None:
        old = side(main, before, patterns)
        known = _readings[key] = ChangeReading(old, after_edits(old, edits or {}, dict(after)))
    return known


# -- of a host ---------------------------------------------------------------------------------------------------------


def before_of(survey: Survey) -> Configuration:
    """The configuration that the host has."""
    return reading_of(survey).before


def after_of(survey: Survey) -> Configuration:
    """The configuration that the host will have."""
    return reading_of(survey).after


def edited(survey: Survey) -> dict[str, bytes]:
    """The files of the configuration, fragments included, whose content on the host will change."""
    if "edited" not in survey.memory:  # half a dozen times for each host
        contents = {path: edit.content for path, edit in survey.difference.edits.items()}
        survey.memory["edited"] = contents | new_fragments(survey)
    return dict(survey.memory["edited"])


def reading_of(survey: Survey) -> ChangeReading:
    """The configuration that the host has, and the one that it will have."""
    known: ChangeReading | None = survey.memory.get("reading")
    if known is None:
        contents, edits = contents_of(survey), survey.difference.edits
        after = contents | edited(survey)
        known = reading(survey.target.spec.config, contents, after, survey.snapshot.patterns, edits)
        survey.memory["reading"] = known
    return known


def contents_of(survey: Survey) -> dict[str, bytes]:
    """The content of every configuration file that the host has, by path."""
    desired = survey.target.desired
    others = dict.fromkeys(survey.difference.owned_keys.values())
    others |= dict.fromkeys(each.path for each in desired.whole_files)
    contents = {p: f.content for p, f in survey.snapshot.files.items() if f.content is not None and p not in others}
    return contents | read_as_configuration(desired, survey.snapshot, others)
