"""Structure of a stack."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

STACK_SHAPE: Final = Definition(
    code="stack-shape",
    summary="Unexpected structure",
    kind=Kind.INVALID,
    explanation=(
        "A mapping or a list is expected at this place, and the file has something else. The detail shows the "
        "form to write."
    ),
)
UNKNOWN_KEY: Final = Definition(
    code="unknown-key",
    summary="Unknown key",
    kind=Kind.INVALID,
    explanation=(
        "The stack has no such key at this place; it may be misspelled or at the wrong level. The detail lists "
        "the known keys or the nearest one."
    ),
)
MISSING_KEY: Final = Definition(
    code="missing-key",
    summary="Missing key",
    kind=Kind.INVALID,
    explanation="An entry of the stack lacks a key that it needs. Add the key that the detail names.",
)
BAD_KEY_VALUE: Final = Definition(
    code="bad-key-value",
    summary="Invalid value of a key",
    kind=Kind.INVALID,
    explanation=(
        "The value of a key of the stack has the wrong form or is out of range. The detail shows the form to write."
    ),
)
UNUSED_KEY: Final = Definition(
    code="unused-key",
    summary="Key without effect",
    kind=Kind.INVALID,
    explanation=(
        "The key has no effect for this kind of host: the SSH settings belong to remote hosts only. Remove the "
        "key, or change transport."
    ),
)
BAD_NAME: Final = Definition(
    code="bad-name",
    summary="Invalid name",
    kind=Kind.INVALID,
    explanation=(
        "A name has letters, digits, dots, dashes and underscores, and starts with a letter or a digit. Rename "
        "the entry."
    ),
)
UNKNOWN_GROUP: Final = Definition(
    code="unknown-group",
    summary="Unknown group",
    kind=Kind.INVALID,
    explanation=(
        "A host is in a group that the stack does not define under groups. Define the group, or correct its name "
        "at the host."
    ),
)
DUPLICATE_DECLARATION: Final = Definition(
    code="duplicate-declaration",
    summary="Duplicate declaration",
    kind=Kind.INVALID,
    explanation=(
        "The same thing is declared twice in one layer: with two spellings of one name, in two files, or by a "
        "loop whose key lacks the loop's variable. Keep one of them; a group or a host may replace it."
    ),
)
NULL_WITHOUT_EFFECT: Final = Definition(
    code="null-without-effect",
    summary="Null without effect",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "A null removes what a lower layer declares, and nothing is below the base layer of a stack. Write {} for "
        "an empty section, or remove the line."
    ),
)
PATH_NOT_ALLOWED: Final = Definition(
    code="path-not-allowed",
    summary="Path not allowed",
    kind=Kind.INVALID,
    explanation=(
        "The path on the host is not absolute, has unusual parts such as .., or is outside of /etc/pmta and the "
        "folders under allowed-paths. Correct the path, or add its folder to allowed-paths."
    ),
)
NATIVE_SHAPE: Final = Definition(
    code="native-shape",
    summary="Invalid entry of native files",
    kind=Kind.INVALID,
    explanation=(
        "An entry under native is the name of a file of the stack, or {file: FILE, path: PATH} with the file on "
        "the host. Correct the entry."
    ),
)
NATIVE_OUTSIDE: Final = Definition(
    code="native-outside",
    summary="Native file outside the project",
    kind=Kind.INVALID,
    explanation=(
        "The file under native leads out of the project, and its content would appear in messages and on hosts. "
        "Copy the file into the project."
    ),
)
NATIVE_CHANGED: Final = Definition(
    code="native-changed",
    summary="Native file changed during the run",
    kind=Kind.INVALID,
    explanation=(
        "A file under native was written between the time when the stack was loaded and the time when it was compiled, "
        "so the plan would mix two versions of the stack. Run the command again."
    ),
)
BAD_ADDRESS: Final = Definition(
    code="bad-address",
    summary="Invalid block address",
    kind=Kind.INVALID,
    explanation=(
        "A pattern under lifecycle does not have the form of an address of a block, so it would protect or ignore "
        "nothing. Write an address as plans show it, such as virtual-mta[mta1]."
    ),
)
BAD_DOMAIN: Final = Definition(
    code="bad-domain",
    summary="Invalid domain",
    kind=Kind.INVALID,
    explanation="A name under dns is not a full domain name in ASCII. Write a name such as bounce.example.com.",
)
BAD_RESOLVER: Final = Definition(
    code="bad-resolver",
    summary="Invalid resolver",
    kind=Kind.INVALID,
    explanation=("A resolver under dns is an IP address with an optional port. Write 127.0.0.1:5300 or [::1]:5300."),
)
CHECK_KIND: Final = Definition(
    code="check-kind",
    summary="Invalid kind of check",
    kind=Kind.INVALID,
    explanation="A check under checks needs exactly one of smtp, http and command. Write one of them.",
)
BAD_WINDOW: Final = Definition(
    code="bad-window",
    summary="Invalid maintenance window",
    kind=Kind.INVALID,
    explanation=(
        'The text is not a time of the week. Write "02:00-04:00", or with days and a time zone "Sat,Sun '
        '02:00-04:00 Europe/Berlin".'
    ),
)
WINDOW_MISSING: Final = Definition(
    code="window-missing",
    summary="Maintenance window missing",
    kind=Kind.INVALID,
    explanation=(
        "max-impact: restart lets pmtaform restart PowerMTA without asking, and without a maintenance window that "
        "would be at any time. Add a maintenance-window."
    ),
)
SHARED_ROOT: Final = Definition(
    code="shared-root",
    summary="Two hosts with one root folder",
    kind=Kind.INVALID,
    explanation=(
        "Two local hosts have the same root folder and would undo each other's changes. Give each host its own root."
    ),
)
INTERNAL: Final = Definition(
    code="internal",
    summary="Value outside its line",
    kind=Kind.BUG,
    explanation=(
        "A value of the stack changed the structure of the generated configuration. This is a bug in pmtaform; "
        "please report it with the value."
    ),
)
