"""Lint, effective settings and layout of a configuration of 100 000 lines."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from benchmarks.data import changed, configuration
from benchmarks.measure import Options, Row, seconds
from pmtaform.lang.canonical import canonical
from pmtaform.lang.effective import Effective, changed_pairs
from pmtaform.lang.includes import Configuration, single
from pmtaform.lang.lint import Subject, lint
from pmtaform.lang.parsing import parse

LINES = 100_000
ROUNDS = 3
MAX_LINT, MAX_PAIR = 5.0, 1.0  # seconds


def run(_: Options) -> list[Row]:
    """Each with the parsing that it needs."""
    text = configuration(LINES)
    after = changed(text)

    def read(content: str) -> Configuration:
        return single(parse(content, "/etc/pmta/config"))

    def pairs() -> object:
        return changed_pairs(Effective(read(text)), Effective(read(after)), most=50)

    return [
        _row("lint", lambda: lint(Subject(configuration=read(text))), MAX_LINT),
        _row("effective, one pair", lambda: Effective(read(text)).settings("gmail.com"), MAX_PAIR),
        _row("effective, the pairs that one changed value moves", pairs, None),
        _row("fmt", lambda: canonical(text), None),
    ]


def _row(what: str, work: Callable[[], object], limit: float | None) -> Row:
    took = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    figure = median(took)
    baseline = "" if limit is None else seconds(limit)
    return Row(
        "knowledge",
        f"{LINES} lines: {what}",
        seconds(figure),
        baseline,
        figure / limit if limit else None,
        1.0 if limit else None,
    )
