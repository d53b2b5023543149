"""What DNS says of what a plan changes: told with `warn`, required with `require`, not asked without a `dns` block."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from dns_server import Start
from projects import CommandResult, ProjectFolder, dangers
from signing_keys import pem

from pmtaform.diagnostics import Exit
from pmtaform.dns.fake import FakeResolver
from pmtaform.dns.public_key import public_key_of
from pmtaform.dns.resolver import DnsStatus
from pmtaform.lang.lint import rules
from pmtaform.stack import load_stack

BOUNCE = "bounce-processor: {address-list: {domain: bounce.example.com}}"
OLD = "virtual-mta: {a: {smtp-source-host: 192.0.2.1 a.example.com}}\n" + BOUNCE
NEW = (
    """virtual-mta:
  a: {smtp-source-host: 192.0.2.1 a.example.com}
  b: {smtp-source-host: 192.0.2.2 b.example.com}
"""
    + BOUNCE
)
Zone = dict[tuple[str, str], Any]
Ask = Callable[[Zone], FakeResolver]


def right() -> Zone:
    """All that NEW needs, and nothing of what it has already."""
    return {
        ("2.2.0.192.in-addr.arpa", "PTR"): ["b.example.com"],
        ("b.example.com", "A"): ["192.0.2.2"],
        ("bounce.example.com", "TXT"): ["v=spf1 ip4:192.0.2.2 -all"],
    }


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Has plans ask a resolver that knows a zone, and no more."""

    def ask(zone: Zone) -> FakeResolver:
        resolver = FakeResolver(zone)
        monkeypatch.setattr("pmtaform.dns.live.live_resolver", lambda _: resolver)
        return resolver

    return ask


@pytest.fixture
def grown(one: ProjectFolder) -> ProjectFolder:
    """A host that has OLD, and a stack that can be made to say NEW."""
    one.config(OLD)
    one.apply("--allow", "restart").ended(Exit.OK)
    return one


def codes(result: CommandResult) -> set[str]:
    """What is stated of a plan, apart from what lint finds in it."""
    return {note["code"] for host in result.json()["hosts"] for note in host["notes"]} - rules().keys()


def planned(project: ProjectFolder, dns: str, config: str = NEW, body: str = "") -> CommandResult:
    project.config(config, f"{body}\n{dns}\n")
    return project.plan("--format", "json").ended(Exit.OK)


# -- when it is asked ----


@pytest.mark.parametrize("settings", ["", "dns: off", "dns: {mode: off}", "dns: {on-plan: off}"])
def test_nothing_is_asked_unless_the_stack_wants_it(grown: ProjectFolder, dns: Ask, settings: str) -> None:
    resolver = dns({})
    assert codes(planned(grown, settings)) == set()
    assert resolver.asked == []


@pytest.mark.parametrize(
    ("settings", "mode", "on_plan"),
    [
        ("", "warn", "off"),
        ("dns: {timeout: 1s}", "warn", "warn"),
        ("dns: require", "require", "require"),
        ("dns: {mode: require}", "require", "require"),
        ("dns: {mode: warn, on-plan: require}", "warn", "require"),
        ("dns: {mode: require, on-plan: off}", "require", "off"),
        ("dns: off", "off", "off"),
    ],
)
def test_the_setting_has_a_short_form(one: ProjectFolder, settings: str, mode: str, on_plan: str) -> None:
    one.config("postmaster: a@example.com", settings + "\n")
    stack = load_stack(one.folder).dns
    assert (stack.mode, stack.on_plan) == (mode, on_plan)


def test_a_word_that_is_none(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com", "dns: sometimes\n")
    one.run("validate", "fleet").ended(Exit.INVALID)


def test_only_what_changes_is_asked_about(grown: ProjectFolder, dns: Ask) -> None:
    resolver = dns(right())
    assert codes(planned(grown, "dns: warn")) == {"dns-matches"}
    assert {name for name, _ in resolver.asked} == {"2.2.0.192.in-addr.arpa", "b.example.com", "bounce.example.com"}
    assert "virtual-mta[b]: checked, and correct." in grown.plan().words


def test_what_touches_no_name_asks_nothing(grown: ProjectFolder, dns: Ask) -> None:
    resolver = dns({})
    assert codes(planned(grown, "dns: require", OLD + "\npostmaster: a@example.com")) == set()
    gone = planned(grown, "dns: require\nunmanaged: remove", BOUNCE + "\nlog-file: /var/log/pmta/log")
    assert dangers(gone) == {"virtual-mta-removed"}, "what goes needs nothing of DNS"
    assert resolver.asked == []


# -- what is wrong ----


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({("2.2.0.192.in-addr.arpa", "PTR"): []}, "ptr-missing"),
        ({("2.2.0.192.in-addr.arpa", "PTR"): ["other.example.com"]}, "ptr-unconfirmed"),
        ({("b.example.com", "A"): ["192.0.2.99"]}, "helo-without-address"),
        ({("bounce.example.com", "TXT"): ["v=spf1 ip4:192.0.2.1 -all"]}, "spf-uncovered"),
    ],
)
def test_a_new_address_needs_its_names_and_spf(grown: ProjectFolder, dns: Ask, change: Zone, code: str) -> None:
    dns({**right(), **change})
    result = planned(grown, "dns: warn")
    assert code in codes(result)
    assert dangers(result) == set(), "it is reported, and stops nothing"
    (note,) = [n for n in result.json()["hosts"][0]["notes"] if n["code"] == code]
    assert (note["severity"], note["address"]) == ("warning", "virtual-mta[b]")
    grown.apply("--allow", "restart").ended(Exit.OK)


def test_a_new_key_needs_its_record(grown: ProjectFolder, dns: Ask) -> None:
    grown.add_file("s1.pem", pem())
    keys = "dkim-keys: {example.com/s1: {private-key: 'file:s1.pem'}}"
    signing = OLD + "\ndomain: {'*': {dkim-sign: yes}}"
    public = public_key_of(pem())
    assert public is not None
    where = ("s1._domainkey.example.com", "TXT")
    dns({where: [f"v=DKIM1; k=rsa; p={public.key}"]})
    assert codes(planned(grown, "dns: require", signing, keys)) == {"dns-matches"}
    dns({where: ["v=DKIM1; k=rsa; p=AAAA"]})
    told = [note["code"] for note in planned(grown, "dns: warn", signing, keys).json()["hosts"][0]["notes"]]
    assert told.count("dkim-key") == 1, "the key and the line that names it have one record"
    dns({})
    result = planned(grown, "dns: require", signing, keys)
    assert dangers(result) == {"dns-wrong"}
    (change,) = [c for c in result.json()["hosts"][0]["changes"] if c["address"] == "dkim-key[example.com/s1]"]
    assert "DKIM record missing: s1._domainkey.example.com" in change["dangers"][0]["detail"]


def test_a_key_line_of_another_users_key_needs_a_record_at_the_least(grown: ProjectFolder, dns: Ask) -> None:
    line = OLD + "\ndomain-key: s9,example.org,/etc/pmta/s9.pem"
    dns({("s9._domainkey.example.org", "TXT"): ["v=DKIM1; p=AAAA"]})
    assert codes(planned(grown, "dns: require", line)) == {"dkim-not-compared"}
    dns({})
    assert dangers(planned(grown, "dns: require", line)) == {"dns-wrong"}


def test_a_new_bounce_domain_needs_a_way_there_and_spf(grown: ProjectFolder, dns: Ask) -> None:
    more = OLD.replace("domain: bounce.example.com", "domain: [bounce.example.com, b2.example.com]")
    zone: Zone = {
        ("b2.example.com", "MX"): ["10 a.example.com"],
        ("a.example.com", "A"): ["192.0.2.1"],
        ("b2.example.com", "TXT"): ["v=spf1 ip4:192.0.2.1 -all"],
    }
    resolver = dns(zone)
    assert codes(planned(grown, "dns: warn", more)) == {"dns-matches"}
    assert ("bounce.example.com", "MX") not in resolver.asked
    dns({**zone, ("b2.example.com", "MX"): ["0 ."]})
    assert "mx-null" in codes(planned(grown, "dns: warn", more))
    dns({**zone, ("b2.example.com", "TXT"): ["v=spf1 -all"]})
    assert "spf-uncovered" in codes(planned(grown, "dns: warn", more))


def test_other_hosts_count_though_they_are_not_looked_at(project: ProjectFolder, dns: Ask) -> None:
    """The MX of a new domain may lead to a host that this run is not about."""
    for name in ("mta1", "mta2"):
        project.add_host(name)
    body = "groups: {mx: {config: {smtp-source-host: 192.0.2.9 mx.example.com}}}\ndns: warn\n"
    project.stack(f"config: {{{BOUNCE}}}\n{body}", {"mta1": {}, "mta2": {"groups": ["mx"]}}, activation="none")
    dns({("bounce.example.com", "MX"): ["10 mx.example.com"], ("mx.example.com", "A"): ["192.0.2.9"]})
    result = project.plan("--host", "mta1", "--format", "json").ended(Exit.OK)
    assert "mx-outside-fleet" not in codes(result)
    assert "mx-without-address" not in codes(result)


# -- what is required ----


def test_what_is_required_and_wrong_stops_an_apply_unless_allowed(grown: ProjectFolder, dns: Ask) -> None:
    dns({**right(), ("2.2.0.192.in-addr.arpa", "PTR"): []})
    result = planned(grown, "dns: require")
    assert dangers(result) == {"dns-wrong"}
    before = grown.host.tree()
    refused = grown.apply("--allow", "dns-unknown").ended(Exit.BLOCKED)
    assert "Reverse DNS missing: 192.0.2.2." in refused.words
    assert grown.host.tree() == before
    grown.apply("--allow", "dns-wrong").ended(Exit.OK)
    grown.settled()


def test_what_could_not_be_asked_is_kept_apart_from_wrong(grown: ProjectFolder, dns: Ask) -> None:
    offline = dict.fromkeys(right(), DnsStatus.OFFLINE)
    dns(offline)
    assert codes(planned(grown, "dns: warn")) == {"dns-unreachable"}
    result = planned(grown, "dns: require")
    assert dangers(result) == {"dns-unknown"}
    grown.apply("--allow", "dns-wrong").ended(Exit.BLOCKED)
    grown.apply("--allow", "dns-unknown").ended(Exit.OK)


def test_a_saved_plan_is_asked_about_again(grown: ProjectFolder, dns: Ask) -> None:
    dns(right())
    planned(grown, "dns: require")
    path = grown.save_plan()
    dns({})
    before = grown.host.tree()
    result = grown.run("apply", path).ended(Exit.STALE)
    assert "danger only in the plan made now: dns-wrong" in result.words
    assert grown.host.tree() == before
    dns(right())
    grown.run("apply", path).ended(Exit.OK)


def test_a_real_name_server_is_asked(grown: ProjectFolder, name_server: Start) -> None:
    server = name_server({**right(), ("bounce.example.com", "TXT"): ["v=spf1 -all"]})
    settings = {"mode": "require", "resolvers": [str(server.server)], "timeout": "2s"}
    result = planned(grown, f"dns: {json.dumps(settings)}")
    assert dangers(result) == {"dns-wrong"}
    assert "192.0.2.2: fail by -all" in grown.plan().words
    settings["resolvers"] = [str(name_server(right()).server)]
    planned(grown, f"dns: {json.dumps(settings)}")
    grown.apply("--allow", "restart").ended(Exit.OK)
