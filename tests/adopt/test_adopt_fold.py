"""Numbered runs: what becomes a loop, and what does not."""

from __future__ import annotations

from textwrap import dedent

import pytest
from adopting import Adopting


def vmtas(rows: list[tuple[str, str]]) -> str:
    return "".join(f"<virtual-mta {name}>\nsmtp-source-host {value}\n</virtual-mta>\n" for name, value in rows)


RUNS = [
    pytest.param(
        [(f"m{n}", f"192.0.2.{n} m{n}.a.example") for n in range(1, 5)],
        'm${n}:\n  for-each: {n: 1..4, ip: 192.0.2.1..192.0.2.4}\n  smtp-source-host: "${ip} m${n}.a.example"',
        id="plain",
    ),
    pytest.param(
        [(f"m-{n:02d}", f"192.0.2.{n + 9} h{n:03d}.a.example") for n in range(8, 13)],
        "m-${n:02d}:\n  for-each: {n: 8..12, ip: 192.0.2.17..192.0.2.21}\n"
        "  smtp-source-host: ${ip} h${n:03d}.a.example",
        id="zeros",
    ),
    pytest.param(
        [(f"m{n}", f"192.0.2.{n * n} m{n}.a.example") for n in range(1, 5)],
        "m${n}:\n  for-each: {n: 1..4, ip: [192.0.2.1, 192.0.2.4, 192.0.2.9, 192.0.2.16]}\n"
        "  smtp-source-host: ${ip} m${n}.a.example",
        id="addresses without a rule",
    ),
    pytest.param(
        [(f"m{n}", f"2001:db8::{n:x} m{n + 3}.a.example") for n in range(9, 13)],
        "m${n}:\n  for-each: {n: 9..12, ip: 2001:db8::9..2001:db8::c, m: 12..15}\n"
        "  smtp-source-host: ${ip} m${m}.a.example",
        id="ipv6 and another number",
    ),
    pytest.param(
        [(f"m{n}", f"10.0.{n}.255 a{n}.b.example") for n in (3, 1, 2)],
        "m${n}:\n  for-each: {n: 1..3, ip: [10.0.1.255, 10.0.2.255, 10.0.3.255]}\n"
        "  smtp-source-host: ${ip} a${n}.b.example",
        id="out of order",
    ),
    pytest.param(
        [(f"{n}x2", f"192.0.2.{n} 2.a.example") for n in range(1, 4)],
        "${n}x2:\n  for-each: {n: 1..3, ip: 192.0.2.1..192.0.2.3}\n  smtp-source-host: ${ip} 2.a.example",
        id="a number that stays",
    ),
]


@pytest.mark.parametrize(("rows", "written"), RUNS)
def test_a_run_is_a_loop(adopting: Adopting, rows: list[tuple[str, str]], written: str) -> None:
    imported = adopting.run(adopting.server(vmtas(rows)))
    assert adopting.changes() == []
    result = dedent(adopting.config().partition("virtual-mta:\n")[2]).strip()
    assert result.replace('"', "") == written.replace('"', "")
    assert list(imported.adopted.loops.values()) == [len(rows)]


APART = [
    pytest.param([("m1", "192.0.2.1 a"), ("m2", "192.0.2.2 a")], id="two are no run"),
    pytest.param([("m1", "192.0.2.1 a"), ("m3", "192.0.2.2 a"), ("m5", "192.0.2.3 a")], id="gaps"),
    pytest.param([("m1", "192.0.2.1 a"), ("m2", "192.0.2.2 b"), ("m3", "192.0.2.3 c")], id="words that differ"),
    pytest.param([("m1", "192.0.2.1 7.a"), ("m2", "192.0.2.2 9.a"), ("m3", "192.0.2.3 4.a")], id="numbers that jump"),
    pytest.param([("m1", "192.0.2.1 a"), ("m02", "192.0.2.2 a"), ("m003", "192.0.2.3 a")], id="widths without a rule"),
    pytest.param([("a", "192.0.2.1 a"), ("b", "192.0.2.2 b"), ("c", "192.0.2.3 c")], id="names without a number"),
]


@pytest.mark.parametrize("rows", APART)
def test_what_is_no_run_stays_apart(adopting: Adopting, rows: list[tuple[str, str]]) -> None:
    imported = adopting.run(adopting.server(vmtas(rows)))
    assert adopting.changes() == []
    assert "for-each" not in adopting.config()
    assert not imported.adopted.loops


def test_a_run_with_a_hole_is_two_loops(adopting: Adopting) -> None:
    rows = [(f"m{n}", f"192.0.2.{n} m{n}.a.example") for n in (1, 2, 3, 5, 6, 7, 9)]
    imported = adopting.run(adopting.server(vmtas(rows)))
    assert adopting.changes() == []
    assert sorted(imported.adopted.loops.values()) == [3, 3]
    assert "m9:" in adopting.config()


def test_domains_sources_and_users_run_too(adopting: Adopting) -> None:
    body = "".join(
        f"<domain d{n}.example>\nmax-smtp-out 3\n</domain>\n<source 10.0.0.{n}>\nsmtp-service yes\n</source>\n"
        f"<smtp-user u{n}>\npassword secret-of-{n}\nsource {{a{n}}}\n</smtp-user>\n"
        for n in range(1, 5)
    )
    imported = adopting.run(adopting.server(body))
    assert adopting.changes() == []
    assert sorted(imported.adopted.loops) == [
        "domain d${n}.example",
        "smtp-user u${n}",
        "source ${ip}",
    ]


def test_comments_run_along_or_keep_their_block_apart(adopting: Adopting) -> None:
    def body(remark: str) -> str:
        return "".join(
            f"# number {n}\n<domain d{n}>\nmax-smtp-out 2 # for d{n}{remark if n == 2 else ''}\n</domain>\n"
            for n in range(1, 4)
        )

    adopting.run(adopting.server(body("")))
    assert "# number ${n}\n" in adopting.config()
    assert "max-smtp-out: 2  # for d${n}" in adopting.config()
    adopting.run(adopting.server(body(" only")), stack="other")
    assert "# for d2 only" in adopting.config("other")
    assert "for-each" not in adopting.config("other")
    assert adopting.changes() == adopting.changes("other") == []
