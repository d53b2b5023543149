"""The fleet at a glance: each host's version, its last apply, and what blocks the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pmtaform.api.drifting import DriftReport, drift_of
from pmtaform.diagnostics import Diagnostic
from pmtaform.host import HostLock, LastLeft, Snapshot, Waiting
from pmtaform.model.operations import Freeze, Operations
from pmtaform.planning.draft import Planned
from pmtaform.state import HostState


@dataclass(frozen=True, slots=True, kw_only=True)
class LastApply:
    """The last apply, by the state or the host itself. `at` is ISO 8601 in UTC; `commit` None: not from Git."""

    at: str
    who: str
    commit: str | None
    plan: str
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """How many of our blocks and files are not as the last apply left them."""

    blocks: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCommit:
    """A change on a host that waits for its client. `seconds_left`: after them the host rolls back by itself."""

    transaction: str
    state: str  # "staged": nothing is changed yet; "pending": the new configuration is active
    who: str
    what: str
    since: str
    seconds_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRow:
    """One host. `problem`: why it could not be inspected; the row then has only the data of the state.

    `version` is PowerMTA's own line, `generation` the last one that the host keeps (0: none), `changes` how many
    changes of the stack are to come, `left` how many differences stay because of `lifecycle`. `last` and `drift` None:
    nothing was applied yet, or the host was not seen. `elsewhere` is the last apply by the host's own record, where the
    state does not know of it; `unknown` says why what changed since is not known.
    """

    host: str
    version: str | None = None
    generation: int | None = None
    last: LastApply | None = None
    drift: Drifted | None = None
    changes: int = 0
    left: int = 0
    pending: PendingCommit | None = None
    frozen: Freeze | None = None
    lock: HostLock | None = None
    elsewhere: LastApply | None = None
    unknown: str = ""
    problem: Diagnostic | None = None

    @property
    def is_busy(self) -> bool:
        """Whether the host has an unconfirmed change of another run."""
        return self.lock is not None or (self.pending is not None and self.pending.state == Waiting.PENDING)


def fleet_of(
    planned: Planned, operations: Mapping[str, Operations] | None = None, *, now: datetime | None = None
) -> list[HostRow]:
    """A row for every chosen host, in the stack's order; `operations` say by host what freezes it at `now`."""
    drift = drift_of(planned)
    moment = now or datetime.now(UTC)
    rows = []
    for name in planned.choice.select(planned.stack):
        last = _last(planned.state.hosts.get(name))
        how = (operations or {}).get(name)
        frozen = how.frozen(moment) if how is not None else None
        survey = planned.fleet.surveys.get(name)
        if survey is None:
            rows.append(HostRow(host=name, last=last, frozen=frozen, problem=planned.plan.failures.get(name)))
            continue
        report = drift[name]
        rows.append(
            HostRow(
                host=name,
                version=survey.snapshot.version,
                generation=survey.snapshot.generation,
                last=last,
                drift=_drifted(report),
                changes=len(survey.plan.changes),
                left=len(survey.plan.left),
                pending=_pending(survey.snapshot),
                frozen=frozen,
                lock=survey.snapshot.lock,
                elsewhere=_elsewhere(report.by) if report.is_elsewhere else None,
                unknown=report.unknown if survey.snapshot.generation else "",
            )
        )
    return rows


def _last(state: HostState | None) -> LastApply | None:
    if state is None:
        return None
    return LastApply(
        at=state.applied_at, who=state.who, commit=state.commit, plan=state.plan, generation=state.generation
    )


def _drifted(report: DriftReport) -> Drifted | None:
    return None if report.unknown or report.busy else Drifted(blocks=len(report.blocks), files=len(report.files))


def _elsewhere(by: LastLeft | None) -> LastApply | None:
    if by is None:
        return None
    return LastApply(at=by.started, who=by.who, commit=by.commit or None, plan=by.plan, generation=by.generation)


def _pending(snapshot: Snapshot) -> PendingCommit | None:
    """The host's pending commit, from what the host itself says of it."""
    waits = snapshot.awaiting
    if waits is None:
        return None
    return PendingCommit(
        transaction=waits.transaction,
        state=waits.state.value,
        who=waits.who,
        what=waits.what,
        since=waits.since,
        seconds_left=waits.left,
    )
