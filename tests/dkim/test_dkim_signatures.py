"""What keys sign is verified by an implementation of DKIM that is not ours, with the record that we write."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dkim
import pytest
from signing_keys import pem, pkcs1

from pmtaform.dkim import load_private_key
from pmtaform.dkim.sign import parted, relaxed_body, relaxed_header, sign_message
from pmtaform.dkim.trial import trial_message
from pmtaform.dkim.verification import verify_signature
from pmtaform.dns.dkim_record import dkim_text

NOW = datetime.now(UTC) - timedelta(minutes=1)
KEY = load_private_key(pem())
SHOWN = dkim_text(KEY.p)


def signed(message: bytes | None = None) -> bytes:
    return sign_message(message or trial_message("example.com", NOW), KEY, "example.com", "s1", NOW)


def knows(text: str | None) -> Callable[[str], str | None]:
    """A DNS that has this record for the key, and nothing else."""
    return lambda name: text if name == "s1._domainkey.example.com" else None


def test_a_message_is_verified_by_dkimpy_itself() -> None:
    assert dkim.verify(signed(), dnsfunc=lambda name, timeout=5: SHOWN.encode())


def test_what_dkimpy_signs_is_verified_with_our_record() -> None:
    message = trial_message("example.com", NOW)
    header = dkim.sign(message, b"s1", b"example.com", pkcs1(), canonicalize=(b"relaxed", b"relaxed"))
    assert verify_signature(header + message, knows(SHOWN)).ok


def test_canonical_forms_are_those_of_the_rfcs_example() -> None:
    """RFC 6376, section 3.4.5."""
    headers, body = parted(b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n")
    assert [relaxed_header(*each) for each in headers] == [b"a:X", b"b:Y Z"]
    assert relaxed_body(body) == b" C\r\nD E\r\n"
    assert relaxed_body(b"") == b""
    assert relaxed_body(b"\r\n\r\n") == b""
    assert relaxed_body(b"no line end") == b"no line end\r\n"


MESSAGES = {
    "no body": b"From: a@example.com\r\n\r\n",
    "empty lines only": b"From: a@example.com\r\n\r\n\r\n\r\n",
    "no last line end": b"From: a@example.com\r\n\r\nx",
    "blanks of every kind": b"FROM:\t  a@example.com  \r\nSubject:   a\r\n \t b\r\n\r\n\t x  y \t\r\n \r\n",
    "a field twice": b"From: a@example.com\r\nSubject: one\r\nSubject: two\r\n\r\nx\r\n",
    "octets of any kind": b"From: a@example.com\r\nSubject: \xc3\xa4\r\n\r\n\xff\x00 .\r\n",
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_of_every_shape_verify(name: str) -> None:
    assert verify_signature(signed(MESSAGES[name]), knows(SHOWN)).ok


def test_a_signature_without_a_time_verifies() -> None:
    message = sign_message(trial_message("example.com", NOW), KEY, "example.com", "s1")
    assert b" t=" not in parted(message)[0][0][1]
    assert verify_signature(message, knows(SHOWN)).ok


@pytest.mark.parametrize("message", [b"no header", b"Subject: x\r\n\r\n", b"From a@b\r\n\r\n"])
def test_what_is_no_message_is_not_signed(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"message|header"):
        signed(message)


def odd(public: str) -> str:
    """A public key whose NULL is one octet long, over which dkimpy stumbles."""
    der = bytearray(base64.b64decode(public))
    der[der.index(b"\x05\x00\x03\x82") + 1] = 1
    return base64.b64encode(der).decode()


RECORDS = {
    "no record": (None, "missing public key"),
    "of another key": (dkim_text(load_private_key(pem("two")).p), "not of the key"),
    "revoked": (dkim_text(""), "public key"),
    "cut off": (SHOWN[:-100], "public key"),
    "odd": (f"p={odd(KEY.p)}", "no form that could be read"),
    "of another version": (SHOWN.replace("DKIM1", "DKIM2"), "bad version"),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_that_does_not_fit(name: str) -> None:
    record, why = RECORDS[name]
    verified = verify_signature(signed(), knows(record))
    assert not verified.ok
    assert why in verified.why


@pytest.mark.parametrize("record", [f"p={KEY.p}", f"k=rsa;p={KEY.p};", dkim_text(KEY.p, flags=("y", "s"))])
def test_a_record_may_be_written_in_other_ways(record: str) -> None:
    assert verify_signature(signed(), knows(record)).ok


@pytest.mark.parametrize("part", [b"Nobody", b"folded", b"dkim-test@", b"b=", b"bh="])
def test_a_message_that_was_changed_is_found_out(part: bytes) -> None:
    message = signed()
    at = message.index(part) + len(part)
    changed = message[:at] + (b"x" if message[at : at + 1] != b"x" else b"y") + message[at + 1 :]
    assert not verify_signature(changed, knows(SHOWN)).ok


def test_a_message_without_a_signature() -> None:
    assert verify_signature(trial_message("example.com", NOW), knows(SHOWN)).why == "the message has no signature"
