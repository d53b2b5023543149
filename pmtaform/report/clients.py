"""The settings for a client and the route of its message, as text for people and JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pmtaform.lang.effective import Assumption, Client, ClientSettings, Route
from pmtaform.report.effective import (
    Printer,
    Where,
    assumption_lines,
    json_line,
    json_value,
    line_place,
    note_lines,
    value_lines,
)
from pmtaform.report.style import WIDTH, Style, clean, wrapped
from pmtaform.report.views import Screen, json_document


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A client with what it was asked by (its address, listener, user), its settings, and where its message goes."""

    address: str
    listener: str = ""
    user: str = ""
    settings: ClientSettings
    route: Route


def client_text(
    submission: Submission, where: Where, *, every: bool = False, colour: bool = False, width: int = WIDTH
) -> str:
    """The client, its sources, each value with its line, and the virtual MTA of its message."""
    printer = Printer(where, Style(colour), width, every)
    lines = [printer.style(f"client {clean(_title(submission))}", "bold", "cyan"), *_sections(submission, printer)]
    lines += [
        *value_lines(list(submission.settings.values.values()), printer),
        "",
        *_route(submission.route, printer),
        "",
    ]
    if printer.assumed:
        lines += [*assumption_lines(printer), ""]
    notes = (*submission.settings.notes, *submission.route.notes)
    lines += [*note_lines(notes, printer), ""] if notes else []
    return "\n".join(lines[:-1]) + "\n"


def _title(submission: Submission) -> str:
    more = [
        f"listener {submission.listener}" if submission.listener else "",
        f"user {submission.user}" if submission.user else "",
    ]
    given = ", ".join(text for text in more if text)
    return f"{submission.address} ({given})" if given else submission.address


def _sections(submission: Submission, printer: Printer) -> Iterator[str]:
    names = ", then ".join(submission.settings.sections) or "none: no <source> is for this client"
    yield from wrapped(f"sources: {clean(names)}", printer.width, "  ")


def _route(route: Route, printer: Printer) -> Iterator[str]:
    style = printer.style
    yield style("  the virtual MTA of its message", "bold")
    widest = max(len(step.name) for step in route.steps)
    for step in route.steps:
        yield f"  {step.name:{widest}}  {clean(step.text)}"
        if step.line is not None:
            yield "    " + style(line_place(step.line, printer.where), "dim")
    for doubt in route.doubts:
        yield from wrapped(clean(doubt), printer.width, "  ")
    yield f"  {style(clean(_outcome(route)), 'bold')}"


def _outcome(route: Route) -> str:
    names = " or ".join(route.choices)
    if not route.is_certain:
        return f"Not certain which: {names}" if len(route.choices) > 1 else f"Not certain; perhaps {names}"
    if route.rejected:
        return f"The message is rejected: there is no virtual MTA {names}"
    if route.members:
        return f"Pool {names}: {', '.join(route.members)}, in turn"
    return f"Virtual MTA {names}"


# -- JSON --------------------------------------------------------------------------------------------------------------


def _names(client: Client) -> Iterator[str]:
    yield from reversed(client.sources)


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """A client and its message; `every`: also the directives that keep their default."""

    submission: Submission
    where: Where
    every: bool = False

    def text(self, screen: Screen) -> str:
        """The client, its sources, and the virtual MTA of its message."""
        return client_text(self.submission, self.where, every=self.every, colour=screen.colour)

    def json(self) -> str:
        """A document of kind `pmtaform-effective-client`."""
        used: dict[Assumption, None] = {}
        values = {
            n: json_value(v, self.where, used)
            for n, v in self.submission.settings.values.items()
            if self.every or v.is_set
        }
        route = self.submission.route
        document = {
            "client": self.submission.address,
            "listener": self.submission.listener or None,
            "user": self.submission.user or None,
            "named_sources": list(_names(self.submission.settings.client)),
            "sources": list(self.submission.settings.sections),
            "values": values,
            "virtual_mta": {
                "certain": route.is_certain,
                "choices": list(route.choices),
                "members": list(route.members),
                "rejected": route.rejected,
                "doubts": list(route.doubts),
                "steps": [
                    {
                        "name": step.name,
                        "text": step.text,
                        "line": json_line(step.line, self.where) if step.line else None,
                    }
                    for step in route.steps
                ],
            },
            "notes": [*self.submission.settings.notes, *route.notes],
            "assumptions": {each.value: each.sentence for each in used},
        }
        return json_document("pmtaform-effective-client", document)
