"""Notes on a host that was inspected."""

from __future__ import annotations

from collections.abc import Collection

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.hosts import (
    APPLIED_ELSEWHERE,
    HOST_BUSY,
    HOST_STAGED,
    MACHINE_CHANGED,
    MAYBE_NOT_IN_FORCE,
    SUDO_KEEPS_LOG,
)
from pmtaform.host import Awaiting, HostSpec, Snapshot, Waiting
from pmtaform.inspection.basis import Basis
from pmtaform.inspection.survey import Target
from pmtaform.model.desired import Desired
from pmtaform.plan.diff import Difference
from pmtaform.state import HostState, Seal


def not_in_force(
    target: Target, snapshot: Snapshot, difference: Difference, previous: HostState | None, seal: Seal
) -> tuple[Diagnostic, ...]:
    """A note on files that were changed by hand since the last apply, and that PowerMTA may not have read again."""
    if previous is None or difference.plan.changes or not target.desired.activates:
        return ()
    keys = set(difference.owned_keys.values())
    touched = [
        path
        for path, state in previous.files.items()
        if path not in keys and path in snapshot.files and seal(snapshot.files[path].digest) != state.digest
    ]
    if not touched:
        return ()
    return (
        MAYBE_NOT_IN_FORCE.diagnostic(
            f"{', '.join(sorted(touched))}: changed since the last apply, and no change is planned for them. PowerMTA "
            "runs what it read last. Compare `pmta show settings`, or run on the host:\n    pmta reload",
            host=target.spec.name,
        ),
    )


def kept_by_sudo(spec: HostSpec, streams: Collection[str]) -> tuple[Diagnostic, ...]:
    """A note on a host where sudo logs what passes through it."""
    if not streams:
        return ()
    kinds = {
        "log_input": "what is sent: private keys and passwords that are written there",
        "log_output": "what is read: the configuration, with the passwords in it",
    }
    return (
        SUDO_KEEPS_LOG.diagnostic(
            f"`sudo -l` on {spec.name} has {', '.join(sorted(streams))}. It keeps "
            f"{', and '.join(kinds[stream] for stream in sorted(streams))}. Turn it off for the user that pmtaform "
            "logs in as (`Defaults:USER !log_input, !log_output`), or protect the log (/var/log/sudo-io, a log "
            "server) as you would the keys.",
            host=spec.name,
        ),
    )


def busy(spec: HostSpec, snapshot: Snapshot) -> tuple[Diagnostic, ...]:
    """A note on a host that another run changes now, or whose last change is not confirmed yet."""
    if snapshot.awaiting is not None:
        return (_waits(spec, snapshot.awaiting),)
    if snapshot.lock is None:
        return ()
    detail = (
        f"{snapshot.lock.who} has been changing it since {snapshot.lock.since} ({snapshot.lock.what}). This plan may "
        "be out of date when that run ends. Plan again then."
    )
    return (HOST_BUSY.diagnostic(detail, host=spec.name),)


def _waits(spec: HostSpec, waiting: Awaiting) -> Diagnostic:
    who = f"{waiting.who} ({waiting.what}, since {waiting.since})"
    if waiting.state is Waiting.PENDING:
        detail = (
            f"{who} has changed it and not confirmed the change yet. Without a confirmation it rolls back in "
            f"{waiting.left} s. Until then no other run can change it."
        )
    else:
        detail = f"{who} has staged a change on it, and not activated it yet. The next change of the host clears it."
        return HOST_STAGED.diagnostic(detail, host=spec.name)
    return HOST_BUSY.diagnostic(detail, host=spec.name)


def applied_elsewhere(target: Target, previous: HostState | None, basis: Basis) -> tuple[Diagnostic, ...]:
    """The note on a host whose last generation the local state does not have."""
    if basis.by is None or not basis.is_elsewhere:
        return ()
    spec = target.spec
    by, known = basis.by, f"has generation {previous.generation}" if previous is not None else "has no generation of it"
    commit = f", commit {by.commit[:12]}" if by.commit else ""
    detail = f"Generation {by.generation} of {spec.name} was made by {by.who or '?'}, {by.started or '?'}{commit} "
    detail += f"({by.what or '?'}); the local state {known}. "
    if basis.unknown:
        detail += f"Changes on the host since then are not known: {basis.unknown}."
    else:
        detail += "The host is compared with its own record of that generation."
        detail += _orphans(basis, previous, target.desired)
        detail += f" To copy that record into the state:\n    pmtaform recover {spec.name}"
    return (APPLIED_ELSEWHERE.diagnostic(detail, host=spec.name),)


def _orphans(basis: Basis, previous: HostState | None, desired: Desired) -> str:
    """A sentence on blocks of that apply that are neither declared nor in the state: no apply deletes them."""
    declared = {str(address) for address in desired.blocks} | {str(each.address) for each in desired.whole_files}
    known = {*previous.blocks, *previous.keys} if previous is not None else set()
    lost = sorted((basis.owned | basis.keys.keys()) - declared - known)
    if not lost:
        return ""
    more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
    return f" It owns {', '.join(lost[:3])}{more}, which this stack does not declare: an apply leaves them unchanged."


def machine_changed(spec: HostSpec, previous: HostState | None, snapshot: Snapshot) -> tuple[Diagnostic, ...]:
    """A note on a host where a machine answers that is not the one of the last apply."""
    if previous is None or not previous.machine_id or previous.machine_id == snapshot.machine_id:
        return ()
    return (
        MACHINE_CHANGED.diagnostic(
            f"The last apply to {spec.name} was made on machine {previous.machine_id}; this one is "
            f"{snapshot.machine_id or 'of unknown id'}. Blocks that were applied before do not count as ours here: "
            "none is deleted because it is no longer declared.",
            host=spec.name,
        ),
    )
