"""What commands about keys, secrets and DNS say, in the way that was asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pmtaform.cli.context import Format
from pmtaform.cli.output import colour_of, out, tell, width, write
from pmtaform.report import style

if TYPE_CHECKING:
    from pmtaform.api import CheckedSecret
    from pmtaform.dns.check import DnsReport
    from pmtaform.secrets import Reference, Secret
    from pmtaform.signing.declared import KeyRow
    from pmtaform.signing.key_store import StoredKey
    from pmtaform.signing.rotate import RotationReport
    from pmtaform.signing.verification import KeyVerification
    from pmtaform.stack import SecretUse, Stack


def print_rotated(done: RotationReport, format: Format, *, ahead: bool = False) -> None:  # noqa: A002
    """What was done for keys that rotate, and where they stand."""
    from pmtaform.report.rotations import json_rotated, rotated_text

    if format is Format.JSON:
        out(json_rotated(done))
    else:
        out(rotated_text(done, ahead=ahead, colour=colour_of(sys.stdout), width=width()))


def print_dns(report: DnsReport, format: Format) -> None:  # noqa: A002
    """What a check of DNS found."""
    from pmtaform.report.dns import dns_text, json_dns

    if format is Format.JSON:
        out(json_dns(report))
    else:
        out(dns_text(report, colour=colour_of(sys.stdout), width=width()))


def print_keys(stack: str, rows: Sequence[KeyRow], format: Format) -> None:  # noqa: A002
    """The keys of a stack; what is wrong with them is told beside them."""
    from pmtaform.clock import SystemClock
    from pmtaform.report.dkim import json_keys, keys_text

    now = SystemClock().now()
    if format is Format.JSON:
        out(json_keys(stack, rows, now))
        return
    out(keys_text(rows, now, colour=colour_of(sys.stdout)))
    tell(dict.fromkeys(problem for row in rows for problem in row.problems))


def print_kept_key(stack: Stack, kept: StoredKey, format: Format, as_: str | None) -> None:  # noqa: A002
    """A key that is kept now: its record is data, all else is talk."""
    from pmtaform.dns.dkim_record import dkim_text
    from pmtaform.dns.formats import As, write_records
    from pmtaform.report.dkim import json_kept, kept_text
    from pmtaform.signing.declared import record_of

    home = kept.home
    record = None
    if home.domain != "*":
        record = record_of(stack, home.domain, home.selector, dkim_text(kept.key.p))
    if format is Format.JSON:
        out(json_kept(kept, record))
        return
    write(sys.stderr, kept_text(kept))
    tell(kept.warnings)
    if record is not None:
        out(write_records([record], As(as_) if as_ else As.BIND), exact=True)


def print_proofs(stack: str, proofs: Sequence[KeyVerification], format: Format) -> None:  # noqa: A002
    """Whether hosts have the keys that they should have, and what those sign verifies."""
    from pmtaform.report.dkim import json_proofs, proofs_text

    if format is Format.JSON:
        out(json_proofs(stack, proofs))
    else:
        out(proofs_text(proofs, colour=colour_of(sys.stdout), width=width()))


def print_secret_uses(stack: str, uses: Sequence[SecretUse], format: Format) -> None:  # noqa: A002
    """Every secret that a stack refers to."""
    from pmtaform.report.secret_uses import json_uses, uses_text

    out(json_uses(stack, uses) if format is Format.JSON else uses_text(uses))


def print_secret_checks(stack: str, checked: Sequence[CheckedSecret], format: Format) -> None:  # noqa: A002
    """What became of every secret, and what is wrong with those that cannot be used."""
    from pmtaform.report.secret_uses import checks_text, json_checks

    if format is Format.JSON:
        out(json_checks(stack, checked))
        return
    out(checks_text(checked, colour=colour_of(sys.stdout)))
    tell(dict.fromkeys(finding for each in checked for finding in each.findings))


def print_kept(reference: Reference, done: str, stack: Stack | None, format: Format) -> None:  # noqa: A002
    """What was done with one secret, and whether `stack` has any use for it."""
    from pmtaform.report.secret_uses import json_kept, kept_text, unused

    tell(unused(reference, stack))
    out(json_kept(str(reference), done=done) if format is Format.JSON else kept_text(reference, done))


def print_value(reference: Reference, secret: Secret, format: Format) -> None:  # noqa: A002
    """A secret's value, which somebody asked for by name."""
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
