"""Providers and replies."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind

NO_SUCH_PROVIDER: Final = Definition(
    code="no-such-provider",
    summary="Unknown provider",
    kind=Kind.USAGE,
    explanation=(
        "The name is neither the id of a mailbox provider, nor one of the recipient domains or MX names that the data "
        "has. pmtaform providers lists the providers."
    ),
)
NO_SUCH_DATA_VERSION: Final = Definition(
    code="no-such-data-version",
    summary="Unknown version of the provider data",
    kind=Kind.USAGE,
    explanation=(
        "This pmtaform has no such version of the data on providers. Choose one of the versions in the detail, or "
        "install a newer pmtaform."
    ),
)
REPLIES_UNREADABLE: Final = Definition(
    code="replies-unreadable",
    summary="Replies not read",
    kind=Kind.USAGE,
    explanation=(
        "The file with replies does not exist, lacks permissions, is larger than 256 MB, or is neither text nor CSV. "
        "Give a text file with one reply a line, an accounting file with its header, or the reply itself in quotes."
    ),
)
NO_REPLIES: Final = Definition(
    code="no-replies",
    summary="No replies",
    kind=Kind.USAGE,
    explanation=(
        "The input has no reply of a server: it is empty, or no record of the accounting file has a dsnDiag that "
        "starts with smtp;. Check the file and its columns."
    ),
)
AGAINST_ALONE: Final = Definition(
    code="against-alone",
    summary="Comparison without a new configuration",
    kind=Kind.USAGE,
    explanation=(
        "--against names the old configuration, and the new one is missing. Add --config with a file, a folder or a "
        "host."
    ),
)
REPLIES_MISSING: Final = Definition(
    code="replies-missing",
    summary="Replies missing",
    kind=Kind.USAGE,
    explanation=(
        "The command line gives no reply. Add the text of a reply in quotes, a file, or - for standard input. With "
        "--config and --against, the labelled replies are used instead."
    ),
)
