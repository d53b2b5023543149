"""Roll one host back to an earlier generation, with the same transaction as an apply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.runs import RESTART_PENDING
from pmtaform.diagnostics.codes.state import STATE_KEY_CHANGED
from pmtaform.errors import Blocked, PmtaformError, Unreachable
from pmtaform.host import (
    HASH_ONLY,
    Activation,
    HostSpec,
    Known,
    Outcome,
    Rollback,
    Session,
    Snapshot,
    Status,
    Transaction,
    confirm,
    probe,
    rollback,
)
from pmtaform.inspection import doubts
from pmtaform.inspection.activation import has_test_config
from pmtaform.inspection.listeners import log_files
from pmtaform.lang.blocks import Address, Block, blocks_of, directives_in, impact_of
from pmtaform.lang.catalogue import GLOBAL, Impact
from pmtaform.lang.includes import Configuration, absolute_includes, read_configuration
from pmtaform.plan.block_digests import block_digest
from pmtaform.progress import Event, EventReporter, Phase, Verdict
from pmtaform.rollout.ahead import Ahead, look_ahead
from pmtaform.rollout.connections import Connections
from pmtaform.rollout.model import HostResult, RunResult
from pmtaform.rollout.outcomes import failed, notes_of
from pmtaform.rollout.redact import without_secrets
from pmtaform.rollout.run_records import RunRecords
from pmtaform.rollout.transactions import files_of, transaction_id
from pmtaform.state import HostState, Journal, StackKey, StateKeeper, utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """The author of a rollback, and where it is recorded."""

    id: str
    stack: str
    who: str
    commit: str | None
    key: StackKey
    keeper: StateKeeper
    journal: Journal
    confirm_within: float = 0.0  # seconds; 0: nothing has to be confirmed
    may_restart: bool = False  # consent to a restart, if what is restored needs one
    check: Callable[[Ahead], None] = lambda _: None  # raises `Blocked` for what comes back without consent
    watch: Callable[[Event], None] | None = field(default=None, repr=False)


def restore(run: Restore, spec: HostSpec, generation: int) -> RunResult:
    """Restore the files that `generation` and all later ones replaced. The result has the outcome."""
    teller, records = EventReporter(run.watch), RunRecords(run.keeper)
    what = f"rollback to before generation {generation}"
    run.journal.start(run.id, who=run.who, what=what, plan=run.id, commit=run.commit)
    try:
        with Connections(spec) as connections:
            result = _Restoration(run, spec, connections, teller, records).restore(generation)
    except Blocked:
        records.journal(lambda: run.journal.end(run.id, "blocked"))
        raise
    except Unreachable as problem:
        result = HostResult(host=spec.name, verdict=Verdict.UNREACHABLE, problem=problem.diagnostics[0])
    except PmtaformError as problem:
        result = HostResult(host=spec.name, verdict=Verdict.FAILED, problem=problem.diagnostics[0])
    reason = result.problem.summary if result.problem else ""
    verdict, restored = str(result.verdict), result.generation
    records.journal(lambda: run.journal.host(run.id, spec.name, verdict, reason=reason, generation=restored))
    teller.tell(spec.name, Phase.DONE, result.verdict, reason)
    whole = RunResult(run=run.id, hosts={spec.name: result})
    records.journal(lambda: run.journal.end(run.id, whole.exit_code.name.lower()))
    return replace(whole, unsaved=records.finish())


@dataclass(frozen=True, slots=True)
class _Restoration:
    """The rollback of one host, while its connections are open."""

    run: Restore
    spec: HostSpec
    connections: Connections
    teller: EventReporter
    records: RunRecords

    def restore(self, generation: int) -> HostResult:
        """Look ahead, roll back, and record what the host has then."""
        run, spec = self.run, self.spec
        self._tell(Phase.CONNECTING)
        session = self.connections.reopen()
        self._tell(Phase.PROBING)
        ahead = look_ahead(session, spec, generation, run.stack, run.keeper.document.hosts.get(spec.name))
        run.check(ahead)
        self._tell(Phase.ACTIVATING)
        outcome = self._roll_back(session, generation, ahead)
        outcome = without_secrets(outcome, _blocks(spec, ahead.before).values())
        if outcome.status is not Status.APPLIED:
            return failed(spec, outcome)
        self._tell(Phase.RECORDING)
        return self._recorded(outcome, ahead)

    def _tell(self, phase: Phase) -> None:
        self.teller.tell(self.spec.name, phase)

    def _roll_back(self, session: Session, generation: int, ahead: Ahead) -> Outcome:
        run, spec, reopen = self.run, self.spec, self.connections.reopen
        tx = _named(run, spec)
        wanted = Rollback(
            generation=generation,
            id=tx.id,
            who=run.who,
            started=tx.started,
            confirm_within=run.confirm_within,
            activation=_activation(run, spec),
            test_config=has_test_config(ahead.before.version) and spec.activation is not Activation.NONE,
            way=ahead.way,
            record=ahead.recording.record,
            base=ahead.recording.base,
            logs=log_files(ahead.now),
        )
        outcome = rollback(session, spec, wanted, reopen)
        if outcome.status is Status.PENDING:
            self._tell(Phase.CONFIRMING)
            outcome, _ = confirm(reopen(), spec, tx, reopen)
        return outcome

    def _recorded(self, outcome: Outcome, ahead: Ahead) -> HostResult:
        """The result, once the state has what the host has now."""
        run, spec, session = self.run, self.spec, self.connections.newest
        known = Known(files=dict.fromkeys(ahead.recording.left.keys.values(), HASH_ONLY))
        after = probe(session, spec, known, absolute_includes)
        generation = outcome.generation or after.generation
        notes = (*notes_of(spec, outcome), *_record(run, self.records, spec, after, generation, ahead))
        if _activation(run, spec) is Activation.RELOAD:
            notes += _waiting(spec, _blocks(spec, ahead.before), _blocks(spec, after))
        result = HostResult(host=spec.name, verdict=Verdict.APPLIED, generation=generation, notes=notes)
        unknown = doubts.of_new(outcome)
        if not unknown or doubts.is_proven(session, spec, ahead.now, _configuration(spec, after)):
            return result
        return replace(result, verdict=Verdict.FAILED, problem=doubts.in_force_unknown(spec, unknown))


def _named(run: Restore, spec: HostSpec) -> Transaction:
    """The ids by which the host knows the rollback."""
    return Transaction(
        id=transaction_id(run.id, spec.name),
        who=run.who,
        what="rollback",
        started=utc_now(),
        confirm_within=run.confirm_within,
    )


def _activation(run: Restore, spec: HostSpec) -> Activation:
    return Activation.RESTART if run.may_restart and spec.activation is Activation.RELOAD else spec.activation


def _blocks(spec: HostSpec, snapshot: Snapshot) -> dict[Address, Block]:
    return blocks_of(_configuration(spec, snapshot))


def _configuration(spec: HostSpec, snapshot: Snapshot) -> Configuration:
    contents = {path: file.content for path, file in snapshot.files.items() if file.content is not None}
    return read_configuration(spec.config, contents, snapshot.patterns)


def _waiting(spec: HostSpec, before: Mapping[Address, Block], after: Mapping[Address, Block]) -> tuple[Diagnostic, ...]:
    """Notes on values that are restored on disk, and take effect only after a restart that has no consent."""
    changed = [
        address
        for address in dict.fromkeys((*before, *after))
        if address not in before or address not in after or not before[address].same_as(after[address])
    ]
    waiting = [
        str(address)
        for address in changed
        if any(impact_of(address, _names(side.get(address))) is Impact.RESTART for side in (before, after))
    ]
    if not waiting:
        return ()
    return (
        RESTART_PENDING.diagnostic(
            f"{', '.join(waiting)}: the file has the old value, and PowerMTA uses the new one until a restart. "
            "Restart PowerMTA when it suits you, or roll back with --allow restart.",
            host=spec.name,
        ),
    )


def _names(block: Block | None) -> list[tuple[str, str]]:
    if block is None:
        return []
    own = block.address.kind if block.is_section else GLOBAL
    return [(path[-1].split("[", 1)[0] if path else own, d.name) for _, path, d in directives_in(block)]


def _record(
    run: Restore, records: RunRecords, spec: HostSpec, after: Snapshot, generation: int, ahead: Ahead
) -> tuple[Diagnostic, ...]:
    """Record what is ours after the rollback: what was ours then, and what is ours now and still there.

    A state under another key stays as it is: its digests are valid again once its key is restored.
    """
    if run.keeper.document.key_id != run.key.id:
        return (_other_key(spec),)
    blocks = {str(address): block for address, block in _blocks(spec, after).items()}
    left = ahead.recording.left
    state = HostState(
        machine_id=after.machine_id,
        generation=generation,
        version=after.version,
        version_stamp=after.version_stamp,
        files=files_of(after, run.key.seal_for(spec.name)),
        patterns=dict(after.patterns),
        blocks={name: block_digest(blocks[name], run.key.digest) for name in left.blocks if name in blocks},
        keys={name: path for name, path in left.keys.items() if path in after.files},
        unmanaged=sum(1 for name in blocks if name not in left.blocks),
        applied_at=utc_now(),
        plan=run.id,
        commit=run.commit,
        who=run.who,
    )
    records.state(lambda: run.keeper.update_host(spec.name, state))
    return ()


def _other_key(spec: HostSpec) -> Diagnostic:
    return STATE_KEY_CHANGED.diagnostic(
        f"The rollback is recorded on {spec.name} itself, and not in the state. Restore the right key file, and then "
        f"copy the host's own record into the state:\n    pmtaform recover {spec.name}",
        host=spec.name,
    )
