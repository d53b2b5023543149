"""DKIM keys as text for people and JSON for programs: their type and place, never their content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pmtaform.diagnostics.codes.dns import DKIM_NOT_COMPARED
from pmtaform.plan.document import diagnostic_document
from pmtaform.report.dns import finding_lines, finding_row
from pmtaform.report.secret_uses import MOST_HOSTS
from pmtaform.report.style import WIDTH, Style, clean, columns, counted, named
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.dns.records import DnsRecord
    from pmtaform.signing.key_rows import KeyRow
    from pmtaform.signing.key_store import StoredKey
    from pmtaform.signing.verification import KeyVerification

_HEAD = ("KEY", "TYPE", "STORED", "DNS", "HOSTS", "SIGNS FOR", "REFERENCE")
_GOOD = ("published", "not-checked", DKIM_NOT_COMPARED.code)


# -- what there is ----


def _cells(row: KeyRow, now: datetime) -> tuple[str, ...]:
    declared = row.declared
    what = row.key.describe if row.key is not None else "unreadable" if declared.is_ours else "on hosts"
    idle = len(declared.idle_on) == len(declared.hosts)
    signs = "nothing" if idle else ", ".join(declared.signers[:3]) or "all"
    more = f" and {len(declared.signers) - 3} more" if len(declared.signers) > 3 and not idle else ""
    age = _age(row.stored, now)
    dns = row.dns_status if declared.record_name else "-"
    return (declared.name, what, age, dns, named(declared.hosts, MOST_HOSTS), signs + more, declared.reference or "-")


def _age(stored: datetime | None, now: datetime) -> str:
    if stored is None:
        return "-"
    days = max(0, (now - stored).days)
    return "today" if days == 0 else f"{counted(days, 'day')} ago"


def _row(row: KeyRow, now: datetime) -> dict[str, Any]:
    declared, key = row.declared, row.key
    return {
        "domain": declared.domain,
        "selector": declared.selector,
        "type": key.describe if key is not None else None,
        "bits": key.bits if key is not None else None,
        "fingerprint": key.fingerprint if key is not None else None,
        "reference": declared.reference or None,
        "declared": declared.is_ours,
        "hosts": list(declared.hosts),
        "paths": list(declared.paths),
        "signers": list(declared.signers),
        "signs_nothing_on": list(declared.idle_on),
        "stored": row.stored.isoformat(timespec="seconds") if row.stored is not None else None,
        "age_days": max(0, (now - row.stored).days) if row.stored is not None else None,
        "record": declared.record_name or None,
        "dns": row.dns_status if declared.record_name else None,
        "findings": [finding_row(each) for each in row.dns or ()],
        "problems": [diagnostic_document(each) for each in row.problems],
    }


# -- what was made ----


def kept_text(stored: StoredKey) -> str:
    """What is kept where, and what comes next."""
    home, key = stored.home, stored.key
    done = "is kept" if stored.is_new else "was there already"
    lines = [f"{home.name} is {key.describe}, {key.fingerprint}; it {done} at {home.reference}."]
    if home.declared is None:
        entry = f'"{home.name}": {{private-key: "{home.reference}"}}'
        lines.append(f"The stack does not refer to it yet. Write under dkim-keys: {entry}")
    lines.append("Publish its record, and have mail signed with it only once DNS shows that: pmtaform dkim list.")
    return "".join(clean(line) + "\n" for line in lines)


def json_kept(stored: StoredKey, record: DnsRecord | None) -> str:
    """A document of kind `pmtaform-dkim-key`."""
    from pmtaform.dns.dkim_record import chunked

    document: dict[str, Any] = {
        "domain": stored.home.domain,
        "selector": stored.home.selector,
        "reference": str(stored.home.reference),
        "declared": stored.home.declared is not None,
        "new": stored.is_new,
        "type": stored.key.describe,
        "bits": stored.key.bits,
        "fingerprint": stored.key.fingerprint,
        "record": None,
        "warnings": [diagnostic_document(each) for each in stored.warnings],
    }
    if record is not None:
        strings = list(chunked(record.value))
        document["record"] = {"name": record.name, "type": "TXT", "value": record.value, "strings": strings}
    return json_document("pmtaform-dkim-key", document)


# -- what was verified ----


def proofs_text(proofs: Sequence[KeyVerification], *, colour: bool = False, width: int = WIDTH) -> str:
    """One line a key and host, what is wrong below it, and the sum."""
    if not proofs:
        return "The stack has no DKIM keys.\n"
    style = Style(colour)
    lines: list[str] = []
    for proof in proofs:
        facts = f"{proof.key} {proof.fingerprint}".strip() or "no key"
        answers = f"stack {proof.as_stack}, DNS {proof.as_dns}, signature {proof.verified}"
        lines.append(f"{_verdict(proof, style)}  {clean(f'{proof.host}  {proof.name}  {facts}: {answers}')}")
        for each in proof.findings:
            lines += [f"    {line}" for line in finding_lines(each, style, width - 4)]
    wrong = sum(1 for proof in proofs if proof.is_wrong)
    unknown = sum(1 for proof in proofs if proof.is_unknown)
    right = len(proofs) - wrong - unknown
    lines.append(f"{counted(len(proofs), 'key')} on hosts: {right} right, {wrong} wrong, {unknown} not known.")
    return "\n".join(lines) + "\n"


def _verdict(proof: KeyVerification, style: Style) -> str:
    if proof.is_wrong:
        return style("WRONG  ", "red", "bold")
    return style("unknown", "yellow") if proof.is_unknown else style("ok     ", "green")


@dataclass(frozen=True, slots=True)
class KeyTable:
    """A stack's keys at a moment."""

    stack: str
    rows: Sequence[KeyRow]
    now: datetime

    def text(self, screen: Screen) -> str:
        """One line a key."""
        if not self.rows:
            return "The stack has no DKIM keys.\n"
        style = Style(screen.colour)
        cells = [_HEAD, *(_cells(row, self.now) for row in self.rows)]
        lines = columns(cells)
        for number, row in enumerate(self.rows, start=1):
            bad = (row.key is None and row.declared.is_ours) or row.dns_status not in _GOOD
            lines[number] = style(lines[number], "yellow") if bad else lines[number]
        return "".join(line + "\n" for line in lines)

    def json(self) -> str:
        """A document of kind `pmtaform-dkim-keys`."""
        return json_document(
            "pmtaform-dkim-keys", {"stack": self.stack, "keys": [_row(row, self.now) for row in self.rows]}
        )


@dataclass(frozen=True, slots=True)
class Verifications:
    """The keys that were verified, on each host."""

    stack: str
    proofs: Sequence[KeyVerification]

    def text(self, screen: Screen) -> str:
        """One line a key and host, and the sum."""
        return proofs_text(self.proofs, colour=screen.colour, width=screen.width)

    def json(self) -> str:
        """A document of kind `pmtaform-dkim-verify`."""
        rows = [
            {
                "host": proof.host,
                "domain": proof.domain,
                "selector": proof.selector,
                "path": proof.path,
                "type": proof.key or None,
                "fingerprint": proof.fingerprint or None,
                "as_stack": proof.as_stack.value,
                "as_dns": proof.as_dns.value,
                "verified": proof.verified.value,
                "ok": not proof.is_wrong and not proof.is_unknown,
                "findings": [finding_row(each) for each in proof.findings],
            }
            for proof in self.proofs
        ]
        return json_document("pmtaform-dkim-verify", {"stack": self.stack, "proofs": rows})


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was stored, and its record; `form` is how that is written."""

    kept: StoredKey
    record: DnsRecord | None
    form: str | None = None

    def text(self, screen: Screen) -> str:
        """The record, for a zone."""
        from pmtaform.dns.formats import As, write_records

        return "" if self.record is None else write_records([self.record], As(self.form) if self.form else As.BIND)

    def json(self) -> str:
        """A document of kind `pmtaform-dkim-key`."""
        return json_kept(self.kept, self.record)
