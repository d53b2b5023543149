"""Whether the world sees a selector's record: every server is asked by itself, and silence is no answer."""

from __future__ import annotations

import pytest

from pmtaform.dkim.observation import RecordStatus
from pmtaform.dns.facts import PublicKey
from pmtaform.dns.fake import FakeResolver, Zone
from pmtaform.dns.published import look_at_record
from pmtaform.dns.resolver import DnsServer, DnsStatus

NAME = "s._domainkey.example.com"
KEY = PublicKey("AAAA", "rsa")
OWNERS = (DnsServer("192.0.2.1"), DnsServer("192.0.2.2"))
RESOLVER = DnsServer("192.0.2.53")
HERE = ["v=DKIM1; k=rsa; p=AAAA"]
OTHER = ["v=DKIM1; k=rsa; p=BBBB"]
REVOKED = ["v=DKIM1; p="]
CommandResult = list[str] | DnsStatus | None


def look(
    one: CommandResult, two: CommandResult, resolver: CommandResult, *, owners: bool = True, authoritative: bool = True
) -> RecordStatus:
    def zone(result: CommandResult) -> Zone:
        return {("example.com", "A"): ["192.0.2.9"], **({(NAME, "TXT"): result} if result is not None else {})}

    made = FakeResolver(
        {},
        views={OWNERS[0]: zone(one), OWNERS[1]: zone(two), RESOLVER: zone(resolver)},
        name_servers={"example.com": OWNERS} if owners else {},
        servers=(RESOLVER,),
    )
    return look_at_record(made, NAME, KEY, authoritative=authoritative)


@pytest.mark.parametrize(
    ("result", "published", "verified", "gone"),
    [
        ((HERE, HERE, HERE), True, True, False),
        ((HERE, HERE, None), True, False, False),
        ((HERE, None, HERE), False, False, False),
        ((None, None, None), False, False, True),
        ((REVOKED, REVOKED, REVOKED), False, False, True),
        ((OTHER, OTHER, OTHER), False, False, False),
        (([*HERE, *OTHER], HERE, HERE), False, False, False),
        ((["v=DKIM1; t=y; p=AAAA"], HERE, HERE), True, True, False),
        ((["no record"], HERE, HERE), False, False, False),
        ((HERE, HERE, DnsStatus.TIMEOUT), True, None, False),
        ((HERE, DnsStatus.FAILED, HERE), None, None, False),
        ((DnsStatus.TIMEOUT, None, HERE), False, False, False),
        ((None, None, DnsStatus.TIMEOUT), False, False, None),
    ],
)
def test_what_servers_say(
    result: tuple[CommandResult, CommandResult, CommandResult], published: object, verified: object, gone: object
) -> None:
    seen = look(*result)
    assert (seen.published, seen.verified, seen.gone) == (published, verified, gone)
    assert bool(seen.why) == (verified is not True)


def test_who_said_it_is_named() -> None:
    assert look(HERE, None, HERE).why == "192.0.2.2:53 has no record"
    assert "192.0.2.53:53 has another record: Its public key is not that" in look(HERE, HERE, OTHER).why
    assert look(HERE, HERE, DnsStatus.TIMEOUT).why == "192.0.2.53:53 gives no answer (timeout)"


def test_a_zone_whose_servers_cannot_be_found_is_not_verified() -> None:
    seen = look(HERE, HERE, HERE, owners=False)
    assert (seen.published, seen.verified) == (None, None)
    assert seen.why == "the zone's own name servers cannot be found"
    without = look(None, None, HERE, owners=False, authoritative=False)
    assert (without.published, without.verified) == (True, True)


def test_without_a_key_nothing_fits_and_without_resolvers_no_one_can_say() -> None:
    zone: Zone = {(NAME, "TXT"): HERE}
    assert look_at_record(FakeResolver(zone), NAME, None, authoritative=False).verified is False
    unknown = look_at_record(FakeResolver(zone, servers=()), NAME, KEY, authoritative=False)
    assert (unknown.published, unknown.verified, unknown.why) == (None, None, "there is no resolver to ask")
