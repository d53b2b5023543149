"""SECURITY.md: each promise names a test that exists, and every test of hostile ground is named."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_what_is_named_exists() -> None:
    named = re.findall(r"`((?:tests|pmtaform)/[\w./]+)`", TEXT)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
    short = re.findall(r"`(test_hostile_\w+\.py)`", TEXT)
    assert [name for name in short if not (ROOT / "tests/hostile" / name).exists()] == []


def test_every_promise_names_its_test() -> None:
    tables = re.findall(r"^\| promise \| held by \|\n\| --- \| --- \|\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    rows = [row for table in tables for row in table.splitlines()]
    assert len(rows) > 10
    assert [row for row in rows if "`tests/" not in row.rsplit("|", 2)[1]] == []


def test_no_test_of_hostile_ground_is_left_out() -> None:
    names = {path.name for path in (ROOT / "tests/hostile").glob("test_*.py")}
    assert {name for name in names if name not in TEXT} == set()
