"""What a change needs to take effect, row by row (`impacts.toml`)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from native_sides import compared

from pmtaform.plan.services import services_of

CASES = tomllib.loads(Path(__file__).with_name("impacts.toml").read_text(encoding="utf-8"))["case"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_a_change_needs(case: dict[str, str]) -> None:
    (change,) = compared(case["before"], case["after"]).plan.changes
    assert str(change.impact) == case["impact"]
    assert ("restart" in {danger.code for danger in change.dangers}) == (case["impact"] == "restart")
    assert services_of(change) == (frozenset({"pmta"}) if case["impact"] == "restart" else frozenset())
    note = f"the guide does not say whether {case['note']} " if "note" in case else ""
    assert change.impact_note.startswith(note)
    assert bool(change.impact_note) == bool(note)
