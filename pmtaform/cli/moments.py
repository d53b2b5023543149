"""Moments as people write them: `--as-of`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import typer

from pmtaform.diagnostics.codes.command_line import INVALID_DATE
from pmtaform.errors import UsageError

AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="DATE", help="Show rotating keys as of this date: 2026-12-31, or 2026-12-31T12:00."
    ),
]


def moment_of(text: str | None) -> datetime | None:
    """The moment that `text` means, UTC unless it names another zone; a date is the end of its day.

    Raises `UsageError`.
    """
    if text is None:
        return None
    try:
        if len(text) == len("2026-12-31"):
            return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), UTC) - timedelta(seconds=1)
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UsageError.of(
            INVALID_DATE,
            f'"{text}": write --as-of 2026-12-31, or 2026-12-31T12:00, which is in UTC, or 2026-12-31T12:00+02:00.',
        ) from None
