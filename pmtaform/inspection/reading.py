"""A host's configuration before and after its change, read once for all hosts that have the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pmtaform.inspection.predictions import Prediction, predictions
from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.plan.dangers import Finding, find_dangers
from pmtaform.plan.effectless import has_no_effect
from pmtaform.plan.signing import Signer

_KEPT = 8  # different changes at once; each holds its trees

_Files = tuple[tuple[str, bytes], ...]
_Patterns = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Reading:
    """Both sides of a change. They are shared between hosts: read, never written."""

    before: Configuration
    after: Configuration

    @cached_property
    def _dangers(self) -> dict[tuple[float, frozenset[Signer]], tuple[Finding, ...]]:
        return {}

    def dangers(self, rate_factor: float, verified: frozenset[Signer] = frozenset()) -> tuple[Finding, ...]:
        """What the change costs mail, reputation or access; the records of `verified` are in DNS."""
        key = rate_factor, verified
        if key not in self._dangers:
            self._dangers[key] = find_dangers(self.before, self.after, rate_factor, verified=verified)
        return self._dangers[key]

    def has_no_effect(self, kinds: frozenset[str]) -> bool:
        """Whether a change of blocks of these kinds changes nothing for mail."""
        if kinds not in self._effectless:
            self._effectless[kinds] = has_no_effect(self.before, self.after, kinds)
        return self._effectless[kinds]

    @cached_property
    def _effectless(self) -> dict[frozenset[str], bool]:
        return {}

    @cached_property
    def predictions(self) -> tuple[Prediction, ...]:
        """What PowerMTA must show once the change is in force."""
        return predictions(self.before, self.after)


def reading(
    main: str, before: Mapping[str, bytes], after: Mapping[str, bytes], patterns: Mapping[str, tuple[str, ...]]
) -> Reading:
    """The sides of a change: the content of every file by its absolute path, and what each wildcard names."""
    return _reading(main, _plain(before), _plain(after), tuple(sorted(patterns.items())))


def _plain(files: Mapping[str, bytes]) -> _Files:
    return tuple(sorted(files.items()))


@lru_cache(_KEPT)
def _reading(main: str, before: _Files, after: _Files, patterns: _Patterns) -> Reading:
    named = dict(patterns)
    return Reading(_side(main, before, named), _side(main, after, named))


def _side(main: str, files: _Files, patterns: Mapping[str, tuple[str, ...]]) -> Configuration:
    return read_configuration(main, dict(files), patterns)
