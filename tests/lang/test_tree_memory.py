"""The memory that a tree takes, by the allocations of Python: the same on every machine."""

from __future__ import annotations

import tracemalloc

import pytest

from pmtaform.lang.parsing import parse

BOUND = 350  # bytes per line


def unlike(count: int) -> str:
    """Virtual MTAs of which no two values are alike, the worst case of a host."""
    blocks = (
        f"<virtual-mta vmta-{n:05d}>\n"
        f"    smtp-source-host 10.{n >> 8}.{n & 255}.1 mta{n}.example.com\n"
        f"    <domain isp{n}.example.net>\n"
        f"        max-smtp-out {n}\n"
        f"        max-msg-rate {n * 7}/h\n"
        f"        retry-after {n}m # reason {n}\n"
        "    </domain>\n"
        "</virtual-mta>\n"
        for n in range(count)
    )
    return "".join(blocks)


@pytest.mark.parametrize("is_read", [False, True], ids=["unread", "read whole"])
def test_a_line_takes_a_bounded_number_of_bytes(is_read: bool) -> None:
    parse(unlike(10))  # what is loaded once
    text = unlike(1000)
    tracemalloc.start()
    try:
        tree = parse(text)
        assert not is_read or sum(1 for _ in tree.walk()) == 6000
        taken = tracemalloc.get_traced_memory()[0] / len(tree.lines)
    finally:
        tracemalloc.stop()
    assert taken <= BOUND
