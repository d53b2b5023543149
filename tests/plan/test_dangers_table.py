"""Which changes are dangers, and which are none: one row a case, in `dangers/*.toml`.

A row has the configuration `before` and `after`, the `dangers` that must be found (exactly these; none: a guard), and
what their sentences must `say`. `cause` is the address of the block that must be named, `hide` what no sentence may
say. `include_before` and `include_after` are the content of /etc/pmta/extra, for rows about includes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.plan.dangers import Sides, checks, danger_kinds, find_dangers

MAIN, EXTRA = "/etc/pmta/config", "/etc/pmta/extra"
ROWS = Path(__file__).parent / "dangers"


def rows() -> Iterator[Any]:
    for path in sorted(ROWS.glob("*.toml")):
        for row in tomllib.loads(path.read_text("utf-8"))["case"]:
            yield pytest.param(row, id=f"{path.stem}: {row['name']}")


def configuration(row: dict[str, Any], side: str) -> Configuration:
    files = {MAIN: row[side].encode()}
    if f"include_{side}" in row:
        files[EXTRA] = row[f"include_{side}"].encode()
    return read_configuration(MAIN, files)


@pytest.mark.parametrize("row", list(rows()))
def test_the_dangers_of_a_change_are_found_and_no_others(row: dict[str, Any]) -> None:
    findings = find_dangers(
        configuration(row, "before"), configuration(row, "after"), rate_factor=row.get("rate_factor", 3.0)
    )
    text = "\n".join(f"{finding.code}: {finding.detail}" for finding in findings)
    assert {finding.code for finding in findings} == set(row["dangers"]), text
    for words in row.get("say", []):
        assert words in text
    for words in row.get("hide", []):
        assert words not in text
    if "cause" in row:
        assert row["cause"] in {str(finding.cause) for finding in findings}


@pytest.mark.parametrize("row", list(rows()))
def test_a_check_reports_only_the_kinds_that_it_declares(row: dict[str, Any]) -> None:
    sides = Sides(configuration(row, "before"), configuration(row, "after"), row.get("rate_factor", 3.0))
    for check in checks():
        assert {finding.kind for finding in check(sides)} <= set(check.kinds)


@pytest.mark.parametrize("row", list(rows()))
def test_a_configuration_that_does_not_change_has_no_dangers(row: dict[str, Any]) -> None:
    for side in ("before", "after"):
        assert find_dangers(configuration(row, side), configuration(row, side)) == ()


def test_there_are_as_many_guards_as_dangers() -> None:
    dangerous = [bool(row.values[0]["dangers"]) for row in rows()]
    assert len(dangerous) >= 600
    assert dangerous.count(False) >= dangerous.count(True) * 0.9


def test_every_code_of_a_row_is_a_danger() -> None:
    assert {code for row in rows() for code in row.values[0]["dangers"]} <= danger_kinds().keys()
