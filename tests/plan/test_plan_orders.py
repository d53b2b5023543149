"""A pattern list comes before the source that uses it: row by row (`orders.toml`)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from native_sides import MAIN, compared_with, live
from projects import RUNS, ProjectFolder

from pmtaform.diagnostics import Exit, Place
from pmtaform.lang.blocks import Address, Block, blocks_of, collect
from pmtaform.lang.edit import FileEdit
from pmtaform.lang.includes import single
from pmtaform.lang.parsing import parse
from pmtaform.lang.tree import Tree
from pmtaform.model.desired import Desired, Unmanaged
from pmtaform.model.selection import Selection
from pmtaform.plan.diff import Difference, difference, unchanged
from pmtaform.plan.inputs import Live, Previous
from pmtaform.plan.model import PLACE, Action, LeftBy, Reason

CASES = tomllib.loads(Path(__file__).with_name("orders.toml").read_text(encoding="utf-8"))["case"]
LATE = "<source 0/0>\npattern-list p\n</source>\n<pattern-list p>\nmail-from /a/ virtual-mta=v\n</pattern-list>\n"


def files_of(case: dict) -> dict[str, str]:
    return {MAIN: case["live"].lstrip("\n"), **case.get("files", {})}


def wanted(case: dict) -> dict[Address, Block]:
    """The stack's blocks: those of the case, or the host's own in YAML."""
    natives = case.get("native", {})
    blocks = blocks_of(live(files_of(case))).values()
    own = "" if natives else "".join(part.text for block in blocks for part in block.parts)
    trees = [yaml(case.get("stack", own)), *(parse(text, f"files/{name}.conf") for name, text in natives.items())]
    return collect((tree, node) for tree in trees for node in tree.children)


def yaml(text: str) -> Tree:
    """Text as a stack's YAML makes it: each line is from another file than its tree."""
    return parse(text, "stack", origins=[Place("stack/stack.yaml", n + 1) for n in range(len(text.splitlines()))])


def compared(files: dict[str, str], blocks: dict[Address, Block], **more: object) -> Difference:
    desired = Desired(host="mta1", blocks=blocks, **{"unmanaged": Unmanaged.REMOVE, **more})
    return difference(desired, Live(live(files)), Previous(), _plain)


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
    blocks = wanted(case)
    again = compared(after(files, dict(compared(files, blocks).edits)), blocks)
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
def test_what_keeps_a_list_where_it_is_is_reported(more: dict, by: LeftBy) -> None:
    made = compared({MAIN: LATE}, collect((tree, node) for tree in [yaml(LATE)] for node in tree.children), **more)
    assert (made.plan.changes, dict(made.edits)) == ((), {})
    assert [(left.address, left.by) for left in made.plan.left] == [("pattern-list[p]", by)]


@pytest.mark.parametrize("owned", [True, False])
def test_the_plan_after_one_that_left_a_list_below_looks_again(owned: bool) -> None:
    """What was left out of an apply is not taken for done."""
    desired = Desired(host="mta1", blocks=blocks_of(single(yaml(LATE))))
    first = difference(desired, Live(live({MAIN: LATE})), Previous(), _plain)
    before = Previous(blocks=first.owned) if owned else Previous()
    chosen = Selection(excludes=("pattern-list[p]",))
    made = difference(desired, Live(live({MAIN: LATE})), before, _plain, chosen)
    assert [left.by for left in made.plan.left] == [LeftBy.EXCLUDE]
    assert not unchanged(desired, Previous(blocks=made.owned), _plain)
    (again,) = difference(desired, Live(live({MAIN: LATE})), Previous(blocks=made.owned), _plain).plan.changes
    assert again.address == "pattern-list[p]"


def test_a_list_that_was_kept_below_moves_once_the_stack_has_it_above() -> None:
    """No file of the host changed since, and no block of the stack: only its place."""
    native, moved = _native(LATE), Desired(host="mta1", blocks=blocks_of(single(yaml(LATE))))
    kept = difference(native, Live(live({MAIN: LATE})), Previous(), _plain)
    assert kept.plan.changes == ()
    assert set(kept.plan.adopted) == {"source[0.0.0.0/0]", "pattern-list[p]"}
    before = Previous(blocks=kept.owned)
    again = difference(native, Live(live({MAIN: LATE})), before, _plain)
    assert (again.plan.changes, again.plan.adopted, again.owned) == ((), (), kept.owned)
    assert not unchanged(moved, before, _plain)
    (change,) = difference(moved, Live(live({MAIN: LATE})), before, _plain).plan.changes
    assert (change.address, change.reason) == ("pattern-list[p]", Reason.CHANGED)


@pytest.mark.parametrize(
    ("on_host", "in_stack", "reason"),
    [("/a/", "/b/", Reason.CHANGED), ("/b/", "/a/", Reason.DRIFT), ("/b/", "/c/", Reason.BOTH)],
)
def test_why_a_list_that_was_kept_below_changes(on_host: str, in_stack: str, reason: Reason) -> None:
    kept = difference(_native(LATE), Live(live({MAIN: LATE})), Previous(), _plain)
    host = live({MAIN: LATE.replace("/a/", on_host)})
    (change,) = difference(
        _native(LATE.replace("/a/", in_stack)), Live(host), Previous(blocks=kept.owned), _plain
    ).plan.changes
    assert change.reason is reason


def test_a_list_that_someone_moves_below_its_source_is_drift() -> None:
    above = "".join(part.text for block in reversed(blocks_of(live({MAIN: LATE})).values()) for part in block.parts)
    applied = difference(_native(above), Live(live({MAIN: above})), Previous(), _plain)
    (change,) = difference(
        _native(above), Live(live({MAIN: LATE})), Previous(blocks=applied.owned), _plain
    ).plan.changes
    assert (change.address, change.reason) == ("pattern-list[p]", Reason.DRIFT)


def _native(text: str) -> Desired:
    return Desired(host="mta1", blocks=blocks_of(single(parse(text, "files/a.conf"))))


def _plain(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def test_apply_repairs_it_and_then_nothing_is_left_to_do(one: ProjectFolder) -> None:
    """Live below, stack above: this was "No changes", and what lint calls an error stayed for ever."""
    one.host.put(RUNS + LATE)
    one.config("""
      pattern-list: {p: ["mail-from /a/ virtual-mta=v"]}
      virtual-mta: {v: {}}
      source: {"0/0": {pattern-list: p}}
    """)
    result = one.plan().ended(Exit.OK)
    assert "below source[0.0.0.0/0], which uses it" in result.out
    one.apply().ended(Exit.OK)
    text = one.host.contents()[MAIN]
    assert text.index("<pattern-list p>") < text.index("<source 0/0>")
    one.plan("--detailed-exitcode").ended(Exit.OK)


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_a_list_that_a_native_file_keeps_below_moves_when_the_stack_moves_it(
    one: ProjectFolder, is_forgotten: bool
) -> None:
    """Also where the state was lost, and `recover` copied what the host's own record says."""
    mta = "<virtual-mta v>\n</virtual-mta>\n"
    one.host.put(RUNS + LATE + mta)
    one.add_file("a.conf", LATE + mta)
    one.stack("native: [a.conf]\nconfig: {domain: {x.example: {max-smtp-out: 5}}}\n", activation="none")
    one.apply().ended(Exit.OK)
    one.settled()
    if is_forgotten:
        one.state_file.unlink()
        assert "copied from the host's own record" in one.run("recover", "mta1").ended(Exit.OK).words
    one.plan("--detailed-exitcode").ended(Exit.OK)
    source, at, rules = LATE.partition("<pattern-list")
    one.add_file("a.conf", at + rules + source + mta)
    result = one.plan("--detailed-exitcode").ended(Exit.CHANGES)
    assert "below source[0.0.0.0/0], which uses it" in result.out
    one.apply().ended(Exit.OK)
    one.settled()
