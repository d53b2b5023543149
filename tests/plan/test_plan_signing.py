"""What a configuration signs with, how long its mail may wait, and what is dangerous about a new selector."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pmtaform.lang.blocks import blocks_of
from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.plan.model import Action, Change, HostPlan, Reason, ValueChange
from pmtaform.plan.signing import gained_signers, longest_wait, signing_of, with_unpublished

HOUR = 3600
DEFAULT = int(4.5 * 24 * HOUR)  # what PowerMTA takes without a line


def configuration(text: str) -> Configuration:
    return read_configuration("/etc/pmta/config", {"/etc/pmta/config": text.encode()})


def blocks(text: str) -> list[object]:
    return list(blocks_of(configuration(text)).values())


def test_selectors_are_found_in_every_section() -> None:
    text = """domain-key s1, Example.COM, /etc/pmta/a.pem
domain-key s2,*,/etc/pmta/b.pem
domain-key broken
<virtual-mta v>
  Domain-Key "s3",example.com,/etc/pmta/c.pem
</virtual-mta>
"""
    assert signing_of(configuration(text)).signs == {("s1", "example.com"), ("s2", "*"), ("s3", "example.com")}


FIRST = {
    "the first at top level": ("domain-key a,x.com,/a\ndomain-key b,x.com,/b\n", {"a"}, {"b": "a"}),
    "one for all before": ("domain-key a,*,/a\ndomain-key b,x.com,/b\n", {"a"}, {"b": "a"}),
    "one for all after": ("domain-key b,x.com,/b\ndomain-key a,*,/a\n", {"a", "b"}, {}),
    "a parent before": ("domain-key a,x.com,/a\ndomain-key b,m.x.com,/b\n", {"a"}, {"b": "a"}),
    "a parent after": ("domain-key b,m.x.com,/b\ndomain-key a,x.com,/a\n", {"a", "b"}, {}),
    "another domain that ends alike": ("domain-key a,x.com,/a\ndomain-key b,ax.com,/b\n", {"a", "b"}, {}),
    "letters of another case": ("domain-key a,X.com,/a\ndomain-key b,x.COM,/b\n", {"a"}, {"b": "a"}),
    "the virtual MTA's own, and all the rest": (
        "domain-key b,x.com,/b\n<virtual-mta v>\ndomain-key a,x.com,/a\n</virtual-mta>\n",
        {"a", "b"},
        {},
    ),
    "the virtual MTA's own before its pool's": (
        "<virtual-mta v>\ndomain-key a,x.com,/a\n</virtual-mta>\n"
        "<virtual-mta-pool p>\nvirtual-mta v\ndomain-key b,x.com,/b\n</virtual-mta-pool>\n",
        {"a"},
        {"b": "a"},
    ),
    "a pool's where its virtual MTA has none": (
        "<virtual-mta v>\n</virtual-mta>\n<virtual-mta-pool p>\nvirtual-mta v\ndomain-key b,x.com,/b\n"
        "</virtual-mta-pool>\n",
        {"b"},
        {},
    ),
    "of one virtual MTA hidden, of another not": (
        "<virtual-mta v>\ndomain-key a,x.com,/a\ndomain-key b,x.com,/b\n</virtual-mta>\n"
        "<virtual-mta w>\ndomain-key b,x.com,/b\n</virtual-mta>\n",
        {"a", "b"},
        {},
    ),
    "a macro hides nothing but itself": ("domain-key a,$d,/a\ndomain-key b,x.com,/b\n", {"a", "b"}, {}),
    "a list that messages choose": (
        "domain-key a,x.com,/a\n<domain-key-list l>\ndomain-key b,x.com,/b\n</domain-key-list>\n",
        {"a", "b"},
        {},
    ),
    "not a line of three": ("domain-key a,x.com\ndomain-key b,x.com,/b\n", {"b"}, {}),
}


@pytest.mark.parametrize("case", FIRST)
def test_who_signs_is_the_first_line_that_fits(case: str) -> None:
    text, signs, overruled = FIRST[case]
    result = signing_of(configuration(text))
    assert {selector for selector, _ in result.signs} == signs
    assert {hidden: words.split()[0] for (hidden, _), words in result.overruled.items()} == overruled


def test_what_signs_instead_is_reported_with_its_place() -> None:
    result = signing_of(configuration("domain-key a,X.com,/a\ndomain-key b,x.com,/b\n"))
    assert result.overruled == {("b", "x.com"): "a of x.com (/etc/pmta/config:1)"}


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
