"""SPF, MX, reverse DNS and DMARC."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.definition import Definition
from pmtaform.diagnostics.kinds import Kind
from pmtaform.diagnostics.model import Severity

SPF_MISSING: Final = Definition(
    code="spf-missing",
    summary="SPF record missing",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The domain has no SPF record, so nothing allows the fleet to send for it. Publish the record that "
        "pmtaform dns records prints."
    ),
)
SPF_LOOKUPS: Final = Definition(
    code="spf-lookups",
    summary="Too many SPF lookups",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The SPF record needs more than the ten allowed lookups, so an address that matches late gets permerror. "
        "Replace includes by ip4: and ip6:."
    ),
)
SPF_BROKEN_LATER: Final = Definition(
    code="spf-broken-later",
    summary="SPF record with a later error",
    kind=Kind.CHECK_FAILED,
    severity=Severity.WARNING,
    explanation=(
        "The addresses of the fleet match before the broken term, and all others get permerror in place of what "
        "all says. Correct or remove the term."
    ),
)
SPF_PERMERROR: Final = Definition(
    code="spf-permerror",
    summary="Invalid SPF record",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The SPF record is not valid, so receivers treat the mail of the domain as without SPF, or reject it. "
        "Correct the term that the detail names."
    ),
)
SPF_UNCOVERED: Final = Definition(
    code="spf-uncovered",
    summary="Sending address not in SPF",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The SPF record does not allow an address that sends for the domain. Add it as ip4: or ip6:, before all."
    ),
)
MX_NOT_ACCEPTED: Final = Definition(
    code="mx-not-accepted",
    summary="Domain not accepted by any host",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "No host lists the domain in an address-list of a processor or as a relay-domain, so mail to it is "
        "rejected. Add the domain there, or remove it from dns in the stack."
    ),
)
MX_NULL: Final = Definition(
    code="mx-null",
    summary="Null MX",
    kind=Kind.CHECK_FAILED,
    explanation=(
        'The MX of the domain is ".", which declares that it accepts no mail, so bounces and complaints are lost. '
        "Name a host of the fleet."
    ),
)
MX_ALIAS: Final = Definition(
    code="mx-alias",
    summary="MX names an alias",
    kind=Kind.CHECK_FAILED,
    explanation="The MX names a CNAME, which RFC 2181 forbids and some senders reject. Name the host itself.",
)
MX_WITHOUT_ADDRESS: Final = Definition(
    code="mx-without-address",
    summary="MX without an address",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The host that the MX names has no address, so bounces and complaints cannot be delivered. Point the MX "
        "at a host of the fleet."
    ),
)
MX_OUTSIDE_FLEET: Final = Definition(
    code="mx-outside-fleet",
    summary="MX outside the fleet",
    kind=Kind.CHECK_FAILED,
    severity=Severity.WARNING,
    explanation=(
        "The MX leads to addresses that are not those of a host in the stack. That is right only if something "
        "there (NAT, a balancer) passes mail on to a host."
    ),
)
PTR_MISSING: Final = Definition(
    code="ptr-missing",
    summary="Reverse DNS missing",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "An address that sends mail has no PTR record, and many receivers reject its mail. The provider of the "
        "address sets the PTR."
    ),
)
PTR_UNCONFIRMED: Final = Definition(
    code="ptr-unconfirmed",
    summary="Reverse DNS not forward-confirmed",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The name in the PTR has no A or AAAA record that leads back to the address, so receivers treat it as "
        "without reverse DNS. Add that record, or correct the PTR."
    ),
)
HELO_MISSING: Final = Definition(
    code="helo-missing",
    summary="HELO name missing",
    kind=Kind.CHECK_FAILED,
    severity=Severity.WARNING,
    explanation="smtp-source-host has no name after the address. Write the name of the address there.",
)
HELO_DIFFERS: Final = Definition(
    code="helo-differs",
    summary="HELO differs from reverse DNS",
    kind=Kind.CHECK_FAILED,
    explanation="The HELO name is not the name in the PTR, and receivers compare them. Make them the same.",
)
HELO_WITHOUT_ADDRESS: Final = Definition(
    code="helo-without-address",
    summary="HELO name without its address",
    kind=Kind.CHECK_FAILED,
    explanation="The A or AAAA records of the HELO name do not contain the address that says it. Add the record.",
)
SOURCE_NETWORK: Final = Definition(
    code="source-network",
    summary="Network not checked",
    kind=Kind.NOTE,
    severity=Severity.INFO,
    explanation=(
        "The source is a network, and its local addresses are known on the host only. Write single addresses to "
        "have them checked."
    ),
)
ADDRESS_TWICE: Final = Definition(
    code="address-twice",
    summary="Address on two hosts",
    kind=Kind.CHECK_FAILED,
    explanation=("Two hosts send from one address, which belongs to one machine only. Give each host its own address."),
)
ADDRESS_NAMES: Final = Definition(
    code="address-names",
    summary="Several HELO names of an address",
    kind=Kind.CHECK_FAILED,
    severity=Severity.WARNING,
    explanation="One address says several HELO names, and its PTR can match one only. Use one name.",
)
DMARC_MISSING: Final = Definition(
    code="dmarc-missing",
    summary="DMARC policy missing",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "Neither the From domain nor a domain above it has a DMARC policy, which Gmail and Yahoo require of bulk "
        'senders. Start with "v=DMARC1; p=none" at _dmarc.DOMAIN.'
    ),
)
DMARC_UNREADABLE: Final = Definition(
    code="dmarc-unreadable",
    summary="Invalid DMARC policy",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "The DMARC record is not valid, or there are several, so receivers ignore it. Leave one valid record."
    ),
)
DMARC_NOT_ALIGNED: Final = Definition(
    code="dmarc-not-aligned",
    summary="From domain not aligned",
    kind=Kind.CHECK_FAILED,
    explanation=(
        "Neither a DKIM domain nor an envelope domain is aligned with the From domain, so its mail fails DMARC. "
        "Add a key for the domain, or its envelope domain to dns in the stack."
    ),
)
