"""DKIM records in DNS."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

DNS_FAILED: Final = Definition(
    code="dns-failed",
    summary="DNS lookup failed",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "A name server failed to answer for the name, so receivers get the same failure and delay or reject mail. "
        "Check the zone's name servers, its delegation and its DNSSEC signatures."
    ),
)
DNS_UNREACHABLE: Final = Definition(
    code="dns-unreachable",
    summary="DNS not reachable",
    kind=Kind.HOST_UNREACHABLE,
    explanation=(
        "No resolver answered, so pmtaform does not know whether the record is right. Check the network and the "
        "resolvers under dns in the stack."
    ),
)
DNS_SPLIT: Final = Definition(
    code="dns-split",
    summary="Name servers with different answers",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "Name servers give different answers, so receivers see one or the other: a change is on its way, a "
        "secondary is behind, or views differ. Wait for the TTL, and then compare the servers."
    ),
)
DNS_FLAKY: Final = Definition(
    code="dns-flaky",
    summary="Failing name server",
    kind=Kind.CHECK_FAILED,
    severity=Severity.WARNING,
    explanation=(
        "One of several name servers fails, so receivers fail now and then. Repair the server, or remove it from "
        "the delegation."
    ),
)
DKIM_NEXT_MISSING: Final = Definition(
    code="dkim-next-missing",
    summary="Next DKIM record not published",
    kind=Kind.CHECK_FAILED,
    severity=Severity.WARNING,
    explanation=(
        "A rotated key will sign with the selector as soon as its record is in DNS. Publish the record that "
        "pmtaform dkim rotate prints."
    ),
)
DKIM_MISSING: Final = Definition(
    code="dkim-missing",
    summary="DKIM record missing",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "Mail is signed with a key whose record is not in DNS, so every signature fails. Publish the record that "
        "pmtaform dns records prints."
    ),
)
DKIM_SEVERAL: Final = Definition(
    code="dkim-several",
    summary="Several records of a selector",
    kind=Kind.CHECK_FAILED,
    explanation="A selector has several TXT records, and receivers may use any of them. Leave one.",
)
DKIM_NOT_COMPARED: Final = Definition(
    code="dkim-not-compared",
    summary="DKIM record not compared",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "The private key is not available here, so its record could not be compared with it. Make the secret "
        "available and check again."
    ),
)
DKIM_UNREADABLE: Final = Definition(
    code="dkim-unreadable",
    summary="DKIM record not readable",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The record of the selector is not a DKIM record. Publish the record that pmtaform dns records prints."
    ),
)
DKIM_REVOKED: Final = Definition(
    code="dkim-revoked",
    summary="Revoked DKIM record",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The record has an empty p=, which revokes the key, so signatures with it fail. Publish the record again, "
        "or sign with another selector."
    ),
)
DKIM_ALGORITHM: Final = Definition(
    code="dkim-algorithm",
    summary="DKIM record for another algorithm",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The k= of the record is not the algorithm of the key that signs. Publish the record that pmtaform dns "
        "records prints."
    ),
)
DKIM_KEY: Final = Definition(
    code="dkim-key",
    summary="DKIM record of another key",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The public key in the record does not belong to the private key that signs, so signatures fail. Publish "
        "the record of this key, or sign with the key of the record."
    ),
)
DKIM_HASH: Final = Definition(
    code="dkim-hash",
    summary="DKIM record without sha256",
    kind=Kind.CHECK_FAILED,
    explanation="The h= of the record does not allow sha256, which signatures use. Remove h= from the record.",
)
DKIM_SERVICE: Final = Definition(
    code="dkim-service",
    summary="DKIM record not for email",
    kind=Kind.CHECK_FAILED,
    explanation=("The s= of the record does not allow email, so receivers ignore the key. Remove s= from the record."),
)
DKIM_TESTING: Final = Definition(
    code="dkim-testing",
    summary="DKIM record in test mode",
    kind=Kind.CHECK_FAILED,
    severity=Severity.WARNING,
    explanation=(
        "The record has t=y, and receivers treat the domain as one that tests DKIM. Remove t=y when the tests are over."
    ),
)
DKIM_ALL_DOMAINS: Final = Definition(
    code="dkim-all-domains",
    summary="No record checked",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "The key signs for all domains, and each domain that mail is from needs a record with it; the stack does "
        "not list them. Check the records by hand."
    ),
)
DKIM_SIGNATURE: Final = Definition(
    code="dkim-signature",
    summary="Signature does not verify",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "A message that was signed with the host's key does not verify with the record in DNS, and receivers see "
        "the same. Compare the key and the record with pmtaform dkim verify."
    ),
)
