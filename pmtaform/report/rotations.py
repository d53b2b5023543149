"""The state of rotating keys, as text for people and JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pmtaform.dkim.status import KeyStatus, NextStep, SelectorStatus, Todo, moment, short
from pmtaform.model.rotation import Stage
from pmtaform.report.style import WIDTH, Style, clean, counted, wrapped
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.signing.rotate import RotationReport

_COLOURS = {
    Stage.GENERATED: "yellow",
    Stage.PUBLISHED: "yellow",
    Stage.VERIFIED: "green",
    Stage.SIGNING: "green",
    Stage.OVERRULED: "red",
    Stage.RETIRING: "cyan",
    Stage.REVOKED: "dim",
}
_STEPS = {
    Todo.GENERATE: "generate the next key (pmtaform dkim rotate)",
    Todo.PUBLISH: "publish its record",
    Todo.VERIFY: "wait until all receivers see its record",
    Todo.SWITCH: "sign with it (pmtaform apply)",
    Todo.REMOVE_FILE: "remove its file from the hosts (pmtaform apply)",
    Todo.REMOVE_RECORD: "remove its record from the zone",
    Todo.DONE: "nothing",
}


def rotations_text(
    statuses: Iterable[KeyStatus], *, ahead: bool = False, colour: bool = False, width: int = WIDTH
) -> str:
    """Each key with its next step, and its selectors below it; `ahead`: at a future date. Empty without keys."""
    style = Style(colour)
    lines: list[str] = []
    for status in statuses:
        if not lines:
            when = f" on {moment(status.at.astimezone(UTC))}, if DNS stays as it is" if ahead else ""
            lines += ["", style(f"Keys that rotate{when}:", "bold")]
        lines += _key(status, style, width)
    return "\n".join(lines) + "\n" if lines else ""


def _key(status: KeyStatus, style: Style, width: int) -> Iterator[str]:
    hosts = counted(len(status.hosts), "host")
    yield f"  {style(clean(status.key), 'bold')}, every {short(status.rotation.every)}, {hosts}"
    yield from wrapped(f"next: {_step(status.step, status.at)}", width, "    ")
    if status.blocked:
        yield from wrapped(f"blocked: {status.blocked}", width, "    ")
    wide = max((len(row.selector) for row in status.selectors), default=0)
    for row in status.selectors:
        yield from _row(row, status, wide, style, width)


def _row(row: SelectorStatus, status: KeyStatus, wide: int, style: Style, width: int) -> Iterator[str]:
    since = f"since {moment(row.since.astimezone(UTC))}" if row.since is not None else ""
    stage = style(f"{row.stage.value:9}", _COLOURS[row.stage])
    yield f"    {clean(row.selector):{wide}}  {stage}  {since}".rstrip()
    if row.stage is Stage.OVERRULED:
        yield from wrapped(f"signs nothing: PowerMTA takes {row.step.waits_for} first", width, "        ")
    if row.step != status.step and row.step.todo is not Todo.DONE:
        yield from wrapped(f"then: {_step(row.step, status.at)}", width, "        ")


def _step(step: NextStep, at: datetime) -> str:
    text = _STEPS[step.todo]
    if step.due is not None:
        when = moment(step.due.astimezone(UTC))
        text += ", now" if step.due == at else f", due since {when}" if step.due < at else f", {when}"
    return text + (f"; waits: {step.waits_for}" if step.waits_for else "")


def rotation_rows(statuses: Iterable[KeyStatus]) -> list[dict[str, Any]]:
    """The statuses as JSON data, one object a key."""
    return [
        {
            "key": status.key,
            "at": _time(status.at),
            "hosts": list(status.hosts),
            "every": int(status.rotation.every.total_seconds()),
            "publish_for": int(status.rotation.publish_for.total_seconds()),
            "retire_after": int(status.rotation.retire_after.total_seconds()),
            "current": status.current,
            "switch": status.switch,
            "blocked": status.blocked,
            "next": _step_row(status.step),
            "selectors": [_selector_row(row) for row in status.selectors],
        }
        for status in statuses
    ]


def _selector_row(row: SelectorStatus) -> dict[str, Any]:
    return {
        "selector": row.selector,
        "stage": row.stage.value,
        "since": _time(row.since),
        "next": _step_row(row.step),
        "public_key": row.public,
    }


def _step_row(step: NextStep) -> dict[str, Any]:
    return {"step": step.todo.value, "due": _time(step.due), "waits_for": step.waits_for}


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class RotationView:
    """What `rotate` did; `ahead`: it is about a future date."""

    report: RotationReport
    ahead: bool = False

    def text(self, screen: Screen) -> str:
        """What was generated, where each key is, and the records."""
        from pmtaform.dns.formats import As, write_records

        style = Style(screen.colour)
        lines = [clean(f"Generated {one.selector} for {one.key}: {one.reference}.") for one in self.report.generated]
        lines += (
            rotations_text(self.report.statuses, ahead=self.ahead, colour=screen.colour, width=screen.width)
            .strip("\n")
            .split("\n")
        )
        text = "\n".join(lines) + "\n"
        if self.report.missing:
            text += "\n" + style("Records to publish:", "bold") + "\n" + write_records(self.report.missing, As.BIND)
        if self.report.remove:
            text += "\n" + style("Records that may go, no mail needs them any more:", "bold") + "\n"
            text += "".join(f"{clean(name)}.\n" for name in self.report.remove)
        return text

    def json(self) -> str:
        """A document of kind `pmtaform-rotation`."""
        missing = {record.name for record in self.report.missing}
        document = {
            "generated": [
                {"key": one.key, "selector": one.selector, "reference": one.reference} for one in self.report.generated
            ],
            "rotations": rotation_rows(self.report.statuses),
            "records": [
                {
                    "zone": one.zone,
                    "name": one.name,
                    "type": one.kind,
                    "value": one.value,
                    "missing": one.name in missing,
                }
                for one in self.report.publish
            ],
            "remove": sorted(self.report.remove),
        }
        return json_document("pmtaform-rotation", document)
