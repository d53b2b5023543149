"""Results of a change."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

ROLLED_BACK: Final = Definition(
    code="rolled-back",
    summary="Host rejected the change; rolled back",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The test of the configuration, its activation or a check after it failed, and the old files are "
        "restored. PowerMTA runs the old configuration. Correct the cause in the stack and apply again."
    ),
)
ROLLED_BACK_UNVERIFIED: Final = Definition(
    code="rolled-back-unverified",
    summary="Files rolled back; configuration in force unknown",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The old files are restored, and an answer of PowerMTA does not prove that it runs them. Compare pmta "
        "show settings on the host with the files, or run pmta reload."
    ),
)
ROLLBACK_FAILED: Final = Definition(
    code="rollback-failed",
    summary="Rollback not confirmed",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The host rejected the change, and restoring the old configuration was not confirmed. Log in to the host "
        "now: compare the files with the last generation under /var/lib/pmtaform, run pmta test config and pmta "
        "reload."
    ),
)
STILL_STAGED: Final = Definition(
    code="still-staged",
    summary="Change staged, not activated",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The change was staged on the host, and nothing of it is active. The next pmtaform command that changes "
        "the host clears it away."
    ),
)
NOT_CONFIRMED: Final = Definition(
    code="not-confirmed",
    summary="Change not confirmed",
    kind=Kind.HOST_FAILED,
    explanation=(
        "PowerMTA runs the change, and pmtaform could not confirm it, so the host rolls back by itself. Look "
        "afterwards with pmtaform history HOST."
    ),
)
REFUSED: Final = Definition(
    code="refused",
    summary="Change not possible on the host",
    kind=Kind.HOST_FAILED,
    explanation=(
        "A path, an owner, the disk or the test of the configuration on the host did not allow the change, and "
        "nothing was changed. Correct what the detail names and apply again."
    ),
)
OUTCOME_UNKNOWN: Final = Definition(
    code="outcome-unknown",
    summary="Outcome unknown",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The connection ended before the host reported the result. The host finishes by itself and rolls back "
        "what was not confirmed. pmtaform recover HOST asks again."
    ),
)
CHANGED_AFTER_APPLY: Final = Definition(
    code="changed-after-apply",
    summary="File changed right after the apply",
    kind=Kind.FAILED,
    explanation=(
        "PowerMTA accepted the change, and another program changed a file directly afterwards, so the state was "
        "not updated. Run pmtaform plan to see the difference."
    ),
)
NOT_STARTED: Final = Definition(
    code="not-started",
    summary="Host not changed",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The run ended, or another host failed, before the turn of this host. Apply again to continue, or "
        "pmtaform apply --resume RUN."
    ),
)
SPOOL_TOO_DEEP: Final = Definition(
    code="spool-too-deep",
    summary="Too much mail in the spool",
    kind=Kind.BLOCKED,
    severity=Severity.WARNING,
    explanation=(
        "PowerMTA has more mail in its spool than drain-below allows for a restart. Drain the host, wait, or "
        "apply with --allow undrained."
    ),
)
RECOVERED: Final = Definition(
    code="recovered",
    summary="Earlier transaction recovered",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "An earlier run left a transaction unfinished on the host, and pmtaform finished or reverted it before it "
        "looked. The detail names which."
    ),
)
RECOVERED_REJECTED: Final = Definition(
    code="recovered-rejected",
    summary="Restored configuration rejected by PowerMTA",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The files of an earlier transaction were restored, and PowerMTA rejects them. The next change that "
        "PowerMTA accepts ends this; so does pmtaform recover HOST."
    ),
)
RECOVERY_FAILED: Final = Definition(
    code="recovery-failed",
    summary="Recovery failed",
    kind=Kind.HOST_FAILED,
    explanation=(
        "An unfinished transaction on the host could be neither finished nor reverted. Log in and remove the "
        "cause that the detail names, and then run pmtaform recover HOST."
    ),
)
RUN_ENDED_EARLY: Final = Definition(
    code="run-ended-early",
    summary="Earlier run ended early",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "An earlier run ended before it recorded what became of this host, and pmtaform read it from the host's "
        "own record. Nothing is to be done."
    ),
)
RESTART_PENDING: Final = Definition(
    code="restart-pending",
    summary="Rollback needs a restart",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The old value is in the file again, and PowerMTA uses it only after a restart. Restart PowerMTA, or roll "
        "back with --allow restart."
    ),
)
UNKNOWN_ANSWER: Final = Definition(
    code="unknown-answer",
    summary="Answer of PowerMTA not known",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "PowerMTA's answer to a command is neither a known success nor a known failure. Read the answer; expect "
        "under the host in the stack makes it known."
    ),
)
OLD_CONFIGURATION_UNVERIFIED: Final = Definition(
    code="old-configuration-unverified",
    summary="Old configuration perhaps not in force",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The old files are restored, and an answer of PowerMTA does not prove that it runs them. Run the command "
        "on the host and read its answer; expect in the stack makes it known."
    ),
)
IN_FORCE_UNKNOWN: Final = Definition(
    code="in-force-unknown",
    summary="Configuration in force not known",
    kind=Kind.FAILED,
    explanation=(
        "The files on the host are right, and an answer of PowerMTA does not prove that it runs them. Compare "
        "pmta show settings on the host with the files."
    ),
)
IN_FORCE_PARTLY_COMPARED: Final = Definition(
    code="in-force-partly-compared",
    summary="Settings only partly compared",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "Some settings in force could not be compared with the files that were written. Look at the settings that "
        "the detail names with pmta show settings."
    ),
)
NOT_OBSERVED: Final = Definition(
    code="not-observed",
    summary="Queues not observed",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "PowerMTA did not report the figures of its queues, so the check of the queues after a change was left "
        "out. Check that pmta show status works for the user."
    ),
)
