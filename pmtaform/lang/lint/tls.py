"""Encryption: old protocols, certificates, and demands that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import INFO, WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, Reads

_SERVICES: Final = ("smtp-server-tls-allow", "http-tls-allow", "smtp-tls-allow", "tls-allow")


@Rule(
    code="old-tls",
    severity=WARNING,
    family=Family.TLS,
    summary="Obsolete TLS protocol",
    explanation=(
        "SSLv3, TLS 1.0 and TLS 1.1 are retired (RFC 7568, RFC 8996); PowerMTA switches the first two off by default."
    ),
    basis="guide 3.3.1, 10.21",
    security=True,
    reads=BLOCK,
    wrong="http-tls-allow-sslv3 yes",
    right="http-tls-allow-sslv3 no",
)
def old_tls(facts: Facts) -> Iterator[Hit]:
    for service in _SERVICES:
        for protocol in ("sslv3", "tlsv1", "tlsv1.1"):
            for line in facts.named(f"{service}-{protocol}"):
                if not line.is_true or (protocol == "tlsv1.1" and service == "smtp-tls-allow"):
                    continue  # outgoing TLS 1.1 is PowerMTA's own default
                name = {"sslv3": "SSLv3", "tlsv1": "TLS 1.0", "tlsv1.1": "TLS 1.1"}[protocol]
                ignored = " (later 5.0 releases ignore it)" if protocol == "sslv3" else ""
                detail = f"{name} is obsolete and can be broken{ignored}. Remove the line, so that the default holds."
                yield at(line, detail, mark=line.node.name)


@Rule(
    code="weak-ciphers",
    severity=WARNING,
    family=Family.TLS,
    summary="Weak TLS ciphers",
    explanation="Others can read the traffic.",
    basis="guide, *-tls-ciphers; OpenSSL's cipher lists",
    security=True,
    reads=BLOCK,
    wrong="smtp-server-tls-ciphers ALL:!ADH",
    right="smtp-server-tls-ciphers HIGH:!aNULL:!MD5",
)
def weak_ciphers(facts: Facts) -> Iterator[Hit]:
    for line in facts.lines:
        if not line.name.endswith("tls-ciphers"):
            continue
        for item in line.value.strip('"').upper().replace(",", ":").split(":"):
            if item in (
                "ALL",
                "NULL",
                "ENULL",
                "ANULL",
                "EXPORT",
                "EXP",
                "LOW",
                "RC4",
                "MD5",
                "DES",
                "ADH",
                "COMPLEMENTOFALL",
            ):
                detail = (
                    f"{item} allows ciphers that are broken or do not encrypt. Keep the default, HIGH:!ADH:@STRENGTH."
                )
                yield at(line, detail)
                break


@Rule(
    code="plain-auth-to-smarthost",
    severity=WARNING,
    family=Family.TLS,
    summary="Login sent in clear text",
    explanation="Anyone on the network path can read the account of the next server.",
    basis="guide 3.3.10.56",
    security=True,
    reads=BLOCK,
    wrong="""
        <domain next.queue>
          use-unencrypted-plain-auth yes
        </domain>
    """,
    right="""
        <domain next.queue>
          use-unencrypted-plain-auth no
        </domain>
    """,
)
def plain_auth_to_smarthost(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("use-unencrypted-plain-auth"):
        if line.is_true:
            part = line.within
            if part is not None and part.is_set_to("require-starttls", True):
                continue
            detail = (
                "The user name and password for the next server are sent in clear text where it offers no TLS. Write "
                "`require-starttls yes` instead."
            )
            yield at(line, detail, mark=line.node.name)


@Rule(
    code="starttls-contradiction",
    severity=WARNING,
    family=Family.TLS,
    summary="TLS required and forbidden",
    explanation="PowerMTA cannot deliver mail for the domain.",
    basis="guide, use-starttls and require-starttls",
    reads=BLOCK,
    wrong="""
        <domain example.com>
          require-starttls yes
          use-starttls no
        </domain>
    """,
    right="""
        <domain example.com>
          require-starttls yes
          use-starttls yes
        </domain>
    """,
)
def starttls_contradiction(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("require-starttls"):
        part = line.within
        if part is not None and line.is_true and part.is_set_to("use-starttls", False):
            detail = (
                f"{part.title} requires TLS and forbids it: its mail cannot be delivered. Remove `use-starttls no`."
            )
            yield at(line, detail, mark=line.node.name)


@Rule(
    code="starttls-without-certificate",
    severity=WARNING,
    family=Family.TLS,
    summary="TLS without a certificate",
    explanation="Clients that start TLS fail.",
    basis="guide 10.21 (docs/powermta/language.md section 12)",
    whole=True,
    reads=(Reads(at=("allow-starttls",), others=("allow-starttls", "tls-certificate")),),
    wrong="""
        <source 192.0.2.0/24>
          allow-starttls yes
        </source>
    """,
    right="""
        smtp-server-tls-certificate /etc/pmta/server.pem
        <source 192.0.2.0/24>
          allow-starttls yes
        </source>
    """,
)
def starttls_without_certificate(facts: Facts) -> Iterator[Hit]:
    if facts.setting("smtp-server-tls-certificate") or any(
        p.named("tls-certificate") for p in facts.top("smtp-listener")
    ):
        return
    for line in facts.named("allow-starttls"):
        if line.is_true:
            detail = (
                "TLS is offered, and there is no certificate for it. Name one: "
                "`smtp-server-tls-certificate FILE`, or tls-certificate in <smtp-listener>."
            )
            yield at(line, detail, mark=line.node.name)
            return


@Rule(
    code="auth-needs-missing-tls",
    severity=WARNING,
    family=Family.TLS,
    summary="Login needs TLS that is not offered",
    explanation="No client can log in.",
    basis="guide 3.3.7, require-starttls-before-auth and allow-starttls",
    whole=True,
    reads=(
        Reads(
            at=("require-starttls-before-auth",),
            others=("require-starttls-before-auth", "allow-starttls", "immediate-tls"),
        ),
    ),
    wrong="""
        <source 192.0.2.0/24>
          require-starttls-before-auth yes
        </source>
    """,
    right="""
        <source 192.0.2.0/24>
          require-starttls-before-auth yes
          allow-starttls yes
        </source>
    """,
)
def auth_needs_missing_tls(facts: Facts) -> Iterator[Hit]:
    sources = facts.by_tag.get("source", [])
    if any(part.is_set_to("allow-starttls", True) for part in sources) or any(
        part.is_set_to("immediate-tls", True) for part in facts.top("smtp-listener")
    ):
        return
    for line in facts.named("require-starttls-before-auth"):
        if line.is_true:
            detail = (
                "A login needs TLS here, and no source has `allow-starttls yes` (the default is no): no one can log in."
            )
            yield at(line, detail, mark=line.node.name)
            return


@Rule(
    code="unverified-certificates",
    severity=INFO,
    family=Family.TLS,
    summary="Certificates of servers not verified",
    explanation=(
        "Without smtp-tls-ca-file PowerMTA accepts any certificate, so it also delivers mail to an attacker's "
        "server on the path."
    ),
    basis="guide 10.21",
    security=True,
    whole=True,
    reads=(Reads(at=("require-starttls",), others=("smtp-tls-ca-file", "use-dane", "use-mta-sts")),),
    wrong="""
        <domain example.com>
          require-starttls yes
        </domain>
    """,
    right="""
        <domain example.com>
          require-starttls yes
          smtp-tls-ca-file /etc/pmta/ca.pem
        </domain>
    """,
)
def unverified_certificates(facts: Facts) -> Iterator[Hit]:
    """TLS is demanded, but who answers is not looked at."""
    if any(_verifies(part) for part in facts.by_tag.get("domain", ()) if part.key == "*"):
        return
    for line in _demands(facts):
        if line.within is not None and not _is_for_everyone(line.within) and not _verifies(line.within):
            detail = (
                "TLS is required, but the certificate is not checked: an attacker on the path can present another "
                "one. Set smtp-tls-ca-file to a file of root certificates, or use DANE or MTA-STS. Mail then waits "
                "where the certificate does not verify."
            )
            yield at(line, detail, mark=line.node.name)


def _demands(facts: Facts) -> Iterator[Line]:
    """The lines that demand TLS for outgoing mail."""
    for line in facts.named("require-starttls"):
        if line.is_true and line.scope == "domain":
            yield line


def _is_for_everyone(part: Part) -> bool:
    """Whether a <domain> is all of the Internet, and not what one smarthost takes."""
    return part.key == "*" and not any(part.named(name) for name in ("smtp-hosts", "route", "file-destination"))


@Rule(
    code="tls-required-everywhere",
    severity=WARNING,
    family=Family.TLS,
    summary="TLS required of every server",
    explanation="Servers without TLS get no mail: it stays in the queue until it bounces.",
    basis="guide 3.3.10, require-starttls and use-starttls",
    reads=BLOCK,
    wrong="""
        <domain *>
          require-starttls yes
        </domain>
    """,
    right="""
        <domain example.com>
          require-starttls yes
        </domain>
    """,
)
def tls_required_everywhere(facts: Facts) -> Iterator[Hit]:
    for line in _demands(facts):
        if line.within is not None and _is_for_everyone(line.within):
            detail = (
                "Mail for every server that offers no TLS stays queued until it bounces. For TLS wherever it is "
                "offered, write `use-starttls yes` and leave require-starttls at its default, no. Require it in the "
                "<domain> of a partner or a smarthost."
            )
            yield at(line, detail, mark=line.node.name)


def _verifies(part: Part) -> bool:
    return (
        bool(part.named("smtp-tls-ca-file")) or part.is_set_to("use-dane", True) or part.is_set_to("use-mta-sts", True)
    )
