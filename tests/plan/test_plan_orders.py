"""A pattern list comes before the source that uses it: row by row (`orders.toml`)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from native_sides import MAIN, compared, compared_with, live

from pmtaform.desired import Unmanaged
from pmtaform.lang.blocks import blocks_of
from pmtaform.lang.edit import FileEdit
from pmtaform.plan.model import PLACE, Action, LeftBy

CASES = tomllib.loads(Path(__file__).with_name("orders.toml").read_text(encoding="utf-8"))["case"]
LATE = "<source 0/0>\npattern-list p\n</source>\n<pattern-list p>\nmail-from /a/ virtual-mta=v\n</pattern-list>\n"


def files_of(case: dict) -> dict[str, str]:
    return {MAIN: case["live"].lstrip("\n"), **case.get("files", {})}


def wanted(case: dict) -> str:
    """The stack's blocks as text: those of the case, or the host's own."""
    blocks = blocks_of(live(files_of(case))).values()
    return case.get("stack", "".join(part.text for block in blocks for part in block.parts))


def after(files: dict[str, str], edits: dict[str, FileEdit]) -> dict[str, str]:
    return files | {path: edit.text for path, edit in edits.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_moves(case: dict) -> None:
    files = files_of(case)
    made = compared(files, wanted(case))
    moved = [c for c in made.plan.changes if any(value.name == PLACE for value in c.values)]
    assert [change.address for change in moved] == case["moves"]
    assert [change.address for change in made.plan.changes if change not in moved] == case.get("also", [])
    assert all(change.action is Action.UPDATE for change in moved)
    if "result" in case:
        assert after(files, dict(made.edits))[MAIN] == case["result"].lstrip("\n")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_after_it_nothing_is_left_to_do(case: dict) -> None:
    files = files_of(case)
    text = wanted(case)
    again = compared(after(files, dict(compared(files, text).edits)), text)
    assert again.plan.changes == ()
    assert again.edits == {}


def test_a_list_that_is_not_the_stacks_stays_where_it_is() -> None:
    source = "<source 0/0>\npattern-list p\n</source>\n"
    made = compared_with(live({MAIN: LATE}), source, unmanaged=Unmanaged.KEEP)
    assert made.plan.changes == ()


@pytest.mark.parametrize(
    ("more", "by"),
    [({"ignore": ("pattern-list[p]",)}, LeftBy.IGNORE), ({"protect": ("pattern-list[*]",)}, LeftBy.PROTECT)],
)
def test_what_keeps_a_list_where_it_is_is_told(more: dict, by: LeftBy) -> None:
    made = compared(LATE, LATE, **more)
    assert (made.plan.changes, dict(made.edits)) == ((), {})
    assert [(left.address, left.by) for left in made.plan.left] == [("pattern-list[p]", by)]
