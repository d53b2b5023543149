"""The wanted records, and that each format is read back as what was meant."""

from __future__ import annotations

import json
import re
from ipaddress import ip_address

import dns.rdatatype
import dns.zone
import pytest
import yaml
from signing_keys import FORMATS, other_type, pem

from pmtaform.dkim import load_private_key
from pmtaform.dns.dkim_record import chunked, dkim_problems, dkim_text
from pmtaform.dns.facts import DnsFacts, PublicKey, Selector, SendingAddress
from pmtaform.dns.formats import As, write_records
from pmtaform.dns.formats.bind import quoted
from pmtaform.dns.formats.terraform import hcl
from pmtaform.dns.public_key import public_key_of
from pmtaform.dns.records import DnsRecord, records_of, zone_of

LONG = PublicKey("A" * 700, "rsa")
FACTS = DnsFacts(
    sources=(
        SendingAddress(host="mta1", vmta="", address="192.0.2.0", helo="mta1.example.com"),
        SendingAddress(host="mta1", vmta="v2", address="192.0.2.1", helo="mta1.example.com"),
        SendingAddress(host="mta2", vmta="", address="2001:db8::1", helo="mta2.example.com"),
    ),
    selectors=(
        Selector(domain="example.com", selector="s1", public=LONG),
        Selector(domain="example.com", selector="unread", public=None),
    ),
    envelope_domains=("bounce.example.com",),
    from_domains=("example.com", "news.example.com"),
    accepts={},
)
RECORDS = records_of(FACTS)
ODD = DnsRecord(zone="example.com", name="example.com", kind="TXT", value='a "b" \\ ${c} %{d}; é', purpose="spf")


def test_what_is_wanted() -> None:
    wanted = {(r.name, r.kind): r.value for r in RECORDS if r.kind in ("TXT", "PTR", "AAAA")}
    v6 = ip_address("2001:db8::1").reverse_pointer
    assert wanted == {
        ("0.2.0.192.in-addr.arpa", "PTR"): "mta1.example.com",
        ("1.2.0.192.in-addr.arpa", "PTR"): "mta1.example.com",
        (v6, "PTR"): "mta2.example.com",
        ("mta2.example.com", "AAAA"): "2001:db8::1",
        ("bounce.example.com", "TXT"): "v=spf1 ip4:192.0.2.0/31 ip6:2001:db8::1 -all",
        ("s1._domainkey.example.com", "TXT"): "v=DKIM1; k=rsa; p=" + "A" * 700,
        ("_dmarc.example.com", "TXT"): "v=DMARC1; p=none",
    }
    assert [r.value for r in RECORDS if r.kind == "A"] == ["192.0.2.0", "192.0.2.1"]


def test_a_zone_alone() -> None:
    assert {r.zone for r in records_of(FACTS, "2.0.192.in-addr.arpa.")} == {"2.0.192.in-addr.arpa"}


@pytest.mark.parametrize(
    ("name", "zones", "zone"),
    [
        ("mta1.example.com", [], "example.com"),
        ("mta1.example.org", [], "example.org"),
        ("a.mail.example.com", ["mail.example.com", "example.com"], "mail.example.com"),
        ("1.2.0.192.in-addr.arpa", [], "2.0.192.in-addr.arpa"),
    ],
)
def test_zones_are_stated_or_guessed(name: str, zones: list[str], zone: str) -> None:
    assert zone_of(name, zones, {"example.com", "bounce.example.com"}) == zone


def test_texts_are_cut_into_strings_of_255() -> None:
    strings = chunked(dkim_text("A" * 700))
    assert [len(s) for s in strings] == [255, 255, 208]
    assert dkim_problems("".join(strings), "A" * 700) == ()


def test_bind_is_read_back_by_a_parser_of_zone_files() -> None:
    text = write_records([*RECORDS, ODD], As.BIND)
    zone = dns.zone.from_text(text, origin=".", relativize=False, check_origin=False)
    read = set()
    for name, ttl, data in zone.iterate_rdatas():
        kind = dns.rdatatype.to_text(data.rdtype)
        value = b"".join(data.strings).decode() if kind == "TXT" else data.to_text().rstrip(".")
        read.add((name.to_text().rstrip("."), kind, value, ttl))
    assert read == {(r.name, r.kind, r.value, r.ttl) for r in (*RECORDS, ODD)}
    assert quoted('"\\é') == '"\\"\\\\\\195\\169"'


def test_octodns_is_read_back_by_a_parser_of_yaml() -> None:
    documents = list(yaml.safe_load_all(write_records([*RECORDS, ODD], As.OCTODNS)))
    zone = documents[-1]
    assert zone["mta1"] == [{"ttl": 3600, "type": "A", "values": ["192.0.2.0", "192.0.2.1"]}]
    assert zone["_dmarc"] == [{"ttl": 3600, "type": "TXT", "value": "v=DMARC1\\; p=none"}]
    assert zone[""][0]["value"] == ODD.value.replace(";", "\\;")
    assert {entry["value"] for item in documents[:-1] for (entry,) in item.values()} == {
        "mta1.example.com.",
        "mta2.example.com.",
    }


def test_octodns_wants_natural_order() -> None:
    hosts = [
        DnsRecord(zone="example.com", name=f"mta{n}.example.com", kind="A", value=f"192.0.2.{n}", purpose="helo")
        for n in (10, 2, 1)
    ]
    assert list(yaml.safe_load(write_records(hosts, As.OCTODNS))) == ["mta1", "mta2", "mta10"]


def test_dnscontrol_has_every_record_as_a_call() -> None:
    text = write_records([*RECORDS, ODD], As.DNSCONTROL)
    calls = re.findall(r"^  (A|AAAA|PTR|TXT)\((\".*?\"), (\".*\"), TTL\(3600\)\),?$", text, re.MULTILINE)
    assert len(calls) == len(RECORDS) + 1
    assert ("TXT", '"@"', json.dumps(ODD.value)) in calls
    assert text.count("D_EXTEND(") == len({r.zone for r in RECORDS})


@pytest.mark.parametrize(("form", "kind"), [(As.ROUTE53, "aws_route53_record"), (As.CLOUDFLARE, "cloudflare_record")])
def test_terraform_names_are_valid_and_unique(form: As, kind: str) -> None:
    alike = [
        DnsRecord(zone="example.com", name=name, kind="TXT", value="x", purpose="spf")
        for name in ("a-b.example.com", "a.b.example.com", "a_b.example.com", "1.example.com")
    ]
    text = write_records([*RECORDS, *alike, ODD], form)
    names = re.findall(rf'^resource "{kind}" "(.+)" {{$', text, re.MULTILINE)
    assert len(names) == len(set(names)) >= len(alike) + 8
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name) for name in names)
    assert "$${c} %%{d}" in text


def test_route53_has_record_sets_and_joins_strings_as_the_provider_wants() -> None:
    text = write_records(RECORDS, As.ROUTE53)
    assert 'records = ["192.0.2.0", "192.0.2.1"]' in text
    assert f'{"A" * 237}\\"\\"{"A" * 255}\\"\\"' in text


def test_hcl_texts_are_no_templates() -> None:
    assert hcl('a"${b}') == '"a\\"$${b}"'


def test_json_has_everything() -> None:
    document = json.loads(write_records(RECORDS, As.JSON))
    assert document["kind"] == "pmtaform-dns-records"
    assert {(r["name"], r["type"], r["value"]) for r in document["records"]} == {
        (r.name, r.kind, r.value) for r in RECORDS
    }
    assert all("".join(r["strings"]) == r["value"] for r in document["records"] if r["type"] == "TXT")


@pytest.mark.parametrize(
    ("content", "passphrase", "algorithm"),
    [
        (pem(), None, "rsa"),
        (pem(form=FORMATS.OpenSSH), None, "rsa"),
        (pem(passphrase=b"right"), b"right", "rsa"),
        (pem(passphrase=b"right"), b"wrong", None),
        (other_type("ed25519"), b"for another", "ed25519"),
        (other_type("ec"), None, None),
        (pem() + pem("two"), None, None),
        (b"", None, None),
    ],
    ids=["PKCS#8", "OpenSSH", "locked", "locked, wrongly", "Ed25519", "EC", "two", "nothing"],
)
def test_the_public_key_of_what_a_plan_takes(content: bytes, passphrase: bytes | None, algorithm: str | None) -> None:
    public_key = public_key_of(content, passphrase)
    assert (public_key and public_key.algorithm) == algorithm
    assert public_key is None or algorithm != "rsa" or public_key.key == load_private_key(pem()).p
