"""Native configuration files."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

BROKEN_REGEX: Final = Definition(
    code="broken-regex",
    summary="Regular expression not closed",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "A pattern is between two slashes on one line, and PowerMTA documents no continuation, so the rule does "
        "not match what was intended. Write it on one line; write # as \\x23 and / as \\/ inside the regex."
    ),
)
LINE_CONTINUATION: Final = Definition(
    code="line-continuation",
    summary="List over several lines",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "PowerMTA documents no continuation of lines and may read the following lines as unknown directives. "
        "Write the list on one line."
    ),
)
BRACE: Final = Definition(
    code="brace",
    summary="Braces",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "PowerMTA has no blocks in braces. Write a section from <name argument> to </name>, or one directive per line."
    ),
)
XML_COMMENT: Final = Definition(
    code="xml-comment",
    summary="XML comment",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "PowerMTA has no <!-- --> comments: it reads the line as a tag, and the lines between the marks stay in "
        "force. Write # before each line."
    ),
)
MALFORMED_TAG: Final = Definition(
    code="malformed-tag",
    summary="Malformed tag",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=("A tag has no name or is not closed by >. Write <name argument> or </name>."),
)
TAG_ON_DIRECTIVE_LINE: Final = Definition(
    code="tag-on-directive-line",
    summary="Tag on a directive's line",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "PowerMTA reads one tag or one directive per line, so what follows on the line has another meaning than "
        "intended. Write each on its own line."
    ),
)
STRAY_CLOSING_TAG: Final = Definition(
    code="stray-closing-tag",
    summary="Closing tag without section",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "The line closes a section that is not open. Remove the line, or write the opening tag that it belongs to."
    ),
)
UNCLOSED_SECTION: Final = Definition(
    code="unclosed-section",
    summary="Section not closed",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "The section has no closing tag, so PowerMTA may read all that follows as a part of it. Write </name> "
        "where the section ends."
    ),
)
NOT_UTF8: Final = Definition(
    code="not-utf8",
    summary="File not in UTF-8",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "PowerMTA reads its configuration as UTF-8. pmtaform keeps the bytes unchanged; save the file as UTF-8."
    ),
)
ODD_BLANK: Final = Definition(
    code="odd-blank",
    summary="Blank that separates nothing",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "A no-break space or another Unicode blank separates nothing, so PowerMTA reads the words around it as "
        "one word. Replace it by a plain blank."
    ),
)
CONTROL_CHARACTER: Final = Definition(
    code="control-character",
    summary="Control character",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "A NUL or another control character is not part of the language and is invisible in editors. Remove it."
    ),
)
BYTE_ORDER_MARK: Final = Definition(
    code="byte-order-mark",
    summary="Byte order mark",
    kind=Kind.INVALID,
    severity=Severity.WARNING,
    explanation=(
        "The file starts with a byte order mark, which becomes a part of the first word. Save the file as UTF-8 "
        "without a byte order mark."
    ),
)
MISSING_INCLUDE: Final = Definition(
    code="missing-include",
    summary="Included file missing",
    kind=Kind.INVALID,
    explanation=(
        "The configuration includes a file that does not exist where the configuration was read, so its content "
        "is not known. PowerMTA may reject the configuration. Create the file or remove the include."
    ),
)
INCLUDE_NOT_READ: Final = Definition(
    code="include-not-read",
    summary="Included file not read",
    kind=Kind.INVALID,
    explanation=(
        "The configuration includes a file that exists and was not read: it leads out of the folder, is no regular "
        "file, is larger than 64 MiB or lacks permissions. What it sets is not known. Correct the file, or name a "
        "folder that holds all files."
    ),
)
INCLUDE_LOOP: Final = Definition(
    code="include-loop",
    summary="Files that include each other",
    kind=Kind.INVALID,
    explanation=(
        "A file includes itself, directly or through others, or includes are nested too deeply. Remove one of the "
        "includes."
    ),
)
RELATIVE_INCLUDE: Final = Definition(
    code="relative-include",
    summary="Relative path of an include",
    kind=Kind.INVALID,
    explanation=(
        "PowerMTA does not document what a relative include is relative to, so pmtaform does not follow it. Write "
        "the absolute path."
    ),
)
TEMPLATE: Final = Definition(
    code="template",
    summary="Template left unchanged",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "The file contains placeholders that another program fills in, so pmtaform does not format it. Format the "
        "file that the other program writes."
    ),
)
NOT_FORMATTED: Final = Definition(
    code="not-formatted",
    summary="File not formatted",
    kind=Kind.BUG,
    explanation=(
        "After formatting, the file would have another meaning, so pmtaform left it unchanged. This is a bug in "
        "pmtaform; please report it with the file."
    ),
)
