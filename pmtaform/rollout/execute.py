"""Applying a plan to a fleet: one transaction a host, the state saved after each, an answer for every host.

What became of a host is the host's own record, and the state is written from what the host says it has afterwards.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from pmtaform.desired import KeyFile
from pmtaform.diagnostics import Diagnostic
from pmtaform.errors import PmtaformError, Unreachable
from pmtaform.host import (
    ABSENT,
    Activation,
    FileKind,
    FileRemoval,
    FileWrite,
    HostSpec,
    Known,
    Outcome,
    Session,
    Snapshot,
    Status,
    Transaction,
    apply,
    digest,
    open_session,
    probe,
)
from pmtaform.lang.includes import include_arguments, is_pattern, read_configuration
from pmtaform.plan.services import PMTA, WEB, services_of
from pmtaform.rollout.model import Event, HostResult, Phase, RunResult, Verdict
from pmtaform.rollout.pool import Clock, run_all
from pmtaform.rollout.survey import Survey
from pmtaform.rollout.unsaid import unsaid
from pmtaform.state import FileState, HostState, Journal, StackKey, StateKeeper, utc_now

_VERDICTS = {
    Status.APPLIED: Verdict.APPLIED,
    Status.ROLLED_BACK: Verdict.ROLLED_BACK,
    Status.ROLLBACK_FAILED: Verdict.FAILED,
    Status.STALE: Verdict.STALE,
    Status.LOCKED: Verdict.LOCKED,
    Status.REFUSED: Verdict.FAILED,
    Status.UNKNOWN: Verdict.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Who applies what, and where it is written down."""

    id: str
    who: str
    what: str
    plan: str
    commit: str | None
    key: StackKey
    keeper: StateKeeper
    journal: Journal
    parallel: int = 16
    watch: Callable[[Event], None] | None = field(default=None, repr=False)
    stop: threading.Event = field(default_factory=threading.Event, repr=False)


def execute(run: Run, surveys: Iterable[Survey]) -> RunResult:
    """Apply every survey's difference. Never raises for a host: its result says what happened.

    Once `run.stop` is set no further host is begun; those at work finish or go back.
    """
    clock = Clock(run.watch)
    results: dict[str, HostResult] = {}
    work = list(surveys)
    run.journal.start(run.id, who=run.who, what=run.what, plan=run.plan, commit=run.commit)

    def one(survey: Survey) -> None:
        name = survey.target.spec.name
        if run.stop.is_set():
            results[name] = HostResult(host=name, verdict=Verdict.NOT_STARTED)
        else:
            results[name] = _apply_host(run, survey, clock)
        done = results[name]
        reason = done.problem.summary if done.problem else ""
        run.journal.host(run.id, name, str(done.verdict), reason=reason, generation=done.generation)
        clock.tell(name, Phase.DONE, done.verdict, reason)

    run_all(work, one, parallel=run.parallel)
    ordered = {survey.target.spec.name: results[survey.target.spec.name] for survey in work}
    result = RunResult(run=run.id, hosts=ordered, interrupted=run.stop.is_set())
    run.journal.end(run.id, "interrupted" if result.interrupted else result.exit_code.name.lower())
    return result


def _apply_host(run: Run, survey: Survey, clock: Clock) -> HostResult:
    name = survey.target.spec.name
    try:
        if not survey.plan.changes:
            return _own(run, survey)
        clock.tell(name, Phase.ACTIVATING)
        return _change(run, survey, clock)
    except Unreachable as problem:
        return HostResult(host=name, verdict=Verdict.UNREACHABLE, problem=problem.diagnostics[0])
    except PmtaformError as problem:
        return HostResult(host=name, verdict=Verdict.FAILED, problem=problem.diagnostics[0])


def _own(run: Run, survey: Survey) -> HostResult:
    """A host that is already as wanted: what is declared becomes ours, without a byte being touched."""
    name, previous = survey.target.spec.name, survey.target.previous
    state = _host_state(run, survey, survey.snapshot, survey.snapshot.generation)
    if previous is None or _news(previous) != _news(state):
        run.keeper.update_host(name, state)
    return HostResult(host=name, verdict=Verdict.UNCHANGED, generation=survey.snapshot.generation)


def _news(state: HostState) -> HostState:
    """What a host's state says of the host, without who came by, when, and how often."""
    return replace(state, generation=0, applied_at="", plan="", commit=None, who="")


def _change(run: Run, survey: Survey, clock: Clock) -> HostResult:
    spec = survey.target.spec
    session = survey.session or open_session(spec)
    opened: list[Session] = [session]

    def reopen() -> Session:
        opened.append(open_session(spec))
        return opened[-1]

    try:
        outcome = apply(session, spec, transaction(run, survey), reopen)
        if outcome.status is not Status.APPLIED:
            return failed(spec, unsaid(outcome, survey))
        clock.tell(spec.name, Phase.RECORDING)
        after = _verify(opened[-1], survey, run.key.salt_for(spec.name))
        run.keeper.update_host(spec.name, _host_state(run, survey, after, outcome.generation))
        notes = (recovered(spec, outcome.recovered),) if outcome.recovered else ()
        return HostResult(host=spec.name, verdict=Verdict.APPLIED, generation=outcome.generation, notes=notes)
    finally:
        for each in opened:
            each.close()


def transaction(run: Run, survey: Survey) -> Transaction:
    """What is sent to a host: its changes as files, and all that must still be as it was planned from."""
    spec, snapshot, found = survey.target.spec, survey.snapshot, survey.difference
    services = frozenset().union(*(services_of(change) for change in found.plan.changes))
    expect = {path: live.digest for path, live in snapshot.files.items()}
    for path in (*found.edits, *(key.path for key in found.write_keys)):
        expect.setdefault(path, ABSENT)
    writes = [FileWrite(path=path, content=edit.content) for path, edit in found.edits.items()]
    writes += [_key_write(key) for key in found.write_keys]
    return Transaction(
        id=f"{run.id}-{spec.name}",
        salt=run.key.salt_for(spec.name),
        who=run.who,
        what=run.what,
        started=utc_now(),
        writes=tuple(writes),
        removals=tuple(FileRemoval(path=path, kind=FileKind.KEY) for path in found.remove_keys),
        expect=expect,
        expect_patterns=snapshot.patterns,
        activation=activation_of(spec, services),
        restart_web=WEB in services and not spec.restart_command,
        test_config=has_test_config(snapshot.version),
    )


def activation_of(spec: HostSpec, services: frozenset[str]) -> Activation:
    """How the host's PowerMTA is made to take the changes: a restart where one is needed, and was consented to.

    A command of the stack's own restarts whatever has to be.
    """
    needed = PMTA in services or (bool(services) and bool(spec.restart_command))
    if spec.activation is Activation.RELOAD and needed:
        return Activation.RESTART
    return spec.activation


def has_test_config(version: str | None) -> bool:
    """Whether this PowerMTA has `pmta test config`: documented for 5.0; whether 4.x has it is not (OPERATIONS 2)."""
    found = re.search(r"v(\d+)\.", version or "")
    return found is not None and int(found[1]) >= 5


def _key_write(key: KeyFile) -> FileWrite:
    if key.private_key is None:
        raise AssertionError("a key that was not resolved cannot be written")
    return FileWrite(
        path=key.path,
        content=key.private_key.reveal(),
        kind=FileKind.KEY,
        mode=key.mode,
        owner=key.owner,
        group=key.group,
    )


def _verify(session: Session, survey: Survey, salt: str) -> Snapshot:
    """The host's files after the apply, which must be what was written."""
    spec, found = survey.target.spec, survey.difference
    keys = set(found.owned_keys.values())
    contents = {p: f.content for p, f in survey.snapshot.files.items() if f.content is not None and p not in keys}
    contents |= {path: edit.content for path, edit in found.edits.items()}
    after = read_configuration(spec.config, contents, survey.snapshot.patterns)
    wanted = {path: digest(salt, contents[path]) for path in after.trees if path in contents}
    key_digests = {key.path: digest(salt, _key_write(key).content) for key in found.write_keys}
    for path in keys - key_digests.keys():
        live = survey.snapshot.files.get(path)
        if live is not None:
            key_digests[path] = live.digest
    patterns = {a for tree in after.trees.values() for a, _, _ in include_arguments(tree) if is_pattern(a)}
    known = Known(
        salt=salt,
        files=wanted | key_digests,
        patterns=tuple(sorted(patterns)),
        version=survey.snapshot.version,
        version_stamp=survey.snapshot.version_stamp,
    )
    snapshot = probe(session, spec, known, lambda *_: ())
    for path, expected in (wanted | key_digests).items():
        live = snapshot.files.get(path)
        if live is None or live.digest != expected:
            raise PmtaformError.of(
                "changed-after-apply",
                "A file is not what was written a moment ago",
                f"{path} on {spec.name} was written and PowerMTA took it, and somebody has changed it since. The state "
                "was not updated; run `pmtaform plan` to see the difference.",
                host=spec.name,
            )
    return snapshot


def _host_state(run: Run, survey: Survey, snapshot: Snapshot, generation: int) -> HostState:
    found = survey.difference
    return HostState(
        machine_id=snapshot.machine_id,
        generation=generation,
        version=snapshot.version,
        version_stamp=snapshot.version_stamp,
        files=files_of(snapshot),
        patterns=dict(snapshot.patterns),
        blocks=dict(found.owned),
        keys=dict(found.owned_keys),
        unmanaged=found.plan.unmanaged,
        applied_at=utc_now(),
        plan=run.plan,
        commit=run.commit,
        who=run.who,
    )


def files_of(snapshot: Snapshot) -> dict[str, FileState]:
    """A snapshot's files as a state keeps them."""
    return {
        path: FileState(digest=live.digest, mode=live.mode, owner=live.owner, group=live.group)
        for path, live in snapshot.files.items()
    }


def recovered(spec: HostSpec, words: str) -> Diagnostic:
    """What is said of an earlier transaction that was finished or undone on the way."""
    return Diagnostic(code="recovered", summary="An earlier transaction was unfinished", detail=words, host=spec.name)


def failed(spec: HostSpec, outcome: Outcome) -> HostResult:
    """What a transaction that was not applied looks like to people."""
    verdict = _VERDICTS[outcome.status]
    code, summary, detail = _TOLD[outcome.status]
    who = f"{outcome.lock.who} ({outcome.lock.what}) since {outcome.lock.since}" if outcome.lock else "somebody else"
    problem = Diagnostic(
        code=code,
        summary=summary,
        detail=detail.format(
            host=spec.name, step=outcome.step or "?", reason=outcome.reason or "no reason given", who=who
        ),
        host=spec.name,
    )
    notes = (recovered(spec, outcome.recovered),) if outcome.recovered else ()
    return HostResult(
        host=spec.name,
        verdict=verdict,
        generation=outcome.generation,
        problem=problem,
        output=outcome.output,
        notes=notes,
    )


_TOLD = {
    Status.ROLLED_BACK: (
        "rolled-back",
        "The host did not take the change; everything was put back",
        "{step}: {reason}. The old files are back, and PowerMTA runs the old configuration.",
    ),
    Status.ROLLBACK_FAILED: (
        "rollback-failed",
        "The host did not take the change, and putting everything back was not confirmed",
        "{step}: {reason}. Log in to {host} now: compare the files with the last generation under /var/lib/pmtaform, "
        "run `pmta test config` and `pmta reload`, and check `pmta show status`.",
    ),
    Status.STALE: (
        "target-moved",
        "The host is no longer what was planned from",
        "{reason}. Nothing was touched. Plan again to see what is there now.",
    ),
    Status.LOCKED: (
        "host-locked",
        "Somebody else is at work on the host",
        "{who}. Nothing was touched. Wait, or if that is dead: pmtaform unlock --host {host}.",
    ),
    Status.REFUSED: (
        "refused",
        "The host could not be changed",
        "{step}: {reason}. Nothing was changed.",
    ),
    Status.UNKNOWN: (
        "outcome-unknown",
        "The connection was lost and the host did not answer again",
        "{reason}. The transaction runs to its end on the host by itself. Ask again with `pmtaform plan`: it says what "
        "the host has.",
    ),
}
