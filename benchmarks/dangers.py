"""What a plan's look at the effect of a change costs: the dangers, and lint of the result.

Times of this process's processor, the best of a few rounds, once the texts are parsed.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator

from benchmarks.hosts import feeders, many, many_changes, one_line, usual
from benchmarks.measure import Options, Row, seconds
from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.lang.lint import Subject
from pmtaform.lang.lint.changes import lint_change
from pmtaform.plan.dangers import find_dangers

ROUNDS = 3
MAIN = "/etc/pmta/config"
# Seconds for one line of 5,000, and for anything in 10,000 virtual MTAs x 200 domains.
ONE_LINE, MANY = 0.05, 2.0


def run(_: Options) -> list[Row]:
    """Each change to its bound."""
    text = usual()
    size = f"{text.count(chr(10)):,} lines"
    rows = [_dangers(f"{size}, {what}", text, after, ONE_LINE) for what, after in one_line(text)]
    rows += [_lint(f"{size}, {what}", text, after, None) for what, after in list(one_line(text))[:2]]
    rows += _feeders()
    before = many()
    rows += [
        _dangers(f"10,000 virtual MTAs x 200 domains, {what}", before, after, MANY) for what, after in many_changes()
    ]
    return rows


def _feeders() -> Iterator[Row]:
    before = feeders()
    size = f"{before.count(chr(10)):,} lines of sources and users"
    yield _dangers(f"{size}, a default virtual MTA", before, feeders(default="v2"), None)
    yield _dangers(f"{size}, a rule and a rewrite that all use", before, feeders(rule="b"), None)


def _dangers(what: str, before: str, after: str, limit: float | None) -> Row:
    return _row(f"dangers: {what}", before, after, find_dangers, limit)


def _lint(what: str, before: str, after: str, limit: float | None) -> Row:
    def work(was: Configuration, now: Configuration) -> object:
        return list(lint_change(Subject(configuration=was), Subject(configuration=now)))

    return _row(f"lint: {what}", before, after, work, limit)


def _row(
    what: str, before: str, after: str, work: Callable[[Configuration, Configuration], object], limit: float | None
) -> Row:
    took = min(_once(_read(before), _read(after), work) for _ in range(ROUNDS))
    if limit is None:
        return Row("dangers", what, seconds(took), "", None, None)
    return Row("dangers", what, seconds(took), seconds(limit), took / limit, 1.0)


def _once(before: Configuration, after: Configuration, work: Callable[[Configuration, Configuration], object]) -> float:
    gc.collect()
    started = time.process_time()
    work(before, after)
    return time.process_time() - started


def _read(text: str) -> Configuration:
    return read_configuration(MAIN, {MAIN: text.encode()})
