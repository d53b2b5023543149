"""Rolling one host back to an earlier generation, with the same transaction as an apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pmtaform.errors import PmtaformError, Unreachable
from pmtaform.host import Activation, HostSpec, Known, Session, Snapshot, Status, open_session, probe, rollback
from pmtaform.rollout.execute import failed, files_of, has_test_config, recovered
from pmtaform.rollout.model import Event, HostResult, Phase, RunResult, Verdict
from pmtaform.rollout.pool import Clock
from pmtaform.rollout.survey import find_includes
from pmtaform.state import Journal, StackKey, StateKeeper, utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Who rolls back, and where it is written down."""

    id: str
    who: str
    commit: str | None
    key: StackKey
    keeper: StateKeeper
    journal: Journal
    watch: Callable[[Event], None] | None = field(default=None, repr=False)


def restore(run: Restore, spec: HostSpec, generation: int) -> RunResult:
    """Put back the files that `generation` and all later ones replaced. The result says what happened."""
    clock = Clock(run.watch)
    what = f"rollback to before generation {generation}"
    run.journal.start(run.id, who=run.who, what=what, plan=run.id, commit=run.commit)
    try:
        result = _restore(run, spec, generation, clock)
    except Unreachable as problem:
        result = HostResult(host=spec.name, verdict=Verdict.UNREACHABLE, problem=problem.diagnostics[0])
    except PmtaformError as problem:
        result = HostResult(host=spec.name, verdict=Verdict.FAILED, problem=problem.diagnostics[0])
    reason = result.problem.summary if result.problem else ""
    run.journal.host(run.id, spec.name, str(result.verdict), reason=reason, generation=result.generation)
    clock.tell(spec.name, Phase.DONE, result.verdict, reason)
    whole = RunResult(run=run.id, hosts={spec.name: result})
    run.journal.end(run.id, whole.exit_code.name.lower())
    return whole


def _restore(run: Restore, spec: HostSpec, generation: int, clock: Clock) -> HostResult:
    opened: list[Session] = []

    def reopen() -> Session:
        opened.append(open_session(spec))
        return opened[-1]

    try:
        clock.tell(spec.name, Phase.CONNECTING)
        session = reopen()
        clock.tell(spec.name, Phase.PROBING)
        salt = run.key.salt_for(spec.name)
        before = probe(session, spec, Known(salt=salt), find_includes)
        clock.tell(spec.name, Phase.APPLYING)
        outcome = rollback(
            session,
            spec,
            generation,
            id=f"{run.id}-{spec.name}",
            salt=salt,
            who=run.who,
            started=utc_now(),
            reopen=reopen,
            activation=spec.activation,
            test_config=has_test_config(before.version) and spec.activation is not Activation.NONE,
        )
        if outcome.status is not Status.APPLIED:
            return failed(spec, outcome)
        clock.tell(spec.name, Phase.RECORDING)
        _record(run, spec, probe(opened[-1], spec, Known(salt=salt), find_includes), outcome.generation)
        notes = (recovered(spec, outcome.recovered),) if outcome.recovered else ()
        return HostResult(host=spec.name, verdict=Verdict.APPLIED, generation=outcome.generation, notes=notes)
    finally:
        for each in opened:
            each.close()


def _record(run: Restore, spec: HostSpec, after: Snapshot, generation: int) -> None:
    """What is ours is not known of the old files: the next plan finds out, and deletes nothing meanwhile."""
    state = run.keeper.document.hosts.get(spec.name)
    if state is not None:
        run.keeper.update_host(
            spec.name,
            replace(
                state,
                generation=generation,
                files=files_of(after),
                patterns=dict(after.patterns),
                blocks={},
                keys={},
                applied_at=utc_now(),
                plan=run.id,
                commit=run.commit,
                who=run.who,
            ),
        )
