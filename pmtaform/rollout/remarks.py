"""What is to be said of a host when it has been looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.host import Awaiting, HostSpec, Snapshot, Waiting
from pmtaform.plan.diff import Difference
from pmtaform.plan.files import expiry_notes
from pmtaform.plan.model import BUSY
from pmtaform.state import HostState, Seal

if TYPE_CHECKING:
    from pmtaform.rollout.survey import Target


def not_in_force(
    target: Target, snapshot: Snapshot, found: Difference, previous: HostState | None, seal: Seal
) -> tuple[Diagnostic, ...]:
    """Files that somebody changed since the last apply, and that no change of ours will make PowerMTA read again."""
    if previous is None or found.plan.changes or not target.desired.activates:
        return ()
    keys = set(found.owned_keys.values())
    touched = [
        path
        for path, state in previous.files.items()
        if path not in keys and path in snapshot.files and seal(snapshot.files[path].digest) != state.digest
    ]
    if not touched:
        return ()
    return (
        Diagnostic(
            code="maybe-not-in-force",
            summary="A file was changed by hand, and PowerMTA may not have read it",
            detail=f"{', '.join(sorted(touched))}: changed since the last apply, with nothing left to change for us. "
            "What PowerMTA runs is what it read last: compare `pmta show settings`, or run `pmta reload` on the host.",
            severity=Severity.WARNING,
            host=target.spec.name,
        ),
    )


def expiring(target: Target, found: Difference) -> tuple[Diagnostic, ...]:
    """Certificates that have expired or soon will; of one that is to be written, its danger tells more than a note."""
    told = {danger.detail for change in found.plan.changes for danger in change.dangers}
    notes = expiry_notes(target.desired.managed, target.spec.name, target.now)
    return tuple(note for note in notes if note.detail not in told)


def busy(spec: HostSpec, snapshot: Snapshot) -> tuple[Diagnostic, ...]:
    """What is to be said when somebody changes the host at this moment, or has not confirmed a change yet."""
    if snapshot.awaiting is not None:
        return (_waits(spec, snapshot.awaiting),)
    if snapshot.lock is None:
        return ()
    detail = (
        f"{snapshot.lock.who} has been at work since {snapshot.lock.since} ({snapshot.lock.what}). What is planned "
        "here may be gone when that is done: plan again then."
    )
    summary = "The host is being changed right now"
    return (Diagnostic(code=BUSY, summary=summary, detail=detail, severity=Severity.WARNING, host=spec.name),)


def _waits(spec: HostSpec, waiting: Awaiting) -> Diagnostic:
    who = f"{waiting.who} ({waiting.what}, since {waiting.since})"
    if waiting.state is Waiting.PENDING:
        detail = (
            f"{who} has changed it and not confirmed that yet. Without a confirmation it goes back by itself in "
            f"{waiting.left} s; until then nothing else is changed here."
        )
        summary = "The host has a change that awaits its confirmation"
    else:
        detail = f"{who} has staged a change on it, and not made it yet. Who changes the host first clears it away."
        summary = "The host has a change that is staged"
        return Diagnostic(code="host-staged", summary=summary, detail=detail, severity=Severity.INFO, host=spec.name)
    return Diagnostic(code=BUSY, summary=summary, detail=detail, severity=Severity.WARNING, host=spec.name)


def machine_changed(spec: HostSpec, previous: HostState | None, snapshot: Snapshot) -> tuple[Diagnostic, ...]:
    """What is to be said when another machine answers than the one that we applied to."""
    if previous is None or not previous.machine_id or previous.machine_id == snapshot.machine_id:
        return ()
    return (
        Diagnostic(
            code="machine-changed",
            summary="Another machine answers under this name",
            detail=f"The last apply to {spec.name} was made on machine {previous.machine_id}; this one is "
            f"{snapshot.machine_id or 'of unknown id'}. What was applied before is not taken for ours here: nothing is "
            "deleted because it is no longer declared.",
            severity=Severity.WARNING,
            host=spec.name,
        ),
    )
