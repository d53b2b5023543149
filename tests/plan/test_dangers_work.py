"""How much is done for a change, counted and not timed: what virtual MTAs have in common is looked at once."""

from __future__ import annotations

import sys
from collections import Counter
from types import FrameType
from typing import Any

import pytest

from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.plan.dangers import find_dangers

MAIN = "/etc/pmta/config"
DECIDING = ("settings", "values", "decide", "meaning")  # functions that work out effective values


def configuration(text: str) -> Configuration:
    return read_configuration(MAIN, {MAIN: text.encode()})


def host(
    size: int,
    *,
    moved: int = 0,
    key: str = "s1",
    top: str = "",
    rate: str = "100/h",
    reply: str = "busy",
    out: int = 20,
) -> str:
    """A host with `size` virtual MTAs in a pool, each with its own address, key and domain."""
    vmtas = "".join(
        f"<virtual-mta v{n}>\nsmtp-source-host 10.{moved}.{n // 250}.{n % 250} h{n}\n"
        f"domain-key {key},d{n}.example,/k/{n}\n"
        f"<domain own.example>\nretry-after {n % 50 + 1}m\n</domain>\n</virtual-mta>\n"
        for n in range(size)
    )
    pool = "<virtual-mta-pool p>\n" + "".join(f"virtual-mta v{n}\n" for n in range(size)) + "</virtual-mta-pool>\n"
    lists = f"<smtp-pattern-list l>\nreply /{reply}/ mode=backoff\nreply /slow/ mode=backoff\n</smtp-pattern-list>\n"
    domains = "".join(
        f"<domain d{n}.example>\nmax-msg-rate {'100/h' if n else rate}\nsmtp-pattern-list l\n</domain>\n"
        for n in range(10)
    )
    return f"{top}{lists}{vmtas}{pool}{domains}<domain *>\nmax-smtp-out {out}\ndkim-sign yes\n</domain>\n"


CHANGES: dict[str, dict[str, Any]] = {
    "a rate": {"rate": "900/h"},
    "a reply rule": {"reply": "other"},
    "a limit for every domain": {"out": 500},
    "all addresses": {"moved": 1},
    "all keys": {"key": "s2"},
    "a global address": {"top": "smtp-source-host 192.0.2.1 h\n"},
    "a global limit": {"top": "max-smtp-out 7\n"},
    "a global key": {"top": "domain-key g,example.org,/k/g\n"},
}


class Work:
    """What `find_dangers` does: lines run, and calls of functions by name."""

    def __init__(self, before: str, after: str) -> None:
        left, right = configuration(before), configuration(after)
        find_dangers(left, right)  # what is kept for good is there already
        self.lines = 0
        self.calls: Counter[str] = Counter()
        others = sys.gettrace()
        sys.settrace(self._trace)
        try:
            self.findings = find_dangers(left, right)
        finally:
            sys.settrace(others)

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        if event == "call":
            self.calls[frame.f_code.co_name] += 1
        else:
            self.lines += 1
        return self._trace

    @property
    def decided(self) -> int:
        return sum(self.calls[name] for name in DECIDING)


def work(size: int, change: str) -> Work:
    return Work(host(size), host(size, **CHANGES[change]))


@pytest.mark.parametrize("change", CHANGES)
def test_twice_as_many_virtual_mtas_are_twice_the_work_at_most(change: str) -> None:
    assert work(240, change).lines <= 2.02 * work(120, change).lines


@pytest.mark.parametrize("change", ["a rate", "a reply rule"])
def test_a_domain_is_decided_once_for_all_virtual_mtas_without_a_section_for_it(change: str) -> None:
    few, many = work(10, change), work(200, change)
    assert few.findings
    assert len(few.findings) == len(many.findings)
    assert few.decided == many.decided


def test_a_comment_decides_nothing() -> None:
    result = Work(host(100), f"# another\n{host(100)}")
    assert (result.findings, result.decided) == ((), 0)


def test_a_key_is_compared_where_it_goes_and_nowhere_else() -> None:
    before = host(100)
    after = before.replace("domain-key s1,d7.example,/k/7\n", "")
    result = Work(before, after)
    assert [finding.code for finding in result.findings] == ["signing-key-removed"]
    assert result.calls["_moved_keys"] == 1
