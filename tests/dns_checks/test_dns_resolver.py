"""One contract for every resolver, and what only a real one has to stand: late, cut short, gone."""

from __future__ import annotations

import socket
import time

import pytest
from dns_server import Start, Zone

from pmtaform.dns.fake import FakeResolver
from pmtaform.dns.live import LiveResolver
from pmtaform.dns.resolver import DnsResolver, DnsServer, DnsStatus, reverse_name

ZONE: Zone = {
    ("example.com", "NS"): ["ns1.example.com"],
    ("mta1.example.com", "A"): ["192.0.2.2", "192.0.2.1"],
    ("mta1.example.com", "AAAA"): ["2001:db8::1"],
    ("1.2.0.192.in-addr.arpa", "PTR"): ["mta1.example.com"],
    ("example.com", "MX"): ["10 mta1.example.com"],
    ("example.com", "TXT"): ["v=spf1 -all"],
    ("long.example.com", "TXT"): ["p=" + "x" * 400],
    ("www.example.com", "CNAME"): ["alias.example.com"],
    ("alias.example.com", "CNAME"): ["mta1.example.com"],
    ("round.example.com", "CNAME"): ["about.example.com"],
    ("about.example.com", "CNAME"): ["round.example.com"],
    ("refused.example.com", "A"): DnsStatus.REFUSED,
    ("broken.example.com", "A"): DnsStatus.FAILED,
}


@pytest.fixture(params=["fake", "live"])
def resolver(request: pytest.FixtureRequest, name_server: Start) -> DnsResolver:
    if request.param == "fake":
        return FakeResolver(ZONE, name_servers={"example.com": [DnsServer("127.0.0.1", 5300)]})
    server = name_server(ZONE).server
    return LiveResolver([server], timeout=2, tries=1, endpoints={"ns1.example.com": server})


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("mta1.example.com", "A", ("192.0.2.1", "192.0.2.2")),
        ("MTA1.Example.COM.", "aaaa", ("2001:db8::1",)),
        ("1.2.0.192.in-addr.arpa", "PTR", ("mta1.example.com",)),
        ("example.com", "MX", ("10 mta1.example.com",)),
        ("long.example.com", "TXT", ("p=" + "x" * 400,)),
    ],
)
def test_records_are_text_sorted_and_joined(
    resolver: DnsResolver, name: str, kind: str, records: tuple[str, ...]
) -> None:
    answer = resolver.ask(name, kind)
    assert (answer.status, answer.records, answer.ttl) == (DnsStatus.ANSWERED, records, 300)
    assert answer.server == str(resolver.servers[0])


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("nowhere.example.com", "A", DnsStatus.NO_SUCH_NAME),
        ("mta1.example.com", "MX", DnsStatus.NO_DATA),
        ("refused.example.com", "A", DnsStatus.REFUSED),
        ("broken.example.com", "A", DnsStatus.FAILED),
        ("round.example.com", "A", DnsStatus.FAILED),
    ],
)
def test_what_is_no_answer_says_why(resolver: DnsResolver, name: str, kind: str, status: DnsStatus) -> None:
    assert resolver.ask(name, kind).status is status


def test_aliases_are_followed_and_reported(resolver: DnsResolver) -> None:
    answer = resolver.ask("www.example.com", "A")
    assert answer.records == ("192.0.2.1", "192.0.2.2")
    assert answer.chain == ("alias.example.com", "mta1.example.com")


def test_the_name_servers_of_a_zone_are_found_from_below(resolver: DnsResolver) -> None:
    (server,) = resolver.authoritative("a.b.mta1.example.com")
    assert resolver.ask("example.com", "TXT", server=server).records == ("v=spf1 -all",)
    assert resolver.authoritative("example.org") == ()


def test_an_answer_cut_short_is_asked_for_over_tcp(name_server: Start) -> None:
    server = name_server(ZONE, truncated=frozenset({"long.example.com"}))
    answer = LiveResolver([server.server]).ask("long.example.com", "TXT")
    assert answer.records == ("p=" + "x" * 400,)
    assert [protocol for protocol, _, _ in server.asked] == ["udp", "tcp"]


def test_a_late_server_is_asked_again(name_server: Start) -> None:
    server = name_server(ZONE, drop=1)
    assert LiveResolver([server.server], timeout=0.2, tries=50).ask("example.com", "TXT").records == ("v=spf1 -all",)


def test_the_next_server_is_asked_when_one_refuses(name_server: Start) -> None:
    first = name_server({("example.com", "TXT"): DnsStatus.REFUSED})
    second = name_server(ZONE)
    answer = LiveResolver([first.server, second.server]).ask("example.com", "TXT")
    assert answer.server == str(second.server)


def test_silence_ends_at_the_deadline() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        server = DnsServer("127.0.0.1", silent.getsockname()[1])
        began = time.monotonic()
        answer = LiveResolver([server], timeout=60, tries=9, deadline=0.2).ask("example.com", "A")
    assert answer.status is DnsStatus.TIMEOUT
    assert time.monotonic() - began < 30


def test_a_server_that_never_says_a_word_is_given_up(name_server: Start) -> None:
    server = name_server(ZONE, drop=16)
    resolver = LiveResolver([server.server], timeout=0.02, tries=16)
    assert resolver.ask("example.com", "A").status is DnsStatus.TIMEOUT
    assert resolver.ask("example.com", "TXT").status is DnsStatus.TIMEOUT
    assert server.asked == []


def test_no_one_to_ask_is_offline() -> None:
    assert LiveResolver([]).ask("example.com", "A").status is DnsStatus.OFFLINE


def test_a_name_that_cannot_be_is_no_such_name(name_server: Start) -> None:
    server = name_server(ZONE)
    assert LiveResolver([server.server]).ask("x" * 70 + ".example.com", "A").status is DnsStatus.NO_SUCH_NAME
    assert server.asked == []


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", DnsServer("192.0.2.1")),
        ("127.0.0.1:5300", DnsServer("127.0.0.1", 5300)),
        ("::1", DnsServer("::1")),
        ("[::1]:5300", DnsServer("::1", 5300)),
    ],
)
def test_servers_are_written_with_their_ports(text: str, server: DnsServer) -> None:
    assert DnsServer.parse(text) == server
    assert DnsServer.parse(str(server)) == server


def test_reverse_names() -> None:
    assert reverse_name("192.0.2.1") == "1.2.0.192.in-addr.arpa"
    assert reverse_name("2001:db8::1").startswith("1.0.0.0.")
