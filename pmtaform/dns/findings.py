"""What a check found, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pmtaform.dns.resolver import DnsAnswer


class DnsLevel(StrEnum):
    """How bad it is. `UNKNOWN`: nobody could be asked, so it may be right or wrong."""

    ERROR = "error"
    WARNING = "warning"
    UNKNOWN = "unknown"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsFinding:
    """One finding: `summary` is short and constant for its `code`, `subject` is the name or address it is about."""

    level: DnsLevel
    code: str
    summary: str
    subject: str
    detail: str = ""
    answers: tuple[DnsAnswer, ...] = ()  # which servers said what


def finding(level: DnsLevel, code: str, summary: str, subject: str, detail: str, *answers: DnsAnswer) -> DnsFinding:
    """A finding in one line."""
    return DnsFinding(level=level, code=code, summary=summary, subject=subject, detail=detail, answers=answers)


def not_asked(subject: str, answers: Iterable[DnsAnswer]) -> DnsFinding:
    """What is said when an answer is none: broken when a server failed, else unknown."""
    said = tuple(answers)
    what = ", ".join(dict.fromkeys(f"{a.kind} of {a.name}: {a.status}" for a in said))
    if any(not a.is_known and not a.is_unreached for a in said):
        detail = f"{what}. Receivers get the same failure, and put mail off or refuse it. Look at the zone's name "
        detail += "servers, its delegation and its DNSSEC signatures."
        return finding(DnsLevel.ERROR, "dns-failed", "DNS fails for a name", subject, detail, *said)
    detail = f"{what}. Whether it is right is not known. Look at the network and at `dns: resolvers:`."
    return finding(DnsLevel.UNKNOWN, "dns-not-asked", "DNS could not be asked", subject, detail, *said)
