"""Whether certificates are what a server can show: their key, their order, their time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tls_files import Made, made

from pmtaform.diagnostics import Severity
from pmtaform.tls.checks import certificate_findings, expiry_findings, key_findings
from pmtaform.tls.content import read_tls_file

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def root() -> Made:
    return made("Test Root")


@pytest.fixture(scope="module")
def issuer(root: Made) -> Made:
    return made("Test Issuer", root)


@pytest.fixture(scope="module")
def mx(issuer: Made) -> Made:
    return made("mx.example.com", issuer, also=("mx2.example.com",))


def codes(content: bytes, key: bytes | None = None) -> list[str]:
    findings = certificate_findings("/x.pem", read_tls_file(content), read_tls_file(key) if key is not None else None)
    return [each.code for each in findings]


def test_a_chain_in_order_with_its_key_is_right_wherever_the_key_stands(mx: Made, issuer: Made, root: Made) -> None:
    assert codes(mx.pem + issuer.pem + root.pem + mx.key_pem) == []
    assert codes(mx.key_pem + mx.pem + issuer.pem) == []
    assert codes(mx.pem + issuer.pem, mx.key_pem) == []
    assert codes(mx.pem) == []


def test_another_key_is_reported(mx: Made, root: Made) -> None:
    assert codes(mx.pem + root.key_pem) == ["certificate-key"]
    assert codes(mx.pem, root.key_pem) == ["certificate-key"]
    assert codes(mx.pem + mx.key_pem, mx.key_pem) == ["certificate-keys"]


def test_the_servers_own_certificate_stands_first(mx: Made, issuer: Made, root: Made) -> None:
    assert codes(issuer.pem + mx.pem + mx.key_pem) == ["certificate-order"]
    assert codes(issuer.pem + mx.pem) == ["certificate-order"], "without the key, the names tell it"
    assert codes(mx.pem + root.pem + issuer.pem) == ["certificate-order"]


def test_a_certificate_that_no_one_asked_for(mx: Made, root: Made) -> None:
    (item,) = certificate_findings("/x.pem", read_tls_file(mx.pem + root.pem))
    assert (item.code, item.severity) == ("certificate-chain", Severity.WARNING)
    assert "CN=Test Issuer" in item.detail


def test_damage_is_reported_and_nothing_else(mx: Made) -> None:
    assert codes(mx.pem.replace(b"MII", b"M!I")) == ["pem-damaged"]
    assert codes(mx.pem[:-20]) == ["pem-damaged"]
    assert codes(b"no certificate") == ["certificate-missing"]
    assert [each.code for each in key_findings("/k", read_tls_file(mx.pem))] == ["private-key-missing"]
    assert list(key_findings("/k", read_tls_file(mx.key_pem))) == []


def test_a_locked_key_cannot_be_compared_and_is_no_error(mx: Made, root: Made) -> None:
    locked = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n"
    assert codes(mx.pem + locked) == []
    assert read_tls_file(locked).keys[0].kind == "locked with a passphrase"


@pytest.mark.parametrize(
    ("left", "code", "severity"),
    [
        (timedelta(days=30, hours=1), None, None),
        (timedelta(days=30), "certificate-expires", Severity.WARNING),
        (timedelta(hours=1), "certificate-expires", Severity.WARNING),
        (timedelta(0), "certificate-expired", Severity.ERROR),
        (timedelta(days=-400), "certificate-expired", Severity.ERROR),
    ],
)
def test_time_is_reported_thirty_days_ahead(left: timedelta, code: str | None, severity: Severity | None) -> None:
    pem = read_tls_file(made("mx.example.com", ends=NOW + left).pem)
    items = list(expiry_findings("/x.pem", pem, NOW))
    assert [(each.code, each.severity) for each in items] == ([(code, severity)] if code else [])


def test_what_is_not_valid_yet_is_reported() -> None:
    pem = read_tls_file(made("mx.example.com").pem)
    early = pem.certificates[0].begins - timedelta(minutes=1)
    assert [each.code for each in expiry_findings("/x.pem", pem, early)] == ["certificate-too-early"]


def test_a_certificate_is_described_by_its_names_and_its_end(mx: Made) -> None:
    assert str(read_tls_file(mx.pem).certificates[0]).startswith(
        "mx.example.com (also for mx2.example.com), expires 20"
    )
