"""Drift: what changed on hosts since the last apply, independent of the stack and of who made that apply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pmtaform.host import LastLeft
from pmtaform.inspection.basis import Basis
from pmtaform.inspection.survey import Survey
from pmtaform.lang.blocks import Address, Block, blocks_of
from pmtaform.lang.includes import read_configuration
from pmtaform.model.desired import FILE
from pmtaform.model.selection import matches
from pmtaform.plan.model import Cause, Change, Reason
from pmtaform.plan.threeway import ValueDrift, drift_of_values
from pmtaform.planning.draft import Planned
from pmtaform.state import FileState

_DRIFT = frozenset({Reason.DRIFT, Reason.BOTH, Reason.MISSING})
_WHOLE = frozenset({FILE, "dkim-key"})  # what is owned as a file is compared as one


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDrift:
    """One managed block that changed since the last apply, value by value; without values, only the fact is known."""

    address: str
    reason: Reason
    values: tuple[ValueDrift, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """What changed on one host.

    `blocks` are managed, `others` are not (a word each); `files` are the changed files, with the difference. `by`: the
    host was compared with its own record; `is_elsewhere`: with that of an apply that the local state does not have.
    `unknown` is the reason why it could not be compared. `busy`: it has another run's change, not confirmed.
    """

    host: str
    blocks: tuple[BlockDrift, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    by: LastLeft | None = None
    is_elsewhere: bool = False
    unknown: str = ""
    busy: bool = False

    @property
    def drifted(self) -> bool:
        """Whether anything changed."""
        return bool(self.blocks or self.files)


def drift_of(planned: Planned) -> dict[str, DriftReport]:
    """The drift of every host that could be looked at."""
    return {name: _report(name, verdict.opened()) for name, verdict in planned.fleet.surveys.items()}


def _report(name: str, survey: Survey) -> DriftReport:
    basis = survey.basis
    seen = DriftReport(host=name, by=basis.by, is_elsewhere=basis.is_elsewhere, busy=survey.plan.is_busy)
    if basis.unknown:
        return replace(seen, unknown=basis.unknown)
    blocks, others = _blocks(survey, basis)
    return replace(seen, blocks=blocks, others=others, files=_files(basis.files, survey))


# -- blocks ------------------------------------------------------------------------------------------------------------


def _blocks(survey: Survey, basis: Basis) -> tuple[tuple[BlockDrift, ...], dict[str, str]]:
    """The blocks of ours that changed, and all others that did."""
    whole = tuple(_as_planned(survey, basis, files=True))
    if basis.as_left:
        return whole, {}
    if basis.blocks is None:
        return (*_as_planned(survey, basis, files=False), *whole), {}
    live = _live(survey)
    ours: list[BlockDrift] = []
    others: dict[str, str] = {}
    for address in dict.fromkeys((*basis.blocks, *live)):
        left, now = basis.blocks.get(address), live.get(address)
        if (left is not None and now is not None and left.same_as(now)) or _is_ignored(survey, address):
            continue
        if str(address) in basis.owned:
            ours.append(_block(address, left, now, survey.target.desired.blocks.get(address)))
        else:
            others[str(address)] = "is new" if left is None else "is gone" if now is None else "changed"
    return (*ours, *whole), others


def _block(address: Address, left: Block | None, now: Block | None, wanted: Block | None) -> BlockDrift:
    values = drift_of_values(left, now, wanted)
    stack_too = any(value.cause is Cause.BOTH for value in values)
    reason = Reason.MISSING if now is None else Reason.BOTH if stack_too else Reason.DRIFT
    return BlockDrift(address=str(address), reason=reason, values=values)


def _as_planned(survey: Survey, basis: Basis, *, files: bool) -> Iterator[BlockDrift]:
    """What digests show of drift: a plan's changes for drift; nothing after another state's apply."""
    if basis.by is not None:
        return
    for change in survey.plan.changes:
        if change.reason in _DRIFT and _is_whole(change) is files:
            yield BlockDrift(address=change.address, reason=change.reason)


def _is_whole(change: Change) -> bool:
    return Address.parse(change.address).kind in _WHOLE


def _is_ignored(survey: Survey, address: Address) -> bool:
    return any(matches(pattern, str(address)) for pattern in survey.target.desired.ignore)


def _live(survey: Survey) -> Mapping[Address, Block]:
    contents = {path: file.content for path, file in survey.snapshot.files.items() if file.content is not None}
    return blocks_of(read_configuration(survey.target.spec.config, contents, survey.snapshot.patterns))


# -- files -------------------------------------------------------------------------------------------------------------


def _files(left: Mapping[str, FileState], survey: Survey) -> dict[str, str]:
    changes: dict[str, str] = {}
    live = survey.snapshot.files
    for path, state in left.items():
        now = live.get(path)
        if now is None:
            changes[path] = "is gone"
            continue
        differs = []
        if survey.seal(now.digest) != state.digest:
            differs.append("content")
        if now.mode != state.mode:
            differs.append(f"mode ({state.mode:04o} to {now.mode:04o})")
        if (now.owner, now.group) != (state.owner, state.group):
            differs.append(f"owner ({state.owner}:{state.group} to {now.owner}:{now.group})")
        if differs:
            changes[path] = "changed: " + ", ".join(differs)
    if others := [path for path in live if path not in left]:
        wanted = {each.path for each in survey.target.desired.whole_files}
        changes |= dict.fromkeys((path for path in others if path not in wanted), "is new")
    return changes
