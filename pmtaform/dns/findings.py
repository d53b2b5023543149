"""The findings of DNS checks, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pmtaform.diagnostics import Definition, Kind
from pmtaform.diagnostics.codes.dns import DNS_FAILED, DNS_UNREACHABLE
from pmtaform.dns.resolver import DnsAnswer


class DnsLevel(StrEnum):
    """How grave a finding is. `UNKNOWN`: no server could be asked, so the record may be right or wrong."""

    ERROR = "error"
    WARNING = "warning"
    UNKNOWN = "unknown"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsFinding:
    """One finding; `subject` is the name or address that it is about."""

    definition: Definition
    subject: str
    detail: str = ""
    answers: tuple[DnsAnswer, ...] = ()  # the answers behind it

    @property
    def code(self) -> str:
        """The stable code of the finding."""
        return self.definition.code

    @property
    def summary(self) -> str:
        """Its summary, constant for its code."""
        return self.definition.summary

    @property
    def level(self) -> DnsLevel:
        """How bad it is; unknown where DNS, a host or a secret was not available."""
        if self.definition.kind in (Kind.HOST_UNREACHABLE, Kind.SECRET_UNAVAILABLE):
            return DnsLevel.UNKNOWN
        return DnsLevel(self.definition.severity.value)


def finding(definition: Definition, subject: str, detail: str, *answers: DnsAnswer) -> DnsFinding:
    """A finding in one line."""
    return DnsFinding(definition=definition, subject=subject, detail=detail, answers=answers)


def not_asked(subject: str, answers: Iterable[DnsAnswer]) -> DnsFinding:
    """The finding on a name without an answer: broken when a server failed, else unknown."""
    collected = tuple(answers)
    what = ", ".join(dict.fromkeys(f"{a.kind} of {a.name}: {a.status}" for a in collected))
    if any(not a.is_known and not a.is_unreached for a in collected):
        detail = f"{what}. Receivers get the same failure, and put mail off or refuse it. Look at the zone's name "
        detail += "servers, its delegation and its DNSSEC signatures."
        return finding(DNS_FAILED, subject, detail, *collected)
    detail = f"{what}. Whether it is right is not known. Look at the network and at `dns: resolvers:`."
    return finding(DNS_UNREACHABLE, subject, detail, *collected)
