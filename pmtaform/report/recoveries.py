"""What `pmtaform recover` found and did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pmtaform.plan.document import diagnostic_document
from pmtaform.report.problems import capital, problem_lines
from pmtaform.report.style import Style, clean, wrapped
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.api.recovering import Recovered
    from pmtaform.host import Awaiting


def _host(each: Recovered, style: Style, width: int) -> Iterator[str]:
    for sentence in each.done:
        yield f"{clean(each.host)}:"
        yield from wrapped(capital(sentence), width, "    ")
    if each.problem is not None:
        yield from problem_lines(each.problem, style, width, hosts=clean(each.host))
    elif each.awaiting is not None:
        staged = each.awaiting.state.value == "staged"
        what = "has a staged change that is not active" if staged else "awaits its confirmation"
        yield f"{clean(each.host)}: {style(what, 'yellow')}"
        yield from wrapped(_awaits(each.host, each.awaiting, staged=staged), width, "    ")


def _awaits(host: str, waiting: Awaiting, *, staged: bool) -> str:
    began = f"{waiting.who} ({waiting.what}) started it at {waiting.since}."
    if staged:
        return (
            f"{began} There is nothing to confirm yet: its own run activates it, and the next change of the host "
            f"removes it. Sooner: pmtaform recover {host} --revert."
        )
    return (
        f"{began} It rolls back by itself in {waiting.left} s. Sooner: pmtaform recover {host} --revert; to keep it: "
        f"pmtaform recover {host} --confirm."
    )


def _row(each: Recovered) -> dict[str, Any]:
    waiting = each.awaiting
    return {
        "host": each.host,
        "done": list(each.done),
        "awaiting": None
        if waiting is None
        else {
            "transaction": waiting.transaction,
            "state": waiting.state.value,
            "who": waiting.who,
            "what": waiting.what,
            "since": waiting.since,
            "seconds_left": waiting.left,
        },
        "problem": diagnostic_document(each.problem) if each.problem else None,
    }


@dataclass(frozen=True, slots=True)
class RecoveryTable:
    """The hosts that `recover` inspected."""

    hosts: Sequence[Recovered]

    def text(self, screen: Screen) -> str:
        """A line a host that something was left on."""
        style = Style(screen.colour)
        lines: list[str] = []
        for each in self.hosts:
            lines += _host(each, style, screen.width)
        quiet = sum(1 for each in self.hosts if not each.done and each.awaiting is None and each.problem is None)
        if quiet == len(self.hosts):
            return f"Nothing was left half done on {'1 host' if quiet == 1 else f'{quiet} hosts'}.\n"
        if quiet:
            lines.append(f"Nothing was left half done on {quiet} more.")
        return "\n".join(lines) + "\n"

    def json(self) -> str:
        """A document of kind `pmtaform-recovered`."""
        return json_document("pmtaform-recovered", {"hosts": [_row(each) for each in self.hosts]})
