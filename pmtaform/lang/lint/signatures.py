"""How mail is signed: weak algorithms, partial signatures, and private keys in messages."""

from __future__ import annotations

from collections.abc import Iterator

from pmtaform.lang.lint.dkim import BY_HEADER, SIGN
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import ERROR, WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, Reads


@Rule(
    code="dkim-options-not-read",
    severity=WARNING,
    family=Family.DKIM,
    summary="Header that requests signing not processed",
    explanation="Mail goes out unsigned, silently.",
    basis="guide 3.3.10.19, 3.3.7.41",
    whole=True,
    reads=(Reads(at=("if-x-dkim-options-present",), others=("process-x-dkim-options",)),),
    wrong="""
        domain-key s1,*,/etc/pmta/s1.pem
        <domain *>
          dkim-sign if-x-dkim-options-present
        </domain>
    """,
    right="""
        domain-key s1,*,/etc/pmta/s1.pem
        <source 10/8>
          process-x-dkim-options yes
        </source>
        <domain *>
          dkim-sign if-x-dkim-options-present
        </domain>
    """,
)
def dkim_options_not_read(facts: Facts) -> Iterator[Hit]:
    """Signing that a header of the message requests, where no source reads the header."""
    if not facts.complete or any(line.is_true for line in facts.named("process-x-dkim-options")):
        return
    for line in facts.named(*SIGN):
        if line.value.strip('"').lower() == BY_HEADER:
            detail = (
                f"`{line.name} {BY_HEADER}` signs nothing: no source has `process-x-dkim-options yes` (the default is "
                "no), so the header is not read. Set it in the sources that send the header, or write yes here."
            )
            yield at(line, detail)


@Rule(
    code="dkim-sha1",
    severity=WARNING,
    family=Family.DKIM,
    summary="Signatures with SHA-1",
    explanation="RFC 8301 retired SHA-1: verifiers must not accept such signatures.",
    basis="RFC 8301 section 3.1",
    security=True,
    reads=BLOCK,
    wrong="""
        <domain *>
          dkim-algorithm rsa-sha1
        </domain>
    """,
    right="""
        <domain *>
          dkim-algorithm rsa-sha256
        </domain>
    """,
)
def dkim_sha1(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("dkim-algorithm", "second-dkim-algorithm"):
        if line.value.strip('"').lower() == "rsa-sha1":
            detail = (
                "rsa-sha1 is retired: receivers may ignore the signature. Remove the line. The default is rsa-sha256."
            )
            yield at(line, detail)


@Rule(
    code="dkim-body-limit",
    severity=WARNING,
    family=Family.DKIM,
    summary="Signature of a part of the body",
    explanation="Anyone can append content to signed mail.",
    basis="guide 3.3.10.20; RFC 6376 section 8.2",
    security=True,
    reads=BLOCK,
    wrong="""
        <domain *>
          dkim-add-body-limit yes
        </domain>
    """,
    right="""
        <domain *>
          dkim-add-body-limit no
        </domain>
    """,
)
def dkim_body_limit(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("dkim-add-body-limit", "second-dkim-add-body-limit"):
        if line.is_true:
            detail = "With a body limit in the signature, anything can be appended to signed mail. Remove the line."
            yield at(line, detail, mark=line.node.name)


@Rule(
    code="private-key-sent",
    severity=ERROR,
    family=Family.DKIM,
    summary="Private keys sent to recipients",
    explanation="Anyone with the key can sign mail in your name.",
    basis="guide 3.3.7.43",
    security=True,
    reads=BLOCK,
    wrong="""
        <source 192.0.2.0/24>
          retain-x-dkim-key yes
        </source>
    """,
    right="""
        <source 192.0.2.0/24>
          retain-x-dkim-key no
        </source>
    """,
)
def private_key_sent(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("retain-x-dkim-key"):
        if line.is_true:
            detail = "The X-DKIM-Key header contains the private key, and stays in outgoing mail. Remove the line."
            yield at(line, detail, mark=line.node.name)
