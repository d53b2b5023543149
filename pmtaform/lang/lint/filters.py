"""Filters in which the first match decides: who sees the web monitor, and which records are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at, few
from pmtaform.lang.lint.model import INFO, WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, on_words
from pmtaform.lang.values.networks import NetworkIndex, network


@Rule(
    code="unreachable-http-access",
    severity=WARNING,
    family=Family.ORDER,
    summary="Unreachable line of http-access",
    explanation=(
        "PowerMTA reads the list from the top and the first match decides, so a later line admits or rejects no one."
    ),
    basis="guide 3.3.1.36.3",
    security=True,
    reads=on_words("http-access"),
    wrong="""
        http-access 0/0 none
        http-access 192.0.2.0/24 monitor
    """,
    right="""
        http-access 192.0.2.0/24 monitor
        http-access 0/0 none
    """,
)
def unreachable_http_access(facts: Facts) -> Iterator[Hit]:
    covers = NetworkIndex()
    for line in facts.settings("http-access"):
        words = line.value.split(None, 1)
        net = network(words[0]) if len(words) == 2 else None
        if net is None:
            continue
        before = covers.covering(net)
        if isinstance(before, Line):
            other = before.value.split(None, 1)
            same = other[1] == words[1]
            detail = (
                f"`http-access {values.shown(before.value)}` above covers {words[0]}, and the first match decides: "
                f"this "
                f"line is never reached. {'Remove it.' if same else 'Put narrow networks first, 0/0 last.'}"
            )
            yield at(line, detail, severity=INFO if same else None, related=(before.place,))
        else:
            covers.add(net, line)


@Rule(
    code="unreachable-queue-filter",
    severity=WARNING,
    family=Family.ORDER,
    summary="Unreachable part of a queue filter",
    explanation="The first match decides.",
    basis="guide 3.3.11.5",
    reads=BLOCK,
    wrong="""
        <acct-file /var/log/pmta/acct.csv>
          queue-filter */*,!example.com/mta-a
        </acct-file>
    """,
    right="""
        <acct-file /var/log/pmta/acct.csv>
          queue-filter !example.com/mta-a,*/*
        </acct-file>
    """,
)
def unreachable_queue_filter(facts: Facts) -> Iterator[Hit]:
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


@Rule(
    code="queue-filter-matches-nothing",
    severity=WARNING,
    family=Family.ORDER,
    summary="Queue filter that matches nothing",
    explanation="PowerMTA does not record deliveries and bounces.",
    basis="guide 3.3.11.5",
    reads=BLOCK,
    wrong="""
        <acct-file /var/log/pmta/acct.csv>
          queue-filter !gmail.com/*
        </acct-file>
    """,
    right="""
        <acct-file /var/log/pmta/acct.csv>
          queue-filter !gmail.com/*,*/*
        </acct-file>
    """,
)
def queue_filter_matches_nothing(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("queue-filter"):
        items = [item.strip() for item in line.value.strip('"').split(",") if item.strip()]
        if items and all(item.startswith("!") for item in items):
            detail = (
                "PowerMTA writes only records that an item without ! matches, and there is none: the file gets no "
                f"{_OF_QUEUES} record. Add `*/*` at the end."
            )
            yield at(line, detail)
