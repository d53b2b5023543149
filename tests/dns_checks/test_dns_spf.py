"""SPF as RFC 7208 has it: each test is a sentence of the RFC."""

from __future__ import annotations

import pytest

from pmtaform.dns.fake import FakeResolver, Zone
from pmtaform.dns.resolver import DnsStatus
from pmtaform.dns.spf import SpfVerdict, check_host, costs_of

HOSTS: Zone = {
    ("mta1.example.com", "A"): ["192.0.2.10"],
    ("mta1.example.com", "AAAA"): ["2001:db8::10"],
    ("example.com", "MX"): ["10 mta1.example.com"],
    ("example.com", "A"): ["192.0.2.20"],
    ("10.2.0.192.in-addr.arpa", "PTR"): ["mta1.example.com"],
    ("pass.example.net", "TXT"): ["v=spf1 ip4:192.0.2.10 -all"],
    ("fails.example.net", "TXT"): ["v=spf1 -all"],
    ("none.example.net", "TXT"): ["hello"],
    ("192.0.2.10.in-addr.sp.example.com", "A"): ["127.0.0.2"],
}


def verdict(record: str, address: str = "192.0.2.10", **more: object) -> SpfVerdict:
    resolver = FakeResolver({**HOSTS, ("example.com", "TXT"): ["google-site=x", record]})
    return check_host(resolver, "example.com", address).verdict


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 +all", "pass"),
        ("v=spf1", "neutral"),
        ("v=spf1 ?all", "neutral"),
        ("v=spf1 ~all", "softfail"),
        ("v=spf1 ip4:192.0.2.0/28 -all", "pass"),
        ("v=spf1 ip4:192.0.2.0/29 -all", "fail"),
        ("v=spf1 ip6:2001:db8::/32 -all", "fail"),
        ("v=spf1 a -all", "fail"),
        ("v=spf1 a/24 -all", "pass"),
        ("v=spf1 A:MTA1.example.com -all", "pass"),
        ("v=spf1 mx -all", "pass"),
        ("v=spf1 mx:example.com/32//64 -all", "pass"),
        ("v=spf1 ptr -all", "pass"),
        ("v=spf1 ptr:example.org -all", "fail"),
        ("v=spf1 exists:%{i}.%{v}.sp.%{d} -all", "pass"),
        ("v=spf1 include:pass.example.net -all", "pass"),
        ("v=spf1 include:fails.example.net ~all", "softfail"),
        ("v=spf1 include:none.example.net -all", "permerror"),
        ("v=spf1 redirect=pass.example.net", "pass"),
        ("v=spf1 redirect=none.example.net", "permerror"),
        ("v=spf1 redirect=pass.example.net ?all", "neutral"),
        ("v=spf1 include:example.com -all", "permerror"),
        ("v=spf1 ip4:192.0.2.10 nonsense", "permerror"),
        ("v=spf1 ip4:192.0.2.300 -all", "permerror"),
        ("v=spf1 a:%{x} -all", "permerror"),
        ("v=spf1 a/33 -all", "permerror"),
        ("v=spf1 unknown=modifier ip4:192.0.2.10", "pass"),
        ("v=spf10 +all", "none"),
    ],
)
def test_verdicts(record: str, result: str) -> None:
    assert verdict(record) == result


def test_ipv6_is_matched_by_aaaa() -> None:
    assert verdict("v=spf1 a:mta1.example.com -all", "2001:db8::10") is SpfVerdict.PASS
    assert verdict("v=spf1 a:mta1.example.com//32 -all", "2001:db8:1::1") is SpfVerdict.PASS


def test_two_records_are_one_too_many() -> None:
    resolver = FakeResolver({("example.com", "TXT"): ["v=spf1 +all", "v=spf1 -all"]})
    assert check_host(resolver, "example.com", "192.0.2.1").verdict is SpfVerdict.PERMERROR


def test_a_server_that_fails_is_a_temporary_error() -> None:
    resolver = FakeResolver({("example.com", "TXT"): DnsStatus.FAILED})
    result = check_host(resolver, "example.com", "192.0.2.1")
    assert result.verdict is SpfVerdict.TEMPERROR
    assert result.unasked[0].status is DnsStatus.FAILED


def chain(length: int) -> Zone:
    zone = {(f"i{n}.example.com", "TXT"): [f"v=spf1 include:i{n + 1}.example.com ?all"] for n in range(length)}
    return {**zone, (f"i{length}.example.com", "TXT"): ["v=spf1 ip4:192.0.2.1 -all"]}


def test_ten_lookups_are_allowed_and_eleven_are_not() -> None:
    assert check_host(FakeResolver(chain(10)), "i0.example.com", "192.0.2.1").verdict is SpfVerdict.PASS
    result = check_host(FakeResolver(chain(11)), "i0.example.com", "192.0.2.1")
    assert result.verdict is SpfVerdict.PERMERROR
    assert "11th lookup" in result.why


def test_costs_are_reported_for_each_mechanism_with_all_below_it() -> None:
    zone = {**HOSTS, **chain(3), ("example.com", "TXT"): ["v=spf1 ip4:192.0.2.1 mx include:i0.example.com a -all"]}
    result = costs_of(FakeResolver(zone), "example.com")
    assert [(cost.term, cost.lookups) for cost in result.costs] == [("mx", 1), ("include:i0.example.com", 4), ("a", 1)]
    assert result.lookups == 6


def test_a_third_lookup_that_finds_nothing_is_an_error() -> None:
    record = "v=spf1 a:x.example.com a:y.example.com {} +all"
    assert verdict(record.format("")) is SpfVerdict.PASS
    assert verdict(record.format("a:z.example.com")) is SpfVerdict.PERMERROR


def test_more_than_ten_exchanges_are_an_error() -> None:
    zone = {**HOSTS, ("example.com", "MX"): [f"10 m{n}.example.com" for n in range(11)]}
    resolver = FakeResolver({**zone, ("example.com", "TXT"): ["v=spf1 mx -all"]})
    assert check_host(resolver, "example.com", "192.0.2.1").verdict is SpfVerdict.PERMERROR
