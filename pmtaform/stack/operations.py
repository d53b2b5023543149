"""Read how hosts are changed: `confirm-within`, `checks`, `freeze` and the like, and `rollout`.

Each layer says a part (`Said`); a host's operations are those of its layers, the higher over the lower.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from pmtaform.diagnostics import Diagnostics, Place, did_you_mean
from pmtaform.diagnostics.codes.stack import BAD_KEY_VALUE, BAD_WINDOW, WINDOW_MISSING
from pmtaform.expect import DOCUMENTED, NOTHING_OWN, Command, Expect, Texts, normal
from pmtaform.lang.catalogue import Impact
from pmtaform.model.operations import (
    DAYS,
    Check,
    Commands,
    Freeze,
    OnFailure,
    Operations,
    Rollout,
    Spread,
    SpreadBy,
    Window,
)
from pmtaform.stack import shapes
from pmtaform.stack.checks import read_checks
from pmtaform.stack.nodes import Mapping, Node, Scalar, Sequence, is_null, kind_of
from pmtaform.stack.validate import validate

Said = dict[str, Any]  # a field of `Operations` -> its value; `checks`: name -> check, None: taken away

_WINDOW: Final = re.compile(
    r"(?:(?P<days>[A-Za-z]{3}(?:[,-][A-Za-z]{3})*)\s+)?(?P<start>\d\d?:\d\d)\s*-\s*(?P<end>\d\d?:\d\d)(?:\s+(?P<zone>\S+))?"
)
_PLAIN: Final = {
    "confirm-within": "confirm_within",
    "drain-below": "drain_below",
    "observe": "observe",
    "tolerance": "tolerance",
}


def read_operations(node: Mapping, what: str, problems: Diagnostics) -> Said:
    """The settings of one layer. What is wrong goes into `problems` and is omitted."""
    part = Mapping(node.line, node.column, node.file)
    part.entries = {key: entry for key, entry in node.entries.items() if key in shapes.OPERATIONS.keys}
    if not part.entries:
        return {}
    plain = validate(shapes.OPERATIONS, part, what, problems)
    values: Said = {field: plain[key] for key, field in _PLAIN.items() if key in plain}
    if "max-impact" in plain:
        values["max_impact"] = Impact.RESTART if plain["max-impact"] == "restart" else Impact.RELOAD
    for key, field, read in (
        ("maintenance-window", "windows", _windows),
        ("freeze", "freeze", _freeze),
        ("commands", "commands", _commands),
        ("expect", "expect", _expect),
        ("checks", "checks", read_checks),
    ):
        below = part.get(key)
        if below is not None:
            values[field] = _none(field) if is_null(below) and field != "checks" else read(below, problems)
    return values


def _none(field: str) -> Any:
    return {"windows": (), "freeze": None, "commands": Commands(), "expect": NOTHING_OWN}[field]


def merged(layers: Iterable[Said], place: Place, host: str, problems: Diagnostics) -> Operations:
    """A host's operations: each layer over those before it, checks one by one."""
    values: Said = {}
    checks: dict[str, Check | None] = {}
    for layer in layers:
        values |= {field: value for field, value in layer.items() if field != "checks"}
        checks |= layer.get("checks", {})
    made = Operations(**values, checks=tuple(check for check in checks.values() if check is not None))
    if made.max_impact is Impact.RESTART and not made.windows:
        detail = f"`max-impact: restart` allows restarts of {host} without consent, and without a "
        detail += '`maintenance-window` that would be at any time. Add one: "Sat,Sun 02:00-04:00 Europe/Berlin".'
        problems.report(WINDOW_MISSING, detail, place)
    return made


# -- one key each ------------------------------------------------------------------------------------------------------


def _windows(node: Node, problems: Diagnostics) -> tuple[Window, ...]:
    listed = node.items if isinstance(node, Sequence) else [node]
    return tuple(window for item in listed if (window := _window(item, problems)) is not None)


def _window(node: Node, problems: Diagnostics) -> Window | None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    text = node.text if isinstance(node, Scalar) else ""
    match = _WINDOW.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError(f"{text!r} is not a time of the week.")
        zone = match["zone"] or "UTC"
        if zone != "UTC":
            ZoneInfo(zone)
        return Window(start=_clock(match["start"]), end=_clock(match["end"]), days=_days(match["days"]), zone=zone)
    except ZoneInfoNotFoundError:
        problem = f"There is no time zone {zone!r}."
    except ValueError as error:
        problem = str(error)
    detail = f'{problem} Write "02:00-04:00", or with days and a zone "Sat,Sun 02:00-04:00 Europe/Berlin".'
    problems.report(BAD_WINDOW, detail, node.place)
    return None


def _clock(text: str) -> time:
    hour, minute = map(int, text.split(":"))
    try:
        return time(hour, minute)
    except ValueError:
        raise ValueError(f"There is no time {text}.") from None


def _days(text: str | None) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = part.partition("-")
        for name in (first, last) if dash else (first,):
            if name not in DAYS:
                raise ValueError(f"There is no day {name!r}.{did_you_mean(name, DAYS)}")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        days |= {day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)}
    return frozenset(days)


def _freeze(node: Node, problems: Diagnostics) -> Freeze | None:
    values = validate(shapes.FREEZE, node, "`freeze`", problems)
    if "until" not in values or "reason" not in values:
        return None
    until = _moment(values["until"])
    if until is None:
        at = node.get("until") if isinstance(node, Mapping) else None
        detail = (
            f"`until`: {values['until']!r}: write a date (2026-12-01), or a date and time (2026-12-01T06:00+01:00)."
        )
        problems.report(BAD_KEY_VALUE, detail, (at or node).place)
        return None
    return Freeze(until=until, reason=values["reason"], place=node.place)


def _moment(text: str) -> datetime | None:
    """A date is frozen to its end."""
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _commands(node: Node, problems: Diagnostics) -> Commands:
    values = validate(shapes.COMMANDS, node, "`commands`", problems)
    return Commands(
        reload=values.get("reload", ()), restart=values.get("restart", ()), restart_web=values.get("restart-web", ())
    )


def _expect(node: Node, problems: Diagnostics) -> Expect:
    validate(shapes.EXPECT, node, "`expect`", problems)
    own: dict[Command, Texts] = {}
    for command in Command:
        below = node.get(command.value) if isinstance(node, Mapping) else None
        lists = validate(shapes.TEXTS_OF, below, f"`{command}`", problems)
        own[command] = Texts(lists.get("success", ()), lists.get("failure", ()))
        for text in own[command].success:
            _check_success(command, text, below, problems)
    return Expect({command: texts for command, texts in own.items() if texts != Texts()})


def _check_success(command: Command, text: str, node: Node | None, problems: Diagnostics) -> None:
    """Report a `success` text that is part of a known failure: it could not turn that failure into a success."""
    failures = [each for each in DOCUMENTED[command].failure if normal(text) in each]
    if failures and node is not None:
        what = f'`success` of `{command}`: "{text}" is part of "{failures[0].strip()}"'
        detail = f"{what}, which is a failure. Write more of it."
        problems.report(BAD_KEY_VALUE, detail, node.place)


# -- the rollout -------------------------------------------------------------------------------------------------------


def read_rollout(node: Node | None, problems: Diagnostics) -> Rollout:
    """`rollout`, at the top level."""
    values = validate(shapes.ROLLOUT, node, "`rollout`", problems)
    fields = {key.replace("-", "_"): value for key, value in values.items() if key not in {"waves", "on-failure"}}
    if "waves" in values:
        fields["waves"] = tuple(values["waves"])
    if "on-failure" in values:
        fields["on_failure"] = OnFailure(values["on-failure"])
    below = node.get("spread") if isinstance(node, Mapping) else None
    if below is not None and not is_null(below):
        fields["spread"] = _spread(below, problems)
    return Rollout(**fields)


def _spread(node: Node, problems: Diagnostics) -> Spread | None:
    if isinstance(node, Scalar) and node.text in set(SpreadBy):
        return Spread(SpreadBy(node.text))
    if isinstance(node, Mapping) and len(node) == 1:
        key, value = next(node.items())
        number = value.value() if isinstance(value, Scalar) else None
        if key.text in set(SpreadBy) and isinstance(number, int) and not isinstance(number, bool) and number >= 1:
            return Spread(SpreadBy(key.text), int(number))
    detail = f"It is {kind_of(node)}. Write pool, group, or how many may restart at once: {{pool: 2}}."
    problems.report(BAD_KEY_VALUE, f"`spread`: {detail}", node.place)
    return None
