"""YAML files of a stack."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind

YAML_SYNTAX: Final = Definition(
    code="yaml-syntax",
    summary="Invalid YAML",
    kind=Kind.INVALID,
    explanation=(
        "The file is not valid YAML at the place that the error names. The usual causes are a wrong indentation, "
        "a missing quote or a missing bracket."
    ),
)
YAML_ENCODING: Final = Definition(
    code="yaml-encoding",
    summary="Unsupported characters in a file",
    kind=Kind.INVALID,
    explanation=(
        "The file is not UTF-8, or it contains a control character, which editors hide. Save the file as UTF-8 "
        "and remove the character."
    ),
)
YAML_DEPTH: Final = Definition(
    code="yaml-depth",
    summary="Nesting too deep",
    kind=Kind.INVALID,
    explanation="Lists and mappings are nested more deeply than a stack needs. A closing bracket may be missing.",
)
YAML_TAG: Final = Definition(
    code="yaml-tag",
    summary="Unsupported YAML tag",
    kind=Kind.INVALID,
    explanation=(
        "The file has a YAML tag such as !!str. Values in a stack are texts as they are written; quote a text "
        "that starts with an exclamation mark."
    ),
)
YAML_KEY: Final = Definition(
    code="yaml-key",
    summary="Invalid key",
    kind=Kind.INVALID,
    explanation=(
        "A key is empty, or a list or a mapping. Keys are single words; quote a name that starts with [ or { or "
        "with a variable."
    ),
)
YAML_MERGE_KEY: Final = Definition(
    code="yaml-merge-key",
    summary="Unsupported YAML merge key",
    kind=Kind.INVALID,
    explanation=(
        "The key << hides where a value comes from. Write what several hosts share into a group, and what several "
        "sections share with for-each."
    ),
)
YAML_ALIAS: Final = Definition(
    code="yaml-alias",
    summary="Invalid YAML alias",
    kind=Kind.INVALID,
    explanation=(
        "The alias has no anchor above it, contains itself, or all aliases together expand to too many values. "
        "Quote a text that starts with a star, and write shared values into a group."
    ),
)
YAML_DOCUMENTS: Final = Definition(
    code="yaml-documents",
    summary="Several YAML documents in a file",
    kind=Kind.INVALID,
    explanation=(
        "A line of --- starts a second document in the file. Remove the line, or move the second document into "
        "another file: all files of a stack are one document."
    ),
)
DUPLICATE_KEY: Final = Definition(
    code="duplicate-key",
    summary="Duplicate key",
    kind=Kind.INVALID,
    explanation=(
        "The same key appears twice in one mapping, in one file or in two files of the stack, so one of the two "
        "values would be lost. Join them or remove one."
    ),
)
NO_FILE: Final = Definition(
    code="no-file",
    summary="File of the stack not readable",
    kind=Kind.INVALID,
    explanation=(
        "The stack names a file that does not exist, is no regular file, is larger than 64 MB or cannot be read. "
        "Correct the name or the file."
    ),
)
NO_STACK: Final = Definition(
    code="no-stack",
    summary="Stack without files",
    kind=Kind.INVALID,
    explanation=(
        "The folder of the stack has no YAML file or cannot be read. Write stacks/NAME/stack.yaml; pmtaform init "
        "NAME writes a first one."
    ),
)
STACK_OUTSIDE: Final = Definition(
    code="stack-outside",
    summary="Stack file outside the project",
    kind=Kind.INVALID,
    explanation=(
        "A file of the stack is a link that leads out of the project. Put the file itself into the stack's folder."
    ),
)
STACK_NAME: Final = Definition(
    code="stack-name",
    summary="Invalid name of a stack's folder",
    kind=Kind.INVALID,
    explanation=(
        "The folder of a stack gives the stack its name: small letters, digits and dashes, no dash at the start. "
        "Rename the folder."
    ),
)
STACK_NAME_DIFFERS: Final = Definition(
    code="stack-name-differs",
    summary="Stack name differs from its folder",
    kind=Kind.INVALID,
    explanation=(
        "The key stack has another name than the folder. The state is kept under the name, so a copied folder "
        "would use the state of the old stack. Make the two names equal."
    ),
)
