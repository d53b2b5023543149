"""Drift: what changed on hosts since the last apply, whatever the stack says now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pmtaform.api.planning import Planned
from pmtaform.plan.model import Change, Reason
from pmtaform.rollout.survey import Survey
from pmtaform.state import HostState

_DRIFT = frozenset({Reason.DRIFT, Reason.BOTH, Reason.MISSING})


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """What changed on one host.

    `changes` are our blocks that were changed or taken away, told as what `apply` would put back; `files` are
    the files that are not as we left them, with what differs. `unknown`: nothing was ever applied there.
    """

    host: str
    changes: tuple[Change, ...] = ()
    files: Mapping[str, str]
    unknown: bool = False
    busy: bool = False  # another run changes the host or has not confirmed: what it has now is not final

    @property
    def drifted(self) -> bool:
        """Whether anything changed."""
        return bool(self.changes or self.files)


def drift_of(planned: Planned) -> dict[str, DriftReport]:
    """The drift of every host that could be looked at."""
    return {name: _report(name, survey) for name, survey in planned.fleet.surveys.items()}


def _report(name: str, survey: Survey) -> DriftReport:
    previous = survey.target.previous
    if previous is None:
        return DriftReport(host=name, files={}, unknown=True, busy=survey.plan.is_busy)
    changes = tuple(change for change in survey.plan.changes if change.reason in _DRIFT)
    return DriftReport(host=name, changes=changes, files=_files(previous, survey), busy=survey.plan.is_busy)


def _files(previous: HostState, survey: Survey) -> dict[str, str]:
    found: dict[str, str] = {}
    live = survey.snapshot.files
    for path, state in previous.files.items():
        now = live.get(path)
        if now is None:
            found[path] = "is gone"
            continue
        differs = []
        if survey.seal(now.digest) != state.digest:
            differs.append("content")
        if now.mode != state.mode:
            differs.append(f"mode ({state.mode:04o} to {now.mode:04o})")
        if (now.owner, now.group) != (state.owner, state.group):
            differs.append(f"owner ({state.owner}:{state.group} to {now.owner}:{now.group})")
        if differs:
            found[path] = "changed: " + ", ".join(differs)
    desired = survey.target.desired
    wanted = {each.path for each in desired.whole_files}
    for path in live:
        if path not in previous.files and path not in wanted:
            found[path] = "is new"
    return found
