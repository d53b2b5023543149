"""Filters in which the first match decides: who sees the web monitor, and which records are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at, few
from pmtaform.lang.lint.model import INFO, WARNING, Hit, Rule
from pmtaform.lang.lint.networks import Covers, network


def _http_access(facts: Facts) -> Iterator[Hit]:
    covers = Covers()
    for line in facts.settings("http-access"):
        words = line.value.split(None, 1)
        found = network(words[0]) if len(words) == 2 else None
        if found is None:
            continue
        before = covers.covering(found)
        if isinstance(before, Line):
            other = before.value.split(None, 1)
            same = other[1] == words[1]
            detail = (
                f"`http-access {values.shown(before.value)}` above takes in {words[0]}, and the first match decides: "
                f"this "
                f"line is never reached. {'Remove it.' if same else 'Put narrow networks first, 0/0 last.'}"
            )
            yield at(line, detail, severity=INFO if same else None, related=(before.place,))
        else:
            covers.add(found, line)


def _queue_filter(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("queue-filter"):
        items = [item.strip() for item in line.value.strip('"').split(",")]
        ends = next((n for n, item in enumerate(items) if item.lstrip("!") == "*/*"), None)
        if ends is not None and items[ends + 1 :]:
            detail = (
                f"{values.shown(items[ends])} matches every queue, and the first match decides: "
                f"{few(items[ends + 1 :])} is never reached."
            )
            yield at(line, detail, mark=items[ends])


# The records that queues have; all others pass every filter.
_OF_QUEUES: Final = "d, b, t and tq"


def _empty_filter(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("queue-filter"):
        items = [item.strip() for item in line.value.strip('"').split(",") if item.strip()]
        if items and all(item.startswith("!") for item in items):
            detail = (
                f"Only what a name without ! matches is written, and there is none: the file gets no {_OF_QUEUES} "
                "record. Add `*/*` at the end."
            )
            yield at(line, detail)


RULES: Final = (
    Rule(
        id="unreachable-http-access",
        severity=WARNING,
        summary="A line of http-access is never reached",
        why="The list is read from the top and the first match decides: whoever was to be let in, or kept out, is not.",
        basis="guide 3.3.1.36.3",
        check=_http_access,
        security=True,
    ),
    Rule(
        id="unreachable-queue-filter",
        severity=WARNING,
        summary="A part of the queue filter is never reached",
        why="The first match decides.",
        basis="guide 3.3.11.5",
        check=_queue_filter,
    ),
    Rule(
        id="queue-filter-matches-nothing",
        severity=WARNING,
        summary="The queue filter lets nothing through",
        why="Deliveries and bounces are not recorded.",
        basis="guide 3.3.11.5",
        check=_empty_filter,
    ),
)
