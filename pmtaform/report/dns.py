"""What a check of DNS found, as text for people and JSON for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pmtaform.report.style import Style, clean, counted, wrapped
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.dns.check import DnsReport, SpfCost
    from pmtaform.dns.findings import DnsFinding
    from pmtaform.dns.resolver import DnsAnswer

_COLOURS = {"error": "red", "warning": "yellow", "unknown": "yellow", "info": "cyan"}
_ORDER = ("error", "unknown", "warning", "info")
_WORDS = {"error": "error", "warning": "warning", "info": "remark"}
_MOST_ANSWERS = 6


def finding_lines(finding: DnsFinding, style: Style, width: int) -> list[str]:
    """One finding, with the servers' answers."""
    level = style(finding.level.value, _COLOURS[finding.level.value], "bold")
    code = style(f"[{clean(finding.code)}]", "dim")
    lines = [
        f"{clean(finding.subject)}: {level}: {clean(finding.summary)} {code}",
        *wrapped(finding.detail, width, "    "),
    ]
    answers = [text for answer in finding.answers if (text := _answer(answer))]
    lines += [style(f"    {text}", "dim") for text in answers[:_MOST_ANSWERS]]
    if len(answers) > _MOST_ANSWERS:
        lines.append(style(f"    and {counted(len(answers) - _MOST_ANSWERS, 'answer')} more", "dim"))
    return lines


def _answer(answer: DnsAnswer) -> str:
    who = answer.server or "no server"
    what = " | ".join(_short(text) for text in answer.records) or answer.status.value
    alias = f" (alias of {answer.chain[-1]})" if answer.chain else ""
    return clean(f"{who}: {answer.kind} {answer.name}{alias}: {what}")


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:60]}…{text[-20:]}"


def _cost(cost: SpfCost) -> str:
    terms = ", ".join(f"{one.term} {one.lookups}" for one in cost.result.costs)
    return clean(f"{cost.domain}: {cost.result.lookups}" + (f" ({terms})" if terms else ""))


def _sum(report: DnsReport) -> str:
    numbers = {level: sum(1 for one in report.findings if one.level.value == level) for level in _ORDER}
    parts = [counted(numbers[level], word) for level, word in _WORDS.items() if numbers[level]]
    if numbers["unknown"]:
        parts.append(f"{numbers['unknown']} could not be asked")
    servers = ", ".join(report.servers) or "no name server"
    return f"{counted(report.checked, 'check')}: {', '.join(parts) or 'all is right'}. Asked: {clean(servers)}."


def finding_row(finding: DnsFinding) -> dict[str, Any]:
    """A finding as JSON has it."""
    return {
        "level": finding.level.value,
        "code": finding.code,
        "summary": finding.summary,
        "subject": finding.subject,
        "detail": finding.detail,
        "answers": [
            {
                "server": answer.server,
                "name": answer.name,
                "type": answer.kind,
                "status": answer.status.value,
                "records": list(answer.records),
                "ttl": answer.ttl,
                "aliases": list(answer.chain),
            }
            for answer in finding.answers
        ],
    }


def _spf(cost: SpfCost) -> dict[str, Any]:
    terms = [{"term": one.term, "lookups": one.lookups} for one in cost.result.costs]
    return {"domain": cost.domain, "lookups": cost.result.lookups, "void": cost.result.void, "terms": terms}


@dataclass(frozen=True, slots=True)
class DnsCheck:
    """A check of DNS."""

    report: DnsReport

    def text(self, screen: Screen) -> str:
        """The findings, and the sum."""
        style = Style(screen.colour)
        lines: list[str] = []
        for finding in sorted(self.report.findings, key=lambda one: _ORDER.index(one.level.value)):
            lines += finding_lines(finding, style, screen.width)
        if self.report.costs:
            lines.append("SPF lookups, of ten:")
            lines += [f"    {_cost(cost)}" for cost in self.report.costs]
        lines.append(_sum(self.report))
        return "\n".join(lines) + "\n"

    def json(self) -> str:
        """A document of kind `pmtaform-dns-check`."""
        document = {
            "checked": self.report.checked,
            "resolvers": list(self.report.servers),
            "findings": [finding_row(finding) for finding in self.report.findings],
            "spf": [_spf(cost) for cost in self.report.costs],
        }
        return json_document("pmtaform-dns-check", document)
