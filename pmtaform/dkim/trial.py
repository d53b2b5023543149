"""The message that is signed to test a key; it is never sent."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime


def trial_message(domain: str, when: datetime) -> bytes:
    """A message from and to `domain`, with blanks and empty lines that canonicalisation has to get right."""
    name = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    lines = (
        f"From: A test of DKIM <dkim-test@{name}>",
        f"To: <nobody@{name}>",
        "Subject: A test of a signing key,",
        "\tfolded",
        f"Date: {format_datetime(when.astimezone(UTC))}",
        f"Message-ID: <{when.timestamp():.0f}.dkim-test@{name}>",
        "",
        "This  message was signed to see whether its key signs. ",
        "\tNobody was sent it.",
        "",
        "",
    )
    return "\r\n".join(lines).encode("ascii")
