"""Record on a host the blocks that become ours without a change: a record, and a generation without files."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.state import RECORD_NOT_WRITTEN
from pmtaform.errors import HostError
from pmtaform.host import Activation, LeftFile, Outcome, Status, Transaction, apply
from pmtaform.host.left import LeftRecord
from pmtaform.inspection.prepared import Prepared
from pmtaform.inspection.recording import Recording
from pmtaform.progress import Verdict
from pmtaform.rollout import transactions
from pmtaform.rollout.connections import Connections
from pmtaform.rollout.model import HostResult
from pmtaform.rollout.outcomes import failed
from pmtaform.rollout.run import Run
from pmtaform.rollout.run_records import RunRecords
from pmtaform.rollout.transactions import adoption_id
from pmtaform.state import HostState, utc_now

_NOT_OURS = frozenset({Status.STALE, Status.LOCKED})  # what was looked at is no longer so: nothing may be noted


@dataclass(frozen=True, slots=True)
class AdoptionResult:
    """The generation that the host has then; `problem`: it changed since it was inspected, and nothing was recorded."""

    generation: int
    notes: tuple[Diagnostic, ...] = ()
    problem: HostResult | None = None


def adopt(run: Run, prepared: Prepared) -> AdoptionResult:
    """Have the host record what it has, unless its last record is the same. Nothing else is written there."""
    generation, recorded = prepared.snapshot.generation, prepared.after
    if recorded is None:
        return AdoptionResult(generation)  # it was known by its digests alone, so what it keeps is that already
    if prepared.last is not None and _same(prepared.last, recorded.left):
        return AdoptionResult(generation)
    try:
        outcome = _note(run, prepared, recorded)
    except HostError as problem:
        outcome = Outcome(host=prepared.name, status=Status.REFUSED, reason=problem.diagnostics[0].summary)
    if outcome.status is Status.APPLIED:
        return AdoptionResult(outcome.generation)
    if outcome.status in _NOT_OURS:
        return AdoptionResult(generation, problem=failed(prepared.spec, outcome))
    return AdoptionResult(generation, notes=(_not_written(prepared, outcome.reason),))


def _note(run: Run, prepared: Prepared, recorded: Recording) -> Outcome:
    spec, snapshot = prepared.spec, prepared.snapshot
    note = Transaction(
        id=adoption_id(run.id, spec.name),
        who=run.who,
        what="adopt",
        started=utc_now(),
        expect={path: live.digest for path, live in snapshot.files.items()},
        expect_patterns=snapshot.patterns,
        activation=Activation.NONE,
        test_config=False,
        plan=run.plan,
        commit=run.commit or "",
        record=recorded.record,
        base=recorded.base,
    )
    with Connections(spec) as connections:
        return apply(prepared.session or connections.reopen(), spec, note, connections.reopen)


def _same(first: LeftRecord, second: LeftRecord) -> bool:
    """Whether two records are the same; values that one of them leaves to the host are not compared."""
    facts = ("stack", "sizes", "keys", "unmanaged")
    if any(getattr(first, name) != getattr(second, name) for name in facts) or set(first.blocks) != set(second.blocks):
        return False
    return first.files.keys() == second.files.keys() and all(_alike(f, second.files[p]) for p, f in first.files.items())


def _alike(first: LeftFile, second: LeftFile) -> bool:
    pairs = ((first.mode, second.mode), (first.owner, second.owner), (first.group, second.group))
    return first.digest == second.digest and all(a is None or b is None or a == b for a, b in pairs)


def _not_written(prepared: Prepared, reason: str) -> Diagnostic:
    return RECORD_NOT_WRITTEN.diagnostic(
        f"{reason}. The local state has the record. Another checkout cannot report later changes on the host.",
        host=prepared.name,
    )


# -- a host that is as wanted ------------------------------------------------------------------------------------------


def record_unchanged(run: Run, prepared: Prepared, records: RunRecords) -> HostResult:
    """Record that declared blocks become ours on a host that already matches the stack. No file of it changes.

    The host keeps a record, too, so that it can be compared from any checkout.
    """
    name, snapshot = prepared.name, prepared.snapshot
    previous = run.keeper.document.hosts.get(name)
    state = transactions.host_state(
        prepared, snapshot, snapshot.generation, plan=run.plan, commit=run.commit, who=run.who
    )
    is_new = previous is None or _comparable(previous) != _comparable(state)
    adopted = adopt(run, prepared) if is_new else AdoptionResult(snapshot.generation)
    if adopted.problem is not None:
        return adopted.problem
    state = replace(state, generation=adopted.generation)
    is_same = previous is not None and (previous.generation, previous.inputs) == (state.generation, state.inputs)
    if is_new or name in run.keeper.document.intents or not is_same:
        records.state(lambda: run.keeper.update_host(name, state))
    return HostResult(host=name, verdict=Verdict.UNCHANGED, generation=adopted.generation, notes=adopted.notes)


def _comparable(state: HostState) -> HostState:
    """A host's state without who applied, when, how often and from what."""
    return replace(state, generation=0, applied_at="", plan="", commit=None, who="", inputs=None)
