"""Import."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

IMPORT_SOURCE: Final = Definition(
    code="import-source",
    summary="Invalid import source",
    kind=Kind.USAGE,
    explanation=(
        "A source of an import is ssh://[user@]host[:port], a folder or a file, and the given one is missing, "
        "unreadable or none of these. Correct --from."
    ),
)
IMPORT_TWICE: Final = Definition(
    code="import-twice",
    summary="Server named twice",
    kind=Kind.USAGE,
    explanation=(
        "Two sources of the import are the same server, and a stack with both would change it twice. Name it once."
    ),
)
IMPORT_INEXACT: Final = Definition(
    code="import-inexact",
    summary="Import not exact",
    kind=Kind.BUG,
    explanation=(
        "A stack that was written for the servers would not give their configuration back, so nothing was kept. "
        "This is a bug in pmtaform; please report it."
    ),
)
BLOCK_OMITTED: Final = Definition(
    code="block-omitted",
    summary="Block left out of the stack",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "A block cannot be expressed in the stack for the reason in the detail, and stays unchanged on the host. "
        "Write it by hand if the stack should own it."
    ),
)
BLOCK_NATIVE: Final = Definition(
    code="block-native",
    summary="Block kept in PowerMTA's language",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "The YAML form cannot express the block for the reason in the detail, so the stack has it as text. "
        "Nothing is to be done."
    ),
)
KEY_KEPT_AS_LINE: Final = Definition(
    code="key-kept-as-line",
    summary="DKIM key kept as a line",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "The key cannot become an entry of dkim-keys for the reason in the detail, so its domain-key line is "
        "kept. Declare it by hand if the stack should own the key file."
    ),
)
COMMENTS_OMITTED: Final = Definition(
    code="comments-omitted",
    summary="Comments left out",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "Servers share a block and have different comments on it, so the stack keeps those of the first server. "
        "Copy the others by hand if they matter."
    ),
)
COMMENT_MASKED: Final = Definition(
    code="comment-masked",
    summary="Secrets in comments masked",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "Comments contain what looks like a secret, and the stack has *** in its place. Remove the secrets from "
        "the files on the hosts."
    ),
)
PATH_ALLOWED: Final = Definition(
    code="path-allowed",
    summary="Folder outside of /etc/pmta allowed",
    kind=Kind.NOTE,
    severity=Severity.WARNING,
    explanation=(
        "Included files are in another folder than /etc/pmta, so the stack lists it under allowed-paths and "
        "pmtaform may write there. Remove the folder if that is not intended."
    ),
)
LIST_BELOW_SOURCE: Final = Definition(
    code="list-below-source",
    summary="Pattern list below its source",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "PowerMTA needs a pattern list above the source that uses it, and the host has it below. Move it into "
        "config of the stack; the next apply moves it on the host."
    ),
)
FRAGMENTS_UNCHANGED: Final = Definition(
    code="fragments-unchanged",
    summary="Included fragments left unchanged",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "Files that are included inside sections belong to those sections, and the stack does not declare them. "
        "They stay unchanged on the host."
    ),
)
