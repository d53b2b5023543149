"""Plans and consent."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

STACK_CHANGED: Final = Definition(
    code="stack-changed",
    summary="Stack changed since the plan",
    kind=Kind.STALE,
    explanation=(
        "The files of the stack changed after the plan was saved, so the plan would not do what the stack "
        "declares. Plan again."
    ),
)
PLAN_OF_ANOTHER_KEY: Final = Definition(
    code="plan-of-another-key",
    summary="Plan made with another key",
    kind=Kind.STALE,
    explanation=(
        "The plan was made with another key of the state, so nothing in it can be compared with the hosts. Apply "
        "it where it was made, bring that key file here, or plan again."
    ),
)
PLAN_OF_ANOTHER_STATE: Final = Definition(
    code="plan-of-another-state",
    summary="Plan made from another state",
    kind=Kind.STALE,
    explanation=(
        "The plan was made from a state with another history than the one here. Apply it where it was made, or "
        "plan again."
    ),
)
PLAN_OF_ANOTHER_VERSION: Final = Definition(
    code="plan-of-another-version",
    summary="Plan made by another pmtaform",
    kind=Kind.STALE,
    explanation=(
        "Another version of pmtaform made the plan, which may explain the other differences. Use the same "
        "version, or plan again."
    ),
)
PLAN_DIFFERS: Final = Definition(
    code="plan-differs",
    summary="Plan differs from the saved one",
    kind=Kind.STALE,
    explanation=(
        "Making the plan again gives another result than the saved plan: a secret, DNS or a host changed. Plan "
        "again and read the new plan."
    ),
)
TARGET_CHANGED: Final = Definition(
    code="target-changed",
    summary="Live configuration changed since the plan",
    kind=Kind.STALE,
    explanation=(
        "A file on the host changed after it was read for the plan, so pmtaform did not touch the host. Plan "
        "again to see the present configuration."
    ),
)
HOST_NOT_PLANNED: Final = Definition(
    code="host-not-planned",
    summary="Host missing in the saved plan",
    kind=Kind.STALE,
    explanation="The host could not be read when the plan was made, and can be read now. Plan again.",
)
PLAN_NOT_AUTHENTIC: Final = Definition(
    code="plan-not-authentic",
    summary="Plan file not authentic",
    kind=Kind.STATE_DAMAGED,
    explanation=(
        "The plan file has no seal, or its seal does not match its content: it was edited, or it is the output of "
        "show. Plan again: pmtaform plan --out FILE."
    ),
)
PLAN_DAMAGED: Final = Definition(
    code="plan-damaged",
    summary="Damaged plan file",
    kind=Kind.STATE_DAMAGED,
    explanation=(
        "The plan file is not what pmtaform writes. A plan file is not meant for editing. Plan again: pmtaform "
        "plan --out FILE."
    ),
)
PLAN_UNREADABLE: Final = Definition(
    code="plan-unreadable",
    summary="Plan file not readable",
    kind=Kind.STATE_DAMAGED,
    explanation="The operating system denies reading the plan file. Correct its permissions.",
)
PLAN_TOO_NEW: Final = Definition(
    code="plan-too-new",
    summary="Plan file in a later format",
    kind=Kind.STATE_DAMAGED,
    explanation=(
        "A later version of pmtaform wrote the plan file. Upgrade pmtaform on this machine, or plan again with "
        "this version."
    ),
)
PLAN_TOO_OLD: Final = Definition(
    code="plan-too-old",
    summary="Plan file in an earlier format",
    kind=Kind.STATE_DAMAGED,
    explanation=(
        "An earlier version of pmtaform wrote the plan file, and this version applies its own format only. Plan "
        "again: pmtaform plan --out FILE."
    ),
)
FUTURE_PLAN: Final = Definition(
    code="future-plan",
    summary="Plan for a future date",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "The plan shows what will be necessary on the date of --as-of if DNS, the stack and the hosts stay "
        "unchanged. It cannot be saved or applied; plan again on that date."
    ),
)
CATCH_ALL_ONLY: Final = Definition(
    code="catch-all-only",
    summary="Pattern matches the catch-all only",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "The pattern names the block <domain *> and no other domain. Use the pattern that the detail names for "
        "every domain."
    ),
)
NO_EFFECT: Final = Definition(
    code="no-effect",
    summary="Changes without effect on mail",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "The changes move lines or write them in another way; no queue, signature, address, submission or access "
        "changes. They can be applied without risk for mail."
    ),
)
FROZEN: Final = Definition(
    code="frozen",
    summary="Frozen host",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "The stack freezes the host until a date, so an apply leaves it unchanged. Wait, remove freeze from the "
        "stack, or apply with --allow frozen."
    ),
)
DEPENDENCY_INCLUDED: Final = Definition(
    code="dependency-included",
    summary="Dependency included",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "A chosen block refers to another block that also changes, so the plan includes both. Nothing is to be done."
    ),
)
DEPENDENCY_EXCLUDED: Final = Definition(
    code="dependency-excluded",
    summary="Dependency excluded",
    kind=Kind.BLOCKED,
    explanation=(
        "A chosen block refers to a block that --exclude names, and would not work without it. Remove the pattern "
        "from --exclude, or exclude both."
    ),
)
PROTECTED: Final = Definition(
    code="protected",
    summary="Protected block would change",
    kind=Kind.BLOCKED,
    explanation=(
        "The change affects a block that lifecycle.protect names, so pmtaform leaves it unchanged and blocks the "
        "apply. Remove the pattern from the stack if the change is intended."
    ),
)
FILE_NOT_INCLUDED: Final = Definition(
    code="file-not-included",
    summary="File of the stack not included",
    kind=Kind.BLOCKED,
    explanation=(
        "New blocks go into a file that no include reads, so they would have no effect. Declare the include in "
        "the stack as well."
    ),
)
FILE_IN_THE_WAY: Final = Definition(
    code="file-in-the-way",
    summary="Existing file not included",
    kind=Kind.BLOCKED,
    explanation=(
        "Blocks go into a file that exists on the host and that nothing includes, so its content would be lost. "
        "Include it first, or move it away."
    ),
)
FILE_IN_CONFIGURATION: Final = Definition(
    code="file-in-configuration",
    summary="File is part of the live configuration",
    kind=Kind.BLOCKED,
    explanation=(
        "A file under files is one that PowerMTA on the host includes as configuration. Write it under native "
        "instead, or remove the include first."
    ),
)
FILE_NOT_NAMED: Final = Definition(
    code="file-not-named",
    summary="File not named by the configuration",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "The stack puts a file on the host that no directive names, so PowerMTA does not read it. Declare the "
        "directive or compare the paths, unless another program reads the file."
    ),
)
SAME_MACHINE: Final = Definition(
    code="same-machine",
    summary="Two host names for one machine",
    kind=Kind.LOCKED,
    severity=Severity.WARNING,
    explanation=(
        "Two hosts of the stack are the same machine, which accepts one change at a time, so the second one finds "
        "it locked. Keep one of the two names in the stack."
    ),
)
DNS_MATCHES: Final = Definition(
    code="dns-matches",
    summary="DNS matches the changes",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation="DNS was asked for what the changes need, and its answers are right. Nothing is to be done.",
)
DNS_OFF: Final = Definition(
    code="dns-off",
    summary="DNS checks switched off",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation="The stack has dns: {mode: off}, so DNS was not asked. Write mode: warn to have it checked.",
)
