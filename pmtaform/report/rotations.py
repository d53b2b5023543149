"""Where rotated keys stand, as text for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pmtaform.dkim.status import SelectorStanding, Standing, Step, Todo, moment, short
from pmtaform.model.rotation import Stage
from pmtaform.report.style import WIDTH, Style, clean, counted, wrapped

if TYPE_CHECKING:
    from pmtaform.signing.rotate import Rotated

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
    Todo.VERIFY: "wait until everybody sees its record",
    Todo.SWITCH: "sign with it (pmtaform apply)",
    Todo.REMOVE_FILE: "remove its file from the hosts (pmtaform apply)",
    Todo.REMOVE_RECORD: "remove its record from the zone",
    Todo.DONE: "nothing",
}


def rotations_text(
    standings: Iterable[Standing], *, ahead: bool = False, colour: bool = False, width: int = WIDTH
) -> str:
    """Each key with its next step, and below it its selectors; `ahead` says of which moment that is. None: empty."""
    style = Style(colour)
    lines: list[str] = []
    for standing in standings:
        if not lines:
            when = f" on {moment(standing.at.astimezone(UTC))}, if DNS stays as it is" if ahead else ""
            lines += ["", style(f"Keys that rotate{when}:", "bold")]
        lines += _key(standing, style, width)
    return "\n".join(lines) + "\n" if lines else ""


def _key(standing: Standing, style: Style, width: int) -> Iterator[str]:
    hosts = counted(len(standing.hosts), "host")
    yield f"  {style(clean(standing.key), 'bold')}, every {short(standing.rotation.every)}, {hosts}"
    yield from wrapped(f"next: {_step(standing.step, standing.at)}", width, "    ")
    if standing.blocked:
        yield from wrapped(f"blocked: {standing.blocked}", width, "    ")
    wide = max((len(row.selector) for row in standing.selectors), default=0)
    for row in standing.selectors:
        yield from _row(row, standing, wide, style, width)


def _row(row: SelectorStanding, standing: Standing, wide: int, style: Style, width: int) -> Iterator[str]:
    since = f"since {moment(row.since.astimezone(UTC))}" if row.since is not None else ""
    stage = style(f"{row.stage.value:9}", _COLOURS[row.stage])
    yield f"    {clean(row.selector):{wide}}  {stage}  {since}".rstrip()
    if row.stage is Stage.OVERRULED:
        yield from wrapped(f"signs nothing: PowerMTA takes {row.step.waits_for} first", width, "        ")
    if row.step != standing.step and row.step.todo is not Todo.DONE:
        yield from wrapped(f"then: {_step(row.step, standing.at)}", width, "        ")


def _step(step: Step, at: datetime) -> str:
    text = _STEPS[step.todo]
    if step.due is not None:
        when = moment(step.due.astimezone(UTC))
        text += ", now" if step.due == at else f", due since {when}" if step.due < at else f", {when}"
    return text + (f"; waits: {step.waits_for}" if step.waits_for else "")


def rotated_text(done: Rotated, *, ahead: bool = False, colour: bool = False, width: int = WIDTH) -> str:
    """What `rotate` did, where keys stand, the records that are missing, and those that may go."""
    from pmtaform.dns.formats import As, write_records

    style = Style(colour)
    lines = [clean(f"Generated {one.selector} for {one.key}: {one.reference}.") for one in done.generated]
    lines += rotations_text(done.standings, ahead=ahead, colour=colour, width=width).strip("\n").split("\n")
    text = "\n".join(lines) + "\n"
    if done.missing:
        text += "\n" + style("Records to publish:", "bold") + "\n" + write_records(done.missing, As.BIND)
    if done.remove:
        text += "\n" + style("Records that may go, no mail needs them any more:", "bold") + "\n"
        text += "".join(f"{clean(name)}.\n" for name in done.remove)
    return text


def rotation_rows(standings: Iterable[Standing]) -> list[dict[str, Any]]:
    """The standings as JSON data, one object a key."""
    return [
        {
            "key": standing.key,
            "at": _time(standing.at),
            "hosts": list(standing.hosts),
            "every": int(standing.rotation.every.total_seconds()),
            "publish_for": int(standing.rotation.publish_for.total_seconds()),
            "retire_after": int(standing.rotation.retire_after.total_seconds()),
            "current": standing.current,
            "switch": standing.switch,
            "blocked": standing.blocked,
            "next": _step_row(standing.step),
            "selectors": [_selector_row(row) for row in standing.selectors],
        }
        for standing in standings
    ]


def _selector_row(row: SelectorStanding) -> dict[str, Any]:
    return {
        "selector": row.selector,
        "stage": row.stage.value,
        "since": _time(row.since),
        "next": _step_row(row.step),
        "public_key": row.public,
    }


def _step_row(step: Step) -> dict[str, Any]:
    return {"step": step.todo.value, "due": _time(step.due), "waits_for": step.waits_for}


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def json_rotated(done: Rotated) -> str:
    """What `rotate` did and found, as a JSON document."""
    missing = {record.name for record in done.missing}
    document = {
        "format": 1,
        "kind": "pmtaform-rotation",
        "generated": [{"key": one.key, "selector": one.selector, "reference": one.reference} for one in done.generated],
        "rotations": rotation_rows(done.standings),
        "records": [
            {"zone": one.zone, "name": one.name, "type": one.kind, "value": one.value, "missing": one.name in missing}
            for one in done.publish
        ],
        "remove": sorted(done.remove),
    }
    return json.dumps(document, indent=1) + "\n"
