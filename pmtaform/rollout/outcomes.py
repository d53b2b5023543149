"""The outcome of a transaction as a result of its host, with messages for people."""

from __future__ import annotations

from dataclasses import replace

from pmtaform.diagnostics import Definition, Diagnostic
from pmtaform.diagnostics.codes import hosts as codes
from pmtaform.diagnostics.codes.hosts import HARD_LINK, HOST_LOCKED
from pmtaform.diagnostics.codes.plans import TARGET_CHANGED
from pmtaform.diagnostics.codes.runs import (
    NOT_CONFIRMED,
    NOT_STARTED,
    OUTCOME_UNKNOWN,
    RECOVERED,
    REFUSED,
    ROLLBACK_FAILED,
    ROLLED_BACK,
    ROLLED_BACK_UNVERIFIED,
    STILL_STAGED,
)
from pmtaform.host import Doubt, HostLock, HostSpec, Outcome, Snapshot, Status
from pmtaform.inspection import doubts
from pmtaform.progress import Verdict
from pmtaform.rollout.model import HostResult

_VERDICTS = {
    Status.APPLIED: Verdict.APPLIED,
    Status.ROLLED_BACK: Verdict.ROLLED_BACK,
    Status.ROLLBACK_FAILED: Verdict.FAILED,
    Status.STALE: Verdict.STALE,
    Status.LOCKED: Verdict.LOCKED,
    Status.REFUSED: Verdict.FAILED,
    Status.UNKNOWN: Verdict.FAILED,
    Status.STAGED: Verdict.FAILED,
    Status.PENDING: Verdict.FAILED,
}


def failed(spec: HostSpec, outcome: Outcome) -> HostResult:
    """The result of a transaction that was not applied, with a message for people."""
    definition, detail = _MESSAGES[outcome.status]
    unknown: tuple[Doubt, ...] = ()
    if outcome.status is Status.ROLLED_BACK:
        unknown = (*doubts.of_new(outcome), *doubts.of_old(outcome))
        if doubts.of_old(outcome):
            definition, detail = _UNSURE
    who = f"{outcome.lock.who} ({outcome.lock.what}) since {outcome.lock.since}" if outcome.lock else "another run"
    problem = definition.diagnostic(
        detail.format(
            host=spec.name,
            step=outcome.step or "?",
            reason=outcome.reason or "no reason given",
            who=who,
            left=outcome.left,
            old=doubts.old_unknown(spec, doubts.of_old(outcome)),
        )
        + (f" {doubts.remedy(unknown)}" if unknown else ""),
        host=spec.name,
    )
    return HostResult(
        host=spec.name,
        verdict=_VERDICTS[outcome.status],
        generation=outcome.generation,
        problem=problem,
        output=outcome.output,
        notes=notes_of(spec, outcome),
    )


def not_undone(outcome: Outcome, why: str, step: str) -> Outcome:
    """The outcome of a change that should have been undone because of `why`, and was not: `outcome` has the reason.

    The message of the outcome alone would be wrong. An unknown outcome stays unknown.
    """
    if outcome.status is Status.UNKNOWN:
        return replace(outcome, reason=f"{why}; to have it undone, {outcome.reason}")
    reason = f"{why}; it was not undone: {outcome.reason or outcome.status}"
    return replace(outcome, status=Status.ROLLBACK_FAILED, step=step, reason=reason)


def notes_of(spec: HostSpec, *outcomes: Outcome) -> tuple[Diagnostic, ...]:
    """Notes on earlier transactions that were finished or undone on the way."""
    return tuple(note for outcome in outcomes for note in _notes(spec, outcome))


def _notes(spec: HostSpec, outcome: Outcome) -> tuple[Diagnostic, ...]:
    earlier = (recovered(spec, outcome.recovered),) if outcome.recovered else ()
    shared = _shared(spec, outcome) if outcome.status is Status.APPLIED else ()
    untested = _not_rehearsed(spec, outcome) if outcome.status is Status.STAGED else ()
    return (*earlier, *doubts.recovered(spec, outcome), *doubts.tested(spec, outcome), *untested, *shared)


def _not_rehearsed(spec: HostSpec, outcome: Outcome) -> tuple[Diagnostic, ...]:
    """A note on a staged change that `pmta test config` can test only once it is in place."""
    if not outcome.unrehearsed:
        return ()
    detail = (
        f"{outcome.unrehearsed}. So the change is tested when its files are in place, before PowerMTA loads them. A "
        "rejected change is rolled back at once."
    )
    return (codes.NOT_REHEARSED.diagnostic(detail, host=spec.name),)


def _shared(spec: HostSpec, outcome: Outcome) -> tuple[Diagnostic, ...]:
    """A note on files with hard links: a rename gives the new content to one name only."""
    return tuple(
        HARD_LINK.diagnostic(
            f"{path} was one of {count} names (hard links) of one file. Only this name was changed; the others "
            f"keep the old content. On the host, before the next change:\n    find / -xdev -samefile {path}",
            host=spec.name,
        )
        for path, count in outcome.hard_links
    )


def recovered(spec: HostSpec, words: str) -> Diagnostic:
    """A note on an earlier transaction that was finished or undone."""
    return RECOVERED.diagnostic(words, host=spec.name)


def not_started(host: str, why: str, reason: Definition = NOT_STARTED) -> HostResult:
    """The result of a host that the run did not reach, or left unchanged."""
    return HostResult(host=host, verdict=Verdict.NOT_STARTED, problem=reason.diagnostic(why, host=host))


def not_settled(spec: HostSpec, snapshot: Snapshot) -> HostResult:
    """The result of a host with an unconfirmed change of another run: nothing of it is recorded."""
    lock: HostLock | None
    if (waits := snapshot.awaiting) is not None:
        lock = HostLock(who=waits.who, what=waits.what, since=waits.since, transaction=waits.transaction)
        reason = f"its change rolls back in {waits.left} s without a confirmation"
    else:
        lock, reason = snapshot.lock, "its change is under way"
    return failed(spec, Outcome(host=spec.name, status=Status.LOCKED, lock=lock, reason=reason))


_UNSURE = (
    ROLLED_BACK_UNVERIFIED,
    "{step}: {reason}. {old}",
)
_MESSAGES = {
    Status.ROLLED_BACK: (
        ROLLED_BACK,
        "{step}: {reason}. The old files are back, and PowerMTA runs the old configuration.",
    ),
    Status.ROLLBACK_FAILED: (
        ROLLBACK_FAILED,
        "{step}: {reason}. Log in to {host} now: compare the files with the last generation under /var/lib/pmtaform, "
        "run `pmta test config` and `pmta reload`, and check `pmta show status`.",
    ),
    Status.STAGED: (
        STILL_STAGED,
        "Nothing was changed. The next pmtaform command that changes {host} clears it.",
    ),
    Status.PENDING: (
        NOT_CONFIRMED,
        "PowerMTA on {host} runs it, and the host restores the old configuration within {left} s. See then:\n    "
        "pmtaform history {host}",
    ),
    Status.STALE: (
        TARGET_CHANGED,
        "{reason}. Nothing was changed. Plan again to see what the host has now.",
    ),
    Status.LOCKED: (
        HOST_LOCKED,
        "{who}: {reason}. Nothing was changed. Wait for that run, or if it is dead:\n    pmtaform recover {host}",
    ),
    Status.REFUSED: (
        REFUSED,
        "{step}: {reason}. Nothing was changed.",
    ),
    Status.UNKNOWN: (
        OUTCOME_UNKNOWN,
        "{reason}. The transaction runs to its end on the host, and rolls back unless it was confirmed. To ask "
        "again, and finish or undo what it left:\n    pmtaform recover {host}",
    ),
}
