"""Output of commands about keys and secrets that is more than a view."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pmtaform.cli.context import Format
from pmtaform.cli.output import out, tell, write
from pmtaform.report import style

if TYPE_CHECKING:
    from pmtaform.secrets import Reference, Secret
    from pmtaform.signing.key_store import StoredKey
    from pmtaform.stack import Stack


def print_kept_key(stack: Stack, stored: StoredKey, format: Format, as_: str | None) -> None:
    """A key that is kept now: its record is data, all else is talk."""
    from pmtaform.dns.dkim_record import dkim_text
    from pmtaform.report.dkim import NewKey, kept_text
    from pmtaform.report.views import Screen
    from pmtaform.signing.key_records import record_of

    home = stored.home
    record = None
    if home.domain != "*":
        record = record_of(stack, home.domain, home.selector, dkim_text(stored.key.p))
    if format is Format.TEXT:
        write(sys.stderr, kept_text(stored))
        tell(stored.warnings)
    view = NewKey(stored, record, as_)
    out(view.json() if format is Format.JSON else view.text(Screen()), exact=format is Format.TEXT)


def print_value(reference: Reference, secret: Secret, format: Format) -> None:
    """A secret's value, which the operator asked for by name."""
    from pmtaform.report.secret_uses import json_kept, value_fields

    value = secret.reveal()
    if format is Format.JSON:
        out(json_kept(str(reference), **value_fields(value)))
        return
    if style.is_terminal(sys.stdout) and not value.endswith(b"\n"):
        value += b"\n"
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        out(value.decode("utf-8", "surrogateescape"), exact=True)
        return
    binary.write(value)
    binary.flush()
