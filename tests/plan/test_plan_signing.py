"""What a configuration signs with, how long its mail may wait, and what is dangerous about a new selector."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pmtaform.lang.blocks import blocks_of
from pmtaform.lang.includes import read_configuration
from pmtaform.plan.model import Action, Change, HostPlan, Reason, ValueChange
from pmtaform.plan.signing import gained_signers, longest_wait, signers_of, with_unpublished

HOUR = 3600
DEFAULT = int(4.5 * 24 * HOUR)  # what PowerMTA takes without a line


def blocks(text: str) -> list[object]:
    return list(blocks_of(read_configuration("/etc/pmta/config", {"/etc/pmta/config": text.encode()})).values())


def test_selectors_are_found_in_every_section() -> None:
    text = """domain-key s1, Example.COM, /etc/pmta/a.pem
domain-key s2,*,/etc/pmta/b.pem
domain-key broken
<virtual-mta v>
  Domain-Key "s3",example.com,/etc/pmta/c.pem
</virtual-mta>
"""
    assert signers_of(blocks(text)) == {("s1", "example.com"), ("s2", "*"), ("s3", "example.com")}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", DEFAULT),
        ("<domain a.example>\nbounce-after 1d\n</domain>\n", DEFAULT),
        ("<domain a.example>\nbounce-after 6d\n</domain>\n", 6 * 24 * HOUR),
        ("<domain *>\nbounce-after 12h\n</domain>\n", 12 * HOUR),
        ("<domain *>\nbounce-after 12h\n</domain>\n<domain a.example>\nbounce-after 1d\n</domain>\n", 24 * HOUR),
        ("<domain *>\nbounce-after $later\n</domain>\n", DEFAULT),
        ("<virtual-mta v>\n<domain *>\nbounce-after 1h\n</domain>\n</virtual-mta>\n", DEFAULT),
        ("<domain *>\nbounce-after 1h\n</domain>\n<virtual-mta v>\n<domain b.example>\nbounce-after 2h\n</domain>\n"
         "</virtual-mta>\n", 2 * HOUR),
    ],
)  # fmt: skip
def test_the_longest_that_mail_may_wait(text: str, seconds: int) -> None:
    assert longest_wait(blocks(text)) == timedelta(seconds=seconds)  # type: ignore[arg-type]


CHANGE = Change(
    address="setting[domain-key]",
    action=Action.UPDATE,
    reason=Reason.CHANGED,
    values=(
        ValueChange((), "domain-key", ("s1,example.com,/a", "x,b.example,/x"), ("s2,example.com,/b", "x,b.example,/y")),
        ValueChange((), "postmaster", ("s1,a,b",), ("s9,a,b",)),
    ),
)


def test_only_a_selector_that_is_new_to_the_host_is_a_danger() -> None:
    assert gained_signers(CHANGE) == {("s2", "example.com")}
    plan = HostPlan(host="mta1", changes=(CHANGE,))
    ready = {("s1", "example.com"): "gone", ("x", "b.example"): "gone"}
    assert with_unpublished(plan, ready) is plan
    ((address, danger),) = with_unpublished(plan, {("s2", "example.com"): "ns1 has no record"}).all_dangers
    assert (address, danger.code) == ("mta1:setting[domain-key]", "dkim-not-published")
    assert "ns1 has no record" in danger.detail
