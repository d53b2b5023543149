"""`pmtaform dns` from a stack to a real name server on loopback, and back."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dns_server import NameServer, Start, Zone
from projects import ProjectFolder

from pmtaform.api.dns import dns_facts
from pmtaform.dns.public_key import public_key_of
from pmtaform.stack import load_stack
from pmtaform.stack.schema import json_schema

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
CONFIG = """
    smtp-source-host: 192.0.2.1 mta1.example.com
    virtual-mta:
      v6: {smtp-source-host: "2001:db8::1 mta1.example.com"}
    relay-domain: local.example.com
    bounce-processor:
      address-list: {domain: bounce.example.com}
    feedback-loop-processor:
      address-list: {domain: fbl.example.com}
"""


def public() -> str:
    public_key = public_key_of(KEY)
    assert public_key is not None
    return public_key.key


def right() -> dict[tuple[str, str], list[str]]:
    return {
        ("mta1.example.com", "A"): ["192.0.2.1"],
        ("mta1.example.com", "AAAA"): ["2001:db8::1"],
        ("1.2.0.192.in-addr.arpa", "PTR"): ["mta1.example.com"],
        ("1.0.0.0" + ".0" * 20 + ".8.b.d.0.1.0.0.2.ip6.arpa", "PTR"): ["mta1.example.com"],
        ("bounce.example.com", "TXT"): ["v=spf1 include:spf.example.com -all"],
        ("spf.example.com", "TXT"): ["v=spf1 ip4:192.0.2.1 ip6:2001:db8::/64 -all"],
        ("bounce.example.com", "MX"): ["10 mta1.example.com"],
        ("fbl.example.com", "MX"): ["10 mta1.example.com"],
        ("s1._domainkey.example.com", "TXT"): [f"v=DKIM1; k=ed25519; p={public()}"],
        ("_dmarc.example.com", "TXT"): ["v=DMARC1; p=none"],
    }


@pytest.fixture
def fleet(one: ProjectFolder) -> ProjectFolder:
    one.add_file("s1.pem", KEY)
    return one


def write(fleet: ProjectFolder, **dns: object) -> None:
    result = {"timeout": "2s", "tries": 2, **dns}
    fleet.config(CONFIG, f'dkim-keys: {{example.com/s1: {{private-key: "file:s1.pem"}}}}\ndns: {json.dumps(result)}\n')


def asking(fleet: ProjectFolder, *servers: NameServer, **dns: object) -> ProjectFolder:
    write(fleet, resolvers=[str(each.server) for each in servers], **dns)
    return fleet


def test_a_fleet_that_is_right(fleet: ProjectFolder, name_server: Start) -> None:
    result = asking(fleet, name_server(right())).run("dns", "check").ended(0)
    assert "all is right" in result.out
    assert "bounce.example.com: 1 (include:spf.example.com 1)" in result.out


def test_what_is_wrong_exits_3_and_says_who_said_it(fleet: ProjectFolder, name_server: Start) -> None:
    zone: Zone = {**right(), ("1.2.0.192.in-addr.arpa", "PTR"): ["wrong.example.com"]}
    server = name_server(zone)
    document = asking(fleet, server).run("dns", "check", "fleet", "--format", "json").ended(3).json()
    (item,) = document["findings"]
    assert (item["level"], item["code"], item["subject"]) == ("error", "ptr-unconfirmed", "192.0.2.1")
    assert item["answers"][0]["server"] == str(server.server)
    assert item["answers"][0]["records"] == ["wrong.example.com"]
    text = fleet.run("dns", "check").ended(3)
    assert "192.0.2.1: error: Reverse DNS not forward-confirmed [ptr-unconfirmed]" in text.out


def test_two_resolvers_that_disagree(fleet: ProjectFolder, name_server: Start) -> None:
    old: Zone = {**right(), ("_dmarc.example.com", "TXT"): ["v=DMARC1; p=reject"]}
    result = asking(fleet, name_server(right()), name_server(old)).run("dns", "check").ended(3)
    assert "dns-split" in result.out


def test_offline_exits_7(fleet: ProjectFolder, name_server: Start) -> None:
    server = name_server(right(), drop=10_000)
    result = asking(fleet, server, timeout=0.05, tries=1).run("dns", "check").ended(7)
    assert "could not be asked" in result.words


def test_switched_off(fleet: ProjectFolder, name_server: Start) -> None:
    server = name_server(right())
    result = asking(fleet, server, mode="off").run("dns", "check").ended(0)
    assert "dns-off" in result.err
    assert server.asked == []


@pytest.mark.parametrize(
    "wrong",
    [{"resolvers": ["localhost"]}, {"resolvers": ["127.0.0.1:99999"]}, {"mode": "maybe"}, {"from-domains": ["a b"]}],
)
def test_settings_that_cannot_be(fleet: ProjectFolder, wrong: dict[str, object]) -> None:
    write(fleet, **wrong)
    fleet.run("dns", "check").ended(78)


def test_the_schema_knows_the_settings() -> None:
    schema = jsonschema.Draft202012Validator(json_schema())
    good = {
        "mode": "require",
        "resolvers": ["127.0.0.1:5300"],
        "timeout": "2s",
        "tries": 1,
        "from-domains": ["a.example"],
    }
    schema.validate({"dns": good})
    for wrong in ({"mode": "maybe"}, {"tries": 0}, {"resolver": "127.0.0.1"}):
        assert not schema.is_valid({"dns": wrong}), wrong


def test_the_records_written_make_the_check_pass(fleet: ProjectFolder, name_server: Start) -> None:
    write(fleet)
    rows = fleet.run("dns", "records", "--as", "json").ended(0).json()["records"]
    zone: dict[tuple[str, str], list[str]] = {
        (domain, "MX"): ["10 mta1.example.com"] for domain in ("bounce.example.com", "fbl.example.com")
    }
    for row in rows:
        zone.setdefault((row["name"], row["type"]), []).append(row["value"])
    asking(fleet, name_server(zone)).run("dns", "check").ended(0)


def test_formats_and_zones(fleet: ProjectFolder) -> None:
    write(fleet)
    assert "1.2.0.192.in-addr.arpa. 3600 IN PTR mta1.example.com." in fleet.run("dns", "records").ended(0).out
    result = fleet.run("dns", "records", "--as", "octodns", "--zone", "example.com").ended(0)
    (zone,) = yaml.safe_load_all(result.out)
    assert zone["mta1"][0] == {"ttl": 3600, "type": "A", "value": "192.0.2.1"}
    for form in ("dnscontrol", "route53", "cloudflare"):
        assert public() in fleet.run("dns", "records", "--as", form).ended(0).out


def test_a_key_that_cannot_be_read_takes_only_its_record_away(fleet: ProjectFolder) -> None:
    write(fleet)
    (fleet.folder / "s1.pem").unlink()
    result = fleet.run("dns", "records").ended(0)
    assert "_domainkey" not in result.out
    assert "_dmarc.example.com" in result.out
    assert "warning" in result.err


def test_a_private_key_is_never_put_out(fleet: ProjectFolder) -> None:
    write(fleet)
    body = KEY.decode().splitlines()[1]
    for form in ("bind", "json", "route53"):
        assert body not in fleet.run("dns", "records", "--as", form).ended(0).all


def test_a_host_alone_and_one_that_is_not_there(fleet: ProjectFolder, name_server: Start) -> None:
    fleet.add_host("mta2")
    asking(fleet, name_server(right()))
    assert "address-twice" in fleet.run("dns", "check").ended(3).out
    fleet.run("dns", "check", "--host", "mta1").ended(0)
    fleet.run("dns", "check", "--host", "nowhere").ended(64)


def test_what_is_derived_from_the_configuration(fleet: ProjectFolder) -> None:
    write(fleet, **{"envelope-domains": ["env.example.com"], "bounce-domains": ["more.example.com"]})
    facts, problems = dns_facts(load_stack(fleet.folder))
    assert problems == ()
    assert [(s.host, s.vmta, s.address, s.helo) for s in facts.sources] == [
        ("mta1", "", "192.0.2.1", "mta1.example.com"),
        ("mta1", "v6", "2001:db8::1", "mta1.example.com"),
    ]
    assert facts.bounce_domains == ("bounce.example.com", "more.example.com")
    assert facts.envelope_domains == ("bounce.example.com", "env.example.com", "more.example.com")
    assert facts.feedback_domains == ("fbl.example.com",)
    assert facts.from_domains == ("example.com",)
    assert facts.accepts["mta1"] == {"bounce.example.com", "fbl.example.com", "local.example.com"}
    assert facts.selectors[0].name == "s1._domainkey.example.com"
