"""How a plan tells its dangers: once each, the worst first, and the same names in the documentation."""

from __future__ import annotations

import json
from pathlib import Path

from make_docs import REMEDY
from report_samples import host, plan, rate

from pmtaform.plan.dangers import consent_kinds, danger_kinds
from pmtaform.plan.model import Danger
from pmtaform.report import json_plan, plan_text
from pmtaform.report.dangers import MOST_TOLD, danger_table

RATE = "gmail.com over mkt-01..mkt-16: max-msg-rate 100/h -> unlimited (the default), because <domain *> is removed."
PAGE = Path(__file__).parents[2] / "docs" / "dangers.md"


def test_a_danger_is_a_sentence_under_the_name_that_consents() -> None:
    text = plan_text(plan(host("a", rate(dangers=(Danger("rate-raised", RATE),)))), width=200)
    lines = text.splitlines()
    at = lines.index("  rate-raised")
    assert lines[at + 1] == f"  ({danger_kinds()['rate-raised'].summary})"
    assert lines[at + 3].strip() == RATE
    assert "--allow rate-raised" in text


def test_the_worst_name_comes_first_and_the_worst_of_a_name() -> None:
    few = Danger("rate-raised", "twice as much", 2.0)
    many = Danger("rate-raised", "no limit any more", float("inf"))
    relay = Danger("open-relay", "everyone may relay")
    sample = plan(host("a", rate(dangers=(few, many))), host("b", rate(dangers=(relay,))))
    listed = json.loads(json_plan(sample))["dangers"]
    assert [(danger["code"], danger["detail"]) for danger in listed] == [
        (danger.code, danger.detail) for danger in (relay, many, few)
    ]
    text = plan_text(sample)
    places = [
        text.index(words) for words in ("  open-relay", "everyone may relay", "no limit any more", "twice as much")
    ]
    assert places == sorted(places)
    assert "--allow open-relay --allow rate-raised" in text


def test_the_same_danger_on_many_hosts_is_reported_once() -> None:
    hosts = [host(f"mta{number}", rate(dangers=(Danger("rate-raised", RATE),))) for number in range(1, 10)]
    text = plan_text(plan(*hosts), width=200)
    assert text.count(RATE) == 1
    assert text.count(danger_kinds()["rate-raised"].summary) == 1
    assert "and 5 more" in text


def test_a_long_list_is_cut_in_text_and_whole_in_json() -> None:
    dangers = tuple(Danger("virtual-mta-removed", f"Mail queued for v{n} bounces.") for n in range(MOST_TOLD + 5))
    sample = plan(host("a", rate(dangers=dangers)))
    text = plan_text(sample)
    assert text.count("Mail queued for") == MOST_TOLD
    assert "... and 5 more; --format json has all" in text
    document = json.loads(json_plan(sample))["hosts"][0]["changes"][0]["dangers"]
    assert [danger["detail"] for danger in document] == [danger.detail for danger in dangers]


def test_a_list_that_fits_is_not_cut() -> None:
    dangers = tuple(Danger("virtual-mta-removed", f"Mail queued for v{n} bounces.") for n in range(MOST_TOLD))
    assert "--format json has all" not in plan_text(plan(host("a", rate(dangers=dangers))))


def test_a_name_that_is_not_known_is_reported_all_the_same() -> None:
    text = plan_text(plan(host("a", rate(dangers=(Danger("of-a-later-version", "something"),)))))
    assert "  of-a-later-version" in text


def test_the_documentation_has_the_names_as_the_code_has_them() -> None:
    assert danger_table() in PAGE.read_text("utf-8"), REMEDY


def test_every_name_is_in_the_table() -> None:
    assert all(f"| `{name}` | " in danger_table() for name in consent_kinds())
