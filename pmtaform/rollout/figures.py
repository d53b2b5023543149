"""The output of `pmta show status` and `pmta show queues` as data (docs/powermta/operations.md section 5).

5.0 has `--json`; earlier releases have `--xml` with the same fields. Fields may be missing; no answer is an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from pmtaform.host import Answer


class NoFigures(Exception):
    """PowerMTA gave no figures; the text is the reason."""


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """One queue as `show queues` has it."""

    name: str
    recipients: int
    backoff: bool
    errors: bool


def form(release: int) -> str:
    """The option that makes a release answer in a format for programs."""
    return "--json" if release >= 5 else "--xml"


def figures(answer: Answer) -> Mapping[str, Any]:
    """The `data` of an answer. Raises `NoFigures`."""
    if answer.exit_code:
        raise NoFigures(f"pmta failed with exit {answer.exit_code}")
    text = answer.text.strip()
    try:
        data = _json(text) if text.startswith("{") else _xml(text)
    except (ValueError, ElementTree.ParseError, RecursionError):
        raise NoFigures("the output of pmta is neither JSON nor XML") from None
    return data


def _json(text: str) -> Mapping[str, Any]:
    parsed = json.loads(text)
    if parsed.get("status") not in (None, "success"):
        raise NoFigures("pmta reports an error")
    data = parsed.get("data")
    if not isinstance(data, Mapping):
        raise NoFigures("pmta's answer has no data")
    return data


def _xml(text: str) -> Mapping[str, Any]:
    if "<!" in text:
        raise NoFigures("pmta's answer declares entities, which it never does")
    root = ElementTree.fromstring(text)  # noqa: S314 - without declarations there is nothing to expand
    data = root.find("data")
    if root.find("succ") is None or data is None:
        raise NoFigures("pmta reports an error")
    tree = _tree(data)
    return tree if isinstance(tree, Mapping) else {}


def _tree(element: ElementTree.Element) -> Any:
    if len(element) == 0:
        return (element.text or "").strip()
    children: dict[str, Any] = {}
    for child in element:
        value = _tree(child)
        if child.tag in children:
            known = children[child.tag]
            children[child.tag] = [*known, value] if isinstance(known, list) else [known, value]
        else:
            children[child.tag] = value
    return children


def field(data: Mapping[str, Any], path: str) -> float:
    """A number below `data.status`, by its path (`queue.smtp.rcp`). Raises `NoFigures`."""
    value: Any = data.get("status", {})
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return float(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise NoFigures(f"pmta show status has no number {path}") from None


def queues(data: Mapping[str, Any]) -> list[QueueFigures]:
    """The queues of an answer."""
    entries = data.get("queue", [])
    rows = entries if isinstance(entries, list) else [entries]
    return [_queue(row) for row in rows if isinstance(row, Mapping)]


def _queue(row: Mapping[str, Any]) -> QueueFigures:
    events = row.get("event", [])
    listed = events if isinstance(events, list) else [events]
    number = str(row.get("rcp", "0"))
    return QueueFigures(
        name=str(row.get("name", "")),
        recipients=int(float(number)) if number.replace(".", "", 1).isdigit() else 0,
        backoff=row.get("mode") == "backoff",
        errors=any(isinstance(event, Mapping) for event in listed),
    )


def shares(figures_of_queues: Iterable[QueueFigures]) -> tuple[float, float, int]:
    """The share of queues in back-off, the share with errors (percent), and the number of queues."""
    listed = list(figures_of_queues)
    if not listed:
        return 0.0, 0.0, 0
    backoff = sum(queue.backoff for queue in listed)
    errors = sum(queue.errors for queue in listed)
    return 100 * backoff / len(listed), 100 * errors / len(listed), len(listed)
