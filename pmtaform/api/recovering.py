"""Finishing or undoing what something left half done on hosts, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pmtaform.diagnostics import Diagnostic, Exit, Kind
from pmtaform.diagnostics.codes.hosts import HOST_LOCKED
from pmtaform.errors import Locked, PmtaformError
from pmtaform.host import (
    Awaiting,
    HostSpec,
    Known,
    LastLeft,
    Session,
    Snapshot,
    Status,
    Waiting,
    decide_pending,
    last_left,
    probe,
    recover,
)
from pmtaform.host_specs import host_spec
from pmtaform.inspection import doubts
from pmtaform.inspection.basis import BasisSources, basis_of, is_current, state_of
from pmtaform.inspection.survey import Target, Wanted
from pmtaform.inspection.unfinished import resolve_intent, unrecovered
from pmtaform.lang.includes import absolute_includes
from pmtaform.model.choice import Choice
from pmtaform.model.desired import Limits
from pmtaform.parallel import run_all
from pmtaform.plan.between import plan_between
from pmtaform.planning.consent import check_allowed, without_consent
from pmtaform.project import Project
from pmtaform.rollout.ahead import look_behind
from pmtaform.stack import Stack, compile_host
from pmtaform.stack.resolve import resolver_for
from pmtaform.state import StackKey, StateKeeper, utc_now, who


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What was found on one host, and what was done about it, in sentences; none: nothing was left.

    `awaiting`: a change that still waits for its client, and was left alone.
    """

    host: str
    done: tuple[str, ...] = ()
    awaiting: Awaiting | None = None
    problem: Diagnostic | None = None
    code: Exit = Exit.OK


def recover_hosts(
    project: Project,
    stack: Stack,
    choice: Choice | None = None,
    *,
    decide: str = "",
    allow: Iterable[str] = (),
    watch: Callable[[str], None] | None = None,
) -> list[Recovered]:
    """Finish or undo what dead transactions left on every chosen host, and update the state to what the host has.

    `decide` "confirm" or "revert" settles a change that still waits for its client; without it the change is left
    unchanged. A change to confirm is checked for dangers as a plan is, and left unchanged if `allow` lacks one of
    them. The caller holds the state's lock. Runs of this machine that never ended are ended in the journal.
    """
    names, allowed = (choice or Choice()).select(stack), check_allowed(allow)
    key = project.key(stack.name)
    keeper = StateKeeper(project.backend(stack.name), key_id=key.id)
    resolve = resolver_for(stack)
    results: dict[str, Recovered] = {}

    def one(name: str) -> None:
        if watch is not None:
            watch(name)
        spec = host_spec(stack, stack.hosts[name], resolve)
        target = Target(
            spec=spec,
            stack=stack.name,
            wanted=Wanted.of(compile_host(stack, name, None)),
            previous=keeper.document.hosts.get(name),
            intent=keeper.document.intents.get(name),
        )
        results[name] = _recover(target, keeper, key, Word(decide, allowed, stack.limits))

    run_all(names, one, parallel=stack.rollout.changing)
    _end_runs(project, stack.name, results)
    return [results[name] for name in names]


@dataclass(frozen=True, slots=True)
class Word:
    """What becomes of a change that awaits its confirmation, and the dangers that are consented to."""

    decide: str
    allowed: frozenset[str]
    limits: Limits


_HEEDED = {"confirm": {Status.APPLIED}, "revert": {Status.ROLLED_BACK, Status.REFUSED}}  # what is staged is refused


def _recover(target: Target, keeper: StateKeeper, key: StackKey, word: Word) -> Recovered:
    name = target.spec.name
    try:
        session = target.spec.open()
        try:
            return _Recovery(session, target, keeper, key, word).run()
        finally:
            session.close()
    except PmtaformError as problem:
        code = problem.exit_code if problem.kind in (Kind.HOST_UNREACHABLE, Kind.LOCKED) else Exit.SOME_FAILED
        return Recovered(host=name, problem=problem.diagnostics[0], code=code)


class _Recovery:
    """The recovery of one host: what waits is decided, what is unfinished ends, what is not recorded is."""

    snapshot: Snapshot

    def __init__(self, session: Session, target: Target, keeper: StateKeeper, key: StackKey, word: Word) -> None:
        self._session, self._target, self._keeper, self._key, self._word = session, target, keeper, key, word
        self._spec = target.spec
        self._done: list[str] = []
        self._is_heeded = True

    def run(self) -> Recovered:
        """The result, with a line for each thing that was done."""
        self.snapshot = _look(self._session, self._target)
        refused = self._decide() or self._finish()
        if refused is not None:
            return refused
        self._resolve()
        awaiting = self.snapshot.awaiting
        code = Exit.LOCKED if awaiting is not None else Exit.OK if self._is_heeded else Exit.SOME_FAILED
        return Recovered(host=self._spec.name, done=tuple(self._done), awaiting=awaiting, code=code)

    def _decide(self) -> Recovered | None:
        """Confirm or revert what waits, as the caller decided; a result where that needs consent."""
        waiting, decide = self.snapshot.awaiting, self._word.decide
        if waiting is None or not decide:
            return None
        is_pending = waiting.state is Waiting.PENDING
        if decide == "confirm" and is_pending:
            missing = _dangers(self._session, self._target, waiting.transaction, self._word)
            if missing:
                problem = _as_one(missing)
                return Recovered(host=self._spec.name, awaiting=waiting, problem=problem, code=Exit.BLOCKED)
        # What is only staged has nothing yet that could be confirmed.
        if decide == "revert" or is_pending:
            self._decide_pending(waiting, decide)
            self.snapshot = _look(self._session, self._target)
        return None

    def _decide_pending(self, waiting: Awaiting, decide: str) -> None:
        why = f"{who()} reverted it by `pmtaform recover`"
        outcome = decide_pending(self._session, self._spec, waiting.transaction, decide, why)
        self._is_heeded = outcome is not None and outcome.status in _HEEDED[decide]
        end = str(outcome.status) if outcome is not None else "gone"
        if outcome is not None and not self._is_heeded and outcome.reason:
            end += f" ({outcome.reason})"
        self._done.append(f"{waiting.transaction}: {decide} requested, outcome: {end}")

    def _finish(self) -> Recovered | None:
        """Finish or undo what is unfinished; a result where that fails. Raises `Locked`."""
        spec, unfinished = self._spec, self.snapshot.unsettled
        if unfinished is None:
            return None
        outcome = recover(self._session, spec, who=who(), reopen=spec.open)
        if outcome.status is Status.LOCKED:
            raise Locked.of(HOST_LOCKED, outcome.reason, host=spec.name)
        if outcome.recovered:
            self._done.append(outcome.recovered)
        unsure = doubts.recovered(spec, outcome)
        self._is_heeded = self._is_heeded and not unsure
        self._done += [note.detail for note in unsure]
        if outcome.status is not Status.APPLIED:
            problem = unrecovered(spec, outcome, unfinished)
            return Recovered(host=spec.name, done=tuple(self._done), problem=problem, code=Exit.SOME_FAILED)
        self.snapshot = _look(self._session, self._target)
        return None

    def _resolve(self) -> None:
        """Record what a run that was killed did, and take over the host's own record."""
        target, snapshot, keeper = self._target, self.snapshot, self._keeper
        last = last_left(self._session, self._spec, contents=True) if snapshot.generation else None
        left = last.left if last is not None else None
        resolved, notes = resolve_intent(target, snapshot, left, self._key.seal_for(self._spec.name))
        if target.intent is not None and resolved.intent is None:
            self._done += [note.detail for note in notes]
            if resolved.previous is not None and resolved.previous is not target.previous:
                keeper.update_host(self._spec.name, resolved.previous)
            else:
                keeper.settle(self._spec.name)
        if snapshot.awaiting is None and last is not None:
            self._done += _take_over(target, snapshot, last, keeper, self._key)


def _dangers(session: Session, target: Target, transaction: str, word: Word) -> tuple[Diagnostic, ...]:
    """What keeping a change costs, and no one has consented to here."""
    sides = look_behind(session, target.spec, transaction, target.previous)
    if sides is None:
        return ()
    plan = plan_between(target.spec.name, sides.before, sides.after, word.limits, sides.moves)
    return without_consent(plan, word.allowed)


def _as_one(problems: tuple[Diagnostic, ...]) -> Diagnostic:
    """One problem of a host: the first, with what the others say."""
    return replace(problems[0], detail=" ".join(problem.detail for problem in problems))


def _take_over(
    target: Target, snapshot: Snapshot, last: LastLeft, keeper: StateKeeper, key: StackKey
) -> tuple[str, ...]:
    """Update the state from the host's own record, for a generation that the state does not have."""
    spec, seal = target.spec, key.seal_for(target.spec.name)
    if keeper.document.key_id != key.id or is_current(keeper.document.hosts.get(spec.name), snapshot):
        return ()
    sources = BasisSources(
        spec=spec, stack=target.desired.stack, previous=None, snapshot=snapshot, last=last, seal=seal
    )
    state = state_of(basis_of(sources), snapshot, last, key.digest, utc_now())
    if state is None:
        return ()
    keeper.update_host(spec.name, state)
    made = f"generation {last.generation} of {spec.name} was made by {last.who} ({last.what or '?'}, {last.started})"
    return (f"{made}, and the state did not know of it: it was copied from the host's own record",)


def _look(session: Session, target: Target) -> Snapshot:
    outcome_of = target.intent.transaction if target.intent is not None else ""
    spec: HostSpec = replace(target.spec)
    return probe(session, spec, Known(outcome_of=outcome_of), absolute_includes)


def _end_runs(project: Project, stack: str, results: dict[str, Recovered]) -> None:
    """Runs that were killed are over, once every host that could have been in them has been looked at."""
    if any(each.problem is not None or each.awaiting is not None for each in results.values()):
        return
    journal = project.journal(stack)
    for run in journal.read().unfinished():
        journal.end(run, "recovered")
