"""Files that a stack puts on hosts."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

FILE_OUTSIDE: Final = Definition(
    code="file-outside",
    summary="File outside the project",
    kind=Kind.INVALID,
    explanation=(
        "The file leads out of the project, and a stack must not put other files of this machine on hosts. Copy "
        "it into the project, or write secret: file:PATH."
    ),
)
FILE_SOURCES: Final = Definition(
    code="file-sources",
    summary="Several contents of a file",
    kind=Kind.INVALID,
    explanation="A file has one of file, secret and content, and the stack gives several. Keep one of them.",
)
FILE_PATH: Final = Definition(
    code="file-path",
    summary="Conflicting file paths",
    kind=Kind.INVALID,
    explanation=(
        "Two files have the same path on the host, or the path of one is the folder of another. Give one of them "
        "another path."
    ),
)
FILE_INCLUDED: Final = Definition(
    code="file-included",
    summary="File is part of the configuration",
    kind=Kind.INVALID,
    explanation=(
        "PowerMTA includes the file as configuration, and pmtaform plans its blocks by name. Write the file under "
        "native instead of files."
    ),
)
FILE_KIND: Final = Definition(
    code="file-kind",
    summary="Invalid kind of file",
    kind=Kind.INVALID,
    explanation="The value of kind is not a known kind of file. Choose one of those that the detail lists.",
)
FILE_MODE: Final = Definition(
    code="file-mode",
    summary="File mode not allowed",
    kind=Kind.INVALID,
    explanation=(
        "A mode is 0600, 0640, 0644, 0400, 0440 or 0444, and a secret is not readable by all users of the host. "
        "Write 0600 or 0640 for a secret."
    ),
)
FILE_OWNER: Final = Definition(
    code="file-owner",
    summary="Invalid owner or group",
    kind=Kind.INVALID,
    explanation=(
        "The owner or group is not the name of a user or a group. Numbers are not accepted, because they differ "
        "between hosts."
    ),
)
FILE_EMPTY: Final = Definition(
    code="file-empty",
    summary="Empty file",
    kind=Kind.INVALID,
    explanation=(
        "The file would be empty on the host, which is rarely intended. Correct the source, or remove the entry "
        "from files."
    ),
)
NO_KEY_FILE: Final = Definition(
    code="no-key-file",
    summary="Private key file missing",
    kind=Kind.INVALID,
    explanation=(
        "A certificate names a private key file that is not among the files of the host. Add it to files, or "
        "correct key-file."
    ),
)
CERTIFICATE_WITHOUT_KEY: Final = Definition(
    code="certificate-without-key",
    summary="Certificate without its private key",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "The directive reads one PEM file with the certificate and its private key, and the file has no key. Add "
        "private-key: REFERENCE to the file."
    ),
)
FRAGMENT_BREAKS_OUT: Final = Definition(
    code="fragment-breaks-out",
    summary="Fragment with unbalanced tags",
    kind=Kind.INVALID,
    explanation=(
        "The file is included inside a section and opens or closes a section without its counterpart, so it would "
        "end the section around it. Balance the tags in the file."
    ),
)
LICENCE_TEXT: Final = Definition(
    code="licence-text",
    summary="Licence not in ASCII",
    kind=Kind.INVALID,
    explanation=(
        "PowerMTA reads its licence as ASCII, and the file has other characters. Copy the licence again from its "
        "source."
    ),
)
