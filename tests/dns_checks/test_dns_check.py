"""What is right is silent, and every way of being wrong has its own finding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pmtaform.dns.check import DnsReport, check_dns
from pmtaform.dns.facts import DnsFacts, PublicKey, Selector, SendingAddress
from pmtaform.dns.fake import FakeResolver, Zone
from pmtaform.dns.findings import DnsLevel
from pmtaform.dns.resolver import DnsServer, DnsStatus

KEY = PublicKey("MIGf", "rsa")
FACTS = DnsFacts(
    sources=(SendingAddress(host="mta1", vmta="v1", address="192.0.2.1", helo="mta1.example.com"),),
    selectors=(Selector(domain="example.com", selector="s1", public=KEY),),
    envelope_domains=("bounce.example.com",),
    bounce_domains=("bounce.example.com",),
    from_domains=("news.example.com",),
    accepts={"mta1": frozenset({"bounce.example.com"})},
    listens=frozenset({"192.0.2.1"}),
)
RIGHT: Zone = {
    ("mta1.example.com", "A"): ["192.0.2.1"],
    ("1.2.0.192.in-addr.arpa", "PTR"): ["mta1.example.com"],
    ("bounce.example.com", "TXT"): ["v=spf1 ip4:192.0.2.1 -all"],
    ("bounce.example.com", "MX"): ["10 mta1.example.com"],
    ("s1._domainkey.example.com", "TXT"): ["v=DKIM1; p=MIGf"],
    ("_dmarc.example.com", "TXT"): ["v=DMARC1; p=reject"],
}
PTR = ("1.2.0.192.in-addr.arpa", "PTR")
SPF = ("bounce.example.com", "TXT")
MX = ("bounce.example.com", "MX")
DKIM = ("s1._domainkey.example.com", "TXT")
DMARC = ("_dmarc.example.com", "TXT")


def check(changes: Zone | None = None, facts: DnsFacts = FACTS, **more: Any) -> DnsReport:
    return check_dns(FakeResolver({**RIGHT, **(changes or {})}, **more), facts)


def codes(report: DnsReport) -> set[str]:
    return {item.code for item in report.findings}


def test_a_fleet_that_is_right_has_no_findings() -> None:
    report = check()
    assert report.findings == ()
    assert report.checked >= 10
    assert [(cost.domain, cost.result.lookups) for cost in report.costs] == [("bounce.example.com", 0)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({PTR: []}, "ptr-missing"),
        ({PTR: ["other.example.com"]}, "ptr-unconfirmed"),
        ({PTR: ["other.example.com"], ("other.example.com", "A"): ["192.0.2.1"]}, "helo-differs"),
        ({("mta1.example.com", "A"): ["192.0.2.9"]}, "helo-without-address"),
        ({SPF: []}, "spf-missing"),
        ({SPF: ["v=spf1 ip4:192.0.2.2 ~all"]}, "spf-uncovered"),
        ({SPF: ["v=spf1 ip4:192.0.2.1 bogus"]}, "spf-permerror"),
        (
            {SPF: ["v=spf1 ip4:192.0.2.1 " + " ".join(f"a:mta1.example.com/{n}" for n in range(20, 31)) + " -all"]},
            "spf-lookups",
        ),
        ({SPF: ["v=spf1 ip4:192.0.2.1 include:gone.example.com -all"]}, "spf-broken-later"),
        ({DKIM: []}, "dkim-missing"),
        ({DKIM: ["v=DKIM1; p=OTHER"]}, "dkim-key"),
        ({DKIM: ["v=DKIM1; p="]}, "dkim-revoked"),
        ({DKIM: ["v=DKIM1; k=ed25519; p=MIGf"]}, "dkim-algorithm"),
        ({DKIM: ["v=DKIM1; h=sha1; p=MIGf"]}, "dkim-hash"),
        ({DKIM: ["v=DKIM1; s=tlsrpt; p=MIGf"]}, "dkim-service"),
        ({DKIM: ["v=DKIM1; t=y; p=MIGf"]}, "dkim-testing"),
        ({DKIM: ["p"]}, "dkim-unreadable"),
        ({DKIM: ["v=DKIM1; p=MIGf", "v=DKIM1; p=MIGg"]}, "dkim-several"),
        ({DMARC: []}, "dmarc-missing"),
        ({DMARC: ["v=DMARC1; p=maybe"]}, "dmarc-unreadable"),
        ({DMARC: ["v=DMARC1; p=none; adkim=s; aspf=s"]}, "dmarc-not-aligned"),
        ({MX: ["0 ."]}, "mx-null"),
        ({MX: ["10 gone.example.com"]}, "mx-without-address"),
        ({MX: []}, "mx-without-address"),
        ({MX: ["10 www.example.com"], ("www.example.com", "CNAME"): ["mta1.example.com"]}, "mx-alias"),
        ({MX: ["10 other.example.com"], ("other.example.com", "A"): ["203.0.113.1"]}, "mx-outside-fleet"),
        ({DKIM: DnsStatus.FAILED}, "dns-failed"),
        (
            {SPF: ["v=spf1 ip4:192.0.2.1 include:x.example.com -all"], ("x.example.com", "TXT"): DnsStatus.FAILED},
            "dns-failed",
        ),
    ],
)
def test_each_way_of_being_wrong(changes: Zone, code: str) -> None:
    assert code in codes(check(changes))


def test_a_finding_says_which_server_said_what() -> None:
    (item,) = check({DKIM: ["v=DKIM1; p=OTHER"]}).findings
    assert item.subject == "s1._domainkey.example.com"
    assert (item.answers[0].server, item.answers[0].records) == ("127.0.0.1:5300", ("v=DKIM1; p=OTHER",))


def test_mail_that_no_host_accepts() -> None:
    assert "mx-not-accepted" in codes(check(facts=replace(FACTS, accepts={"mta1": frozenset()})))


def test_an_address_of_two_hosts_and_one_with_two_names() -> None:
    (first,) = FACTS.sources
    twice = replace(FACTS, sources=(first, replace(first, host="mta2")))
    assert "address-twice" in codes(check(facts=twice))
    named = replace(FACTS, sources=(first, replace(first, helo="mta2.example.com", vmta="v2")))
    assert {"address-names", "helo-without-address"} <= codes(check(facts=named))
    assert codes(check(facts=replace(FACTS, sources=(first, replace(first, vmta="v2"))))) == set()


def test_servers_that_disagree_are_found_out_with_what_each_says() -> None:
    behind = DnsServer("127.0.0.1", 5301)
    old = {**RIGHT, DKIM: ["v=DKIM1; p=OLD"]}
    report = check(views={behind: old}, name_servers={"example.com": [behind]})
    (item,) = report.findings
    assert (item.code, item.subject) == ("dns-split", "s1._domainkey.example.com TXT")
    assert [answer.server for answer in item.answers] == ["127.0.0.1:5300", "127.0.0.1:5301"]


def test_a_name_server_that_cannot_be_reached_from_here_is_no_difference() -> None:
    gone = DnsServer("127.0.0.1", 5301)
    silent: Zone = dict.fromkeys(RIGHT, DnsStatus.TIMEOUT)
    assert check(views={gone: silent}, name_servers={"example.com": [gone]}).findings == ()


def test_offline_is_not_wrong() -> None:
    report = check(dict.fromkeys([*RIGHT, ("_dmarc.news.example.com", "TXT")], DnsStatus.TIMEOUT))
    assert {item.level for item in report.findings} == {DnsLevel.UNKNOWN}
    assert report.is_unknown
    assert not report.is_wrong
