"""Sections, values and variables of a stack."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

SECTION_SHAPE: Final = Definition(
    code="section-shape",
    summary="Invalid structure of a section",
    kind=Kind.INVALID,
    explanation=(
        "The section needs a name, or its content is neither a mapping nor a list of rules. The detail shows the "
        "form to write."
    ),
)
SECTION_NAME: Final = Definition(
    code="section-name",
    summary="Invalid section name",
    kind=Kind.INVALID,
    explanation=(
        "The name of the section contains characters that PowerMTA's language does not allow there. Correct the name."
    ),
)
VALUE_SHAPE: Final = Definition(
    code="value-shape",
    summary="Value of the wrong form",
    kind=Kind.INVALID,
    explanation=(
        "One value is expected, and the stack has a list, a mapping or nothing, or an entry of a list is empty or "
        "contains a comma. Write one text per value."
    ),
)
REPEATED_DIRECTIVE: Final = Definition(
    code="repeated-directive",
    summary="Single value set twice",
    kind=Kind.INVALID,
    explanation=(
        "The directive has one value, and the stack gives it a list; PowerMTA would use one of them. Keep one value."
    ),
)
UNSAFE_VALUE: Final = Definition(
    code="unsafe-value",
    summary="Value with a line break",
    kind=Kind.INVALID,
    explanation=(
        "The value or the rule contains a line break or another character that would end its line in the "
        "configuration. Write it on one line."
    ),
)
BAD_VALUE: Final = Definition(
    code="bad-value",
    summary="Invalid value",
    kind=Kind.INVALID,
    explanation=(
        "The value does not have the type that PowerMTA documents for the directive. pmtaform explain DIRECTIVE "
        "shows the type and examples."
    ),
)
UNKNOWN_DIRECTIVE: Final = Definition(
    code="unknown-directive",
    summary="Unknown directive",
    kind=Kind.INVALID,
    explanation=(
        "PowerMTA documents no directive of this name in this section, and it may reject the file. Check the "
        "spelling with pmtaform explain."
    ),
)
UNKNOWN_SECTION: Final = Definition(
    code="unknown-section",
    summary="Unknown section",
    kind=Kind.INVALID,
    explanation=(
        "PowerMTA documents no section of this name, and it may reject the file. Check the spelling with pmtaform "
        "explain."
    ),
)
MISPLACED_DIRECTIVE: Final = Definition(
    code="misplaced-directive",
    summary="Misplaced directive",
    kind=Kind.INVALID,
    explanation=(
        "PowerMTA documents the directive for other sections than the one where it appears, and it may reject the "
        "file. Move the directive into a section that the detail names."
    ),
)
MISPLACED_SECTION: Final = Definition(
    code="misplaced-section",
    summary="Misplaced section",
    kind=Kind.INVALID,
    explanation=(
        "PowerMTA documents the section for another place than the one where it appears, and it may reject the "
        "file. Move the section to a place that the detail names."
    ),
)
REMOVED_DIRECTIVE: Final = Definition(
    code="removed-directive",
    summary="Removed directive",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "PowerMTA no longer has the directive or section in the version that the stack names. Write its "
        "replacement, or remove it."
    ),
)
DEPRECATED_DIRECTIVE: Final = Definition(
    code="deprecated-directive",
    summary="Deprecated directive",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=("PowerMTA still accepts the directive or section and documents a newer one. Write its replacement."),
)
TOO_NEW: Final = Definition(
    code="too-new",
    summary="Newer than the stack's PowerMTA",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "The directive or section came with a later version than the one under powermta in the stack, and a "
        "PowerMTA of that version may reject the file. Remove it, or raise powermta."
    ),
)
FOR_EACH: Final = Definition(
    code="for-each",
    summary="Invalid for-each loop",
    kind=Kind.INVALID,
    explanation=(
        "A loop needs variables with lists or ranges of equal length (n: 1..16), and the name of the section "
        "needs one of the variables. Correct the loop as the detail shows."
    ),
)
VARIABLE_NAME: Final = Definition(
    code="variable-name",
    summary="Invalid variable name",
    kind=Kind.INVALID,
    explanation=(
        "The name of a variable has letters, digits, dashes and underscores, does not start with a digit, and is "
        "not that of a built-in variable. Rename the variable."
    ),
)
VARIABLE_SYNTAX: Final = Definition(
    code="variable-syntax",
    summary="Invalid variable",
    kind=Kind.INVALID,
    explanation=(
        "The text after ${ is not the name of a variable with an optional format. Write ${name} or ${name:02d}; "
        "write $${ for a literal ${."
    ),
)
UNKNOWN_VARIABLE: Final = Definition(
    code="unknown-variable",
    summary="Unknown variable",
    kind=Kind.INVALID,
    explanation=(
        "No layer of the stack sets the variable. Set it under vars of the stack, of a group or of the host, or "
        "correct its name."
    ),
)
VARIABLE_LIST: Final = Definition(
    code="variable-list",
    summary="List in place of a text",
    kind=Kind.INVALID,
    explanation="The variable is a list, and a list cannot be put into a text. Loop over it with for-each.",
)
VARIABLE_FORMAT: Final = Definition(
    code="variable-format",
    summary="Invalid variable format",
    kind=Kind.INVALID,
    explanation=(
        "The format after the colon is not known, or it is a format of numbers and the value is not a whole "
        "number. Write ${name:02d} for two digits, or ${name}."
    ),
)
VARIABLE_LONG: Final = Definition(
    code="variable-long",
    summary="Text too long",
    kind=Kind.INVALID,
    explanation=(
        "With its variables replaced, a text or all texts together become too long, usually because variables "
        "repeat each other. Shorten the variables."
    ),
)
VARIABLE_LOOP: Final = Definition(
    code="variable-loop",
    summary="Loop of variables",
    kind=Kind.INVALID,
    explanation=(
        "Variables refer to each other in a circle, so none of them has a value. Write one of them as a plain value."
    ),
)
