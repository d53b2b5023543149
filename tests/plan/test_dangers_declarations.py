"""Kinds of danger are declared once and have an explanation; packages bring their own dangers."""

from pathlib import Path

import pytest
from distributions import install

from pmtaform.lang.includes import single
from pmtaform.lang.parsing import parse
from pmtaform.plan.dangers import DangerKind, checks, consent_kinds, danger_kinds, find_dangers


@pytest.mark.parametrize("kind", consent_kinds().values(), ids=consent_kinds())
def test_a_kind_is_declared_completely(kind: DangerKind) -> None:
    assert not kind.summary.endswith(".")
    assert kind.explanation.endswith((".", "check"))


def test_no_two_kinds_have_the_same_rank_or_summary() -> None:
    kinds = consent_kinds().values()
    assert len({kind.rank for kind in kinds}) == len({kind.summary for kind in kinds}) == len(kinds)


def test_a_code_is_declared_once() -> None:
    declared = {(kind.code, id(kind)) for check in checks() for kind in check.kinds}
    assert len(declared) == len({code for code, _ in declared})


def test_kinds_are_listed_worst_first() -> None:
    ranks = [kind.rank for kind in danger_kinds().values()]
    assert ranks == sorted(ranks)
    assert next(iter(danger_kinds())) == "open-relay"


PLUG_IN = """
from collections.abc import Iterator

from pmtaform.plan.dangers import DangerFinding, DangerKind, Sides, reports

POSTMASTER_CHANGED = DangerKind(
    code="postmaster-changed",
    rank=1000,
    summary="reports go to other people",
    explanation="Tell the new people first.",
)


@reports(POSTMASTER_CHANGED)
def postmaster_changed(sides: Sides) -> Iterator[DangerFinding]:
    if sides.touches("postmaster"):
        yield DangerFinding(
            kind=POSTMASTER_CHANGED,
            detail="The postmaster changes.",
            cause=sides.cause_named("setting", "postmaster"),
        )
"""


def test_a_package_brings_a_danger_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(
        monkeypatch,
        tmp_path,
        name="house-dangers",
        entry_points="[pmtaform.dangers]\npostmaster-changed = house_dangers:postmaster_changed\n",
        modules={"house_dangers.py": PLUG_IN},
    )
    before, after = (single(parse(f"postmaster {who}@example.com\n", "/etc/pmta/config")) for who in ("ann", "bob"))
    (finding,) = find_dangers(before, after)
    assert (finding.code, str(finding.cause)) == ("postmaster-changed", "setting[postmaster]")
    assert danger_kinds()["postmaster-changed"].summary == "reports go to other people"
