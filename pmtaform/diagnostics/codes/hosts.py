"""Hosts."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

AGENT_FAILED: Final = Definition(
    code="agent-failed",
    summary="Host program failed",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The host did not run pmtaform's shell program to its end. It needs a POSIX shell and coreutils (dd, "
        "stat, sha256sum, timeout). Read what the host printed in the detail."
    ),
)
INPUT_GARBLED: Final = Definition(
    code="input-garbled",
    summary="Program garbled on its way",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The host did not read the program that was sent, so it ran nothing. A start-up file of the login "
        "(.bashrc, /etc/profile.d) or a forced command reads standard input. Make it do so only on a terminal."
    ),
)
ANSWER_TOO_LONG: Final = Definition(
    code="answer-too-long",
    summary="Answer too long",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The host printed more than an answer can be. A login script prints without end, or the configuration "
        "includes files that are no configuration."
    ),
)
TOO_MANY_INCLUDES: Final = Definition(
    code="too-many-includes",
    summary="Too many includes",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The configuration on the host includes more files, or nests them more deeply, than pmtaform follows. "
        "Check whether a file includes itself."
    ),
)
NO_CONFIGURATION: Final = Definition(
    code="no-configuration",
    summary="No configuration on the host",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The host has no PowerMTA configuration at the expected path. Check that PowerMTA is installed there, and "
        "config-path in the stack."
    ),
)
FILE_UNREADABLE: Final = Definition(
    code="file-unreadable",
    summary="File on the host not readable",
    kind=Kind.HOST_FAILED,
    explanation=(
        "A file that the configuration names cannot be read on the host, so a plan would be a guess. Correct its "
        "permissions, or log in as a user who may read it (sudo)."
    ),
)
BAD_TRANSACTION_ID: Final = Definition(
    code="bad-transaction-id",
    summary="Invalid name of a transaction",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The name of a transaction has a form that the host program does not accept. This happens only to callers "
        "of the library; use a plain word."
    ),
)
BAD_OWNER: Final = Definition(
    code="bad-owner",
    summary="Invalid owner on the host",
    kind=Kind.HOST_FAILED,
    explanation=(
        "An owner or a group in a change is not the name of a user or a group. Correct the owner in the stack."
    ),
)
FILE_TWICE: Final = Definition(
    code="file-twice",
    summary="File changed twice",
    kind=Kind.HOST_FAILED,
    explanation="One change contains the same path twice. Give each file of the stack its own path.",
)
CONTROL_CHARACTER_IN_NAME: Final = Definition(
    code="control-character-in-name",
    summary="Control character in a name",
    kind=Kind.HOST_FAILED,
    explanation=(
        "A name or a path contains a line break, a tab or another control character and cannot be sent to a host. "
        "Rename it."
    ),
)
PATH_NOT_ABSOLUTE: Final = Definition(
    code="path-not-absolute",
    summary="Path not absolute",
    kind=Kind.HOST_FAILED,
    explanation="A path on the host does not start with a slash. Write the full path.",
)
UNLOCK_FAILED: Final = Definition(
    code="unlock-failed",
    summary="Lock on the host not removed",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The host program could not remove the lock at /var/lib/pmtaform/lock. Log in as a user who may, or turn "
        "on sudo for the host."
    ),
)
NO_GENERATION: Final = Definition(
    code="no-generation",
    summary="Nothing to roll back",
    kind=Kind.HOST_FAILED,
    explanation=(
        "Nothing was applied to the host yet, or its /var/lib/pmtaform was emptied, so there is no earlier "
        "generation to restore. Change the stack and apply it instead."
    ),
)
GENERATION_GONE: Final = Definition(
    code="generation-gone",
    summary="Generation no longer kept",
    kind=Kind.HOST_FAILED,
    explanation=(
        "The host no longer keeps the generation, because newer changes replaced it in the meantime. Choose a "
        "later one: pmtaform history HOST --live lists them."
    ),
)
HOST_BUSY: Final = Definition(
    code="host-busy",
    summary="Change under way on the host",
    kind=Kind.LOCKED,
    severity=Severity.WARNING,
    explanation=(
        "Another run is changing the host, or its change waits for a confirmation, so the present configuration "
        "is not final. Plan or import again when it is settled; without a confirmation the change rolls back by "
        "itself."
    ),
)
HOST_LOCKED: Final = Definition(
    code="host-locked",
    summary="Host locked by another run",
    kind=Kind.LOCKED,
    explanation=(
        "Another run holds the lock of the host, and nothing was touched. Wait for it. If that run is dead: "
        "pmtaform recover HOST."
    ),
)
HOST_STAGED: Final = Definition(
    code="host-staged",
    summary="Staged change on the host",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "Another run staged a change on the host and did not activate it. The next change of the host clears it away."
    ),
)
MAYBE_NOT_IN_FORCE: Final = Definition(
    code="maybe-not-in-force",
    summary="Changed file perhaps not in force",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "Someone changed a file by hand since the last apply, and PowerMTA may not have read it. Compare pmta "
        "show settings with the file, or run pmta reload on the host."
    ),
)
SUDO_KEEPS_LOG: Final = Definition(
    code="sudo-keeps-log",
    summary="sudo log contains secrets",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "sudo on the host logs the input or output of commands, so private keys or passwords are in its log. Turn "
        "that off for the user of pmtaform, or protect the log like the keys."
    ),
)
APPLIED_ELSEWHERE: Final = Definition(
    code="applied-elsewhere",
    summary="Host changed with another state",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The last change of the host was applied from another checkout, and the local state does not have it. "
        "Copy the record of the host into the state: pmtaform recover HOST."
    ),
)
MACHINE_CHANGED: Final = Definition(
    code="machine-changed",
    summary="Another machine under this name",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The machine that answers is not the one that was applied to last, so pmtaform does not treat what is "
        "there as its own and deletes nothing. Check address in the stack if the machine was not replaced."
    ),
)
NOT_REHEARSED: Final = Definition(
    code="not-rehearsed",
    summary="Change not tested in advance",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "Several hosts are changed together, and pmtaform tests the new files of each with pmta test config before it "
        "changes the first one. It does so in a separate mount namespace, which needs Linux, root and unshare, and "
        "a pmta that reads the files itself. On this host that is not so. The change is tested when its files are in "
        "place, before PowerMTA loads them; a rejected change is rolled back at once. If PowerMTA is started "
        "in that moment by something else, it reads the rejected files."
    ),
)
HARD_LINK: Final = Definition(
    code="hard-link",
    summary="File with other names",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The changed file had other names (hard links), and they keep the old content. Find them on the host with "
        "find / -xdev -samefile PATH, and change or remove them."
    ),
)
