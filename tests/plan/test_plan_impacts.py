"""What a change needs to take effect, row by row (`impacts.toml`)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from native_sides import MAIN, compared, live

from pmtaform.lang.blocks import blocks_of
from pmtaform.lang.includes import single
from pmtaform.lang.parsing import parse
from pmtaform.model.desired import Desired, FileRole, ManagedFile
from pmtaform.plan.diff import difference
from pmtaform.plan.files import LiveManagedFile
from pmtaform.plan.inputs import Live, Previous
from pmtaform.plan.services import services_of
from pmtaform.secrets import Secret

CASES = tomllib.loads(Path(__file__).with_name("impacts.toml").read_text(encoding="utf-8"))["case"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_a_change_needs(case: dict[str, str]) -> None:
    (change,) = compared(case["before"], case["after"]).plan.changes
    assert str(change.impact) == case["impact"]
    assert ("restart" in {danger.code for danger in change.dangers}) == (case["impact"] == "restart")
    assert services_of(change) == (frozenset({"pmta"}) if case["impact"] == "restart" else frozenset())
    note = f"the guide does not state whether {case['note']} " if "note" in case else ""
    assert change.impact_note.startswith(note)
    assert bool(change.impact_note) == bool(note)


PROCESSOR = "<bounce-processor>\n<address-list>\naddress-file /etc/pmta/list\n</address-list>\n</bounce-processor>\n"
FILES = {
    "a file of a bounce processor": (PROCESSOR, True, "restart"),
    "a file of a bounce processor, where we restart nothing": (PROCESSOR, False, "reload"),
    "guard: a file of a list at top level": (
        "<address-list l>\naddress-file /etc/pmta/list\n</address-list>\n",
        True,
        "reload",
    ),
    "guard: a file of nothing": ("log-file /l\n", True, "reload"),
}


@pytest.mark.parametrize(("text", "activates", "impact"), FILES.values(), ids=FILES)
def test_what_a_file_needs(text: str, activates: bool, impact: str) -> None:
    file = ManagedFile(
        path="/etc/pmta/list", role=FileRole.TEXT, source="files/list", content=Secret(b"b@x.example\n", ""), place=None
    )
    desired = Desired(host="mta1", blocks=blocks_of(single(parse(text, "stack"))), managed=(file,), activates=activates)
    there = Live(live({MAIN: text}), files={file.path: LiveManagedFile(exists=True, content=b"a@x.example\n")})
    (change,) = difference(desired, there, Previous(), lambda content: content.hex()).plan.changes
    assert str(change.impact) == impact
    assert services_of(change) == (frozenset({"pmta"}) if impact == "restart" else frozenset())
    assert [danger.code for danger in change.dangers] == (["restart"] if impact == "restart" else [])
    assert change.impact_note
