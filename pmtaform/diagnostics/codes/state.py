"""State, lock and journal."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

STATE_LOCKED: Final = Definition(
    code="state-locked",
    summary="State locked by another run",
    kind=Kind.LOCKED,
    explanation=(
        "Another run on the stack is at work, and two at once would undo each other's changes. Wait for it. If "
        "that process is dead: pmtaform unlock STACK."
    ),
)
LOCK_NOT_HELD: Final = Definition(
    code="lock-not-held",
    summary="Lock not held",
    kind=Kind.LOCKED,
    explanation=(
        "A caller of the library passed a lock that is not the one of this stack. Take the lock of the stack with "
        "Project.lock."
    ),
)
LOCK_TAKEN_OVER: Final = Definition(
    code="lock-taken-over",
    summary="Lock of a dead process taken over",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "An earlier run ended without releasing its lock, and may be half done. Read the plan: it shows what is "
        "left to do."
    ),
)
CHANGES_LEFT_OUT: Final = Definition(
    code="changes-left-out",
    summary="Changes of another state left out",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "STACK.changes holds what a killed run recorded, and STACK.json is not the state that it was recorded on: an "
        "older one was restored, or it was removed. Read the plan: it reads from the hosts what that run did."
    ),
)
STATE_CHANGED: Final = Definition(
    code="state-changed",
    summary="State changed since the plan",
    kind=Kind.STALE,
    explanation=(
        "Another run wrote the state after it was read, so saving would lose what that run recorded. Plan again."
    ),
)
STATE_UNREADABLE: Final = Definition(
    code="state-unreadable",
    summary="State not readable",
    kind=Kind.STATE_DAMAGED,
    explanation=("The operating system denies reading the state file or the journal. Make it readable for your user."),
)
STATE_DAMAGED: Final = Definition(
    code="state-damaged",
    summary="Damaged state file",
    kind=Kind.STATE_DAMAGED,
    explanation=(
        "The state file is not what pmtaform writes: a merge conflict, a cut or an edit. Restore it from Git or "
        "from state/STACK.json.backup, or move it away to start a new one; no host is at risk."
    ),
)
STATE_TOO_NEW: Final = Definition(
    code="state-too-new",
    summary="State file in a later format",
    kind=Kind.STATE_DAMAGED,
    explanation=(
        "A later version of pmtaform wrote the state. Upgrade pmtaform on this machine; nothing was read or changed."
    ),
)
STATE_NOT_WRITTEN: Final = Definition(
    code="state-not-written",
    summary="State not written",
    kind=Kind.FAILED,
    explanation=(
        "The operating system denies writing the state, for example because the disk is full. The earlier file is "
        "intact. Make room or restore the permissions, and run pmtaform plan, which reads from the hosts what was "
        "not recorded."
    ),
)
STATE_KEY_CHANGED: Final = Definition(
    code="state-key-changed",
    summary="State written with another key",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The digests of the state were made with another key than state/STACK.key, so pmtaform cannot attribute "
        "changes and deletes nothing that is no longer declared. Restore the right key file."
    ),
)
JOURNAL_DAMAGED: Final = Definition(
    code="journal-damaged",
    summary="Damaged lines in the journal",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "A crash or an edit damaged lines of the journal, so the history has gaps. The hosts are not affected; "
        "pmtaform history HOST --live asks them."
    ),
)
HOST_NOT_IN_STACK: Final = Definition(
    code="host-not-in-stack",
    summary="Applied host no longer in the stack",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The state has a host that the stack no longer has. The host keeps its configuration, and pmtaform no "
        "longer looks at it. If it is gone for good: pmtaform state forget HOST STACK."
    ),
)
RECORD_NOT_WRITTEN: Final = Definition(
    code="record-not-written",
    summary="Ownership record not written",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The host did not store the record of what pmtaform owns there. The local state has it; another checkout "
        "cannot report later changes on the host."
    ),
)
UNKNOWN_BACKEND: Final = Definition(
    code="unknown-backend",
    summary="Unknown state backend",
    kind=Kind.INVALID,
    explanation=(
        "The project names a state backend that neither pmtaform nor a plug-in provides. Correct the name, or "
        "install the plug-in."
    ),
)
BACKEND_OPTIONS: Final = Definition(
    code="backend-options",
    summary="Backend options not usable",
    kind=Kind.INVALID,
    explanation=(
        "The state backend does not know an option that the project gives it, or an option that it needs is "
        "missing. Correct the options as the detail says."
    ),
)
