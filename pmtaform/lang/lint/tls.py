"""Encryption: old protocols, certificates, and demands that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import INFO, WARNING, Hit, Rule

_SERVICES: Final = ("smtp-server-tls-allow", "http-tls-allow", "smtp-tls-allow", "tls-allow")


def _old_protocols(facts: Facts) -> Iterator[Hit]:
    for service in _SERVICES:
        for protocol in ("sslv3", "tlsv1", "tlsv1.1"):
            for line in facts.named(f"{service}-{protocol}"):
                if not line.is_true or (protocol == "tlsv1.1" and service == "smtp-tls-allow"):
                    continue  # outgoing TLS 1.1 is PowerMTA's own default
                name = {"sslv3": "SSLv3", "tlsv1": "TLS 1.0", "tlsv1.1": "TLS 1.1"}[protocol]
                ignored = " (later 5.0 releases ignore it)" if protocol == "sslv3" else ""
                detail = f"{name} is obsolete and can be broken{ignored}. Remove the line, so that the default holds."
                yield at(line, detail, mark=line.node.name)


def _weak_ciphers(facts: Facts) -> Iterator[Hit]:
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
                    f"{item} lets in ciphers that are broken or do not encrypt. Keep the default, HIGH:!ADH:@STRENGTH."
                )
                yield at(line, detail)
                break


def _plain_smarthost(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("use-unencrypted-plain-auth"):
        if line.is_true:
            part = line.within
            if part is not None and part.says("require-starttls", True):
                continue
            detail = (
                "The user name and password for the next server are sent in clear where it offers no TLS. Write "
                "`require-starttls yes` instead."
            )
            yield at(line, detail, mark=line.node.name)


def _contradiction(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("require-starttls"):
        part = line.within
        if part is not None and line.is_true and part.says("use-starttls", False):
            detail = f"{part.title} demands TLS and forbids it: its mail cannot be delivered. Remove `use-starttls no`."
            yield at(line, detail, mark=line.node.name)


def _no_certificate(facts: Facts) -> Iterator[Hit]:
    if facts.setting("smtp-server-tls-certificate") or any(
        p.named("tls-certificate") for p in facts.top("smtp-listener")
    ):
        return
    for line in facts.named("allow-starttls"):
        if line.is_true:
            detail = (
                "TLS is offered, and there is no certificate to offer it with. Name one: "
                "`smtp-server-tls-certificate FILE`, or tls-certificate in <smtp-listener>."
            )
            yield at(line, detail, mark=line.node.name)
            return


def _auth_needs_tls(facts: Facts) -> Iterator[Hit]:
    sources = facts.by_tag.get("source", [])
    if any(part.says("allow-starttls", True) for part in sources) or any(
        part.says("immediate-tls", True) for part in facts.top("smtp-listener")
    ):
        return
    for line in facts.named("require-starttls-before-auth"):
        if line.is_true:
            detail = (
                "A login needs TLS here, and no source has `allow-starttls yes` (the default is no): nobody can log in."
            )
            yield at(line, detail, mark=line.node.name)
            return


def _unverified(facts: Facts) -> Iterator[Hit]:
    """TLS is demanded, but who answers is not looked at."""
    if any(_verifies(part) for part in facts.by_tag.get("domain", ()) if part.key == "*"):
        return
    for line in _demands(facts):
        if line.within is not None and not _is_for_everyone(line.within) and not _verifies(line.within):
            detail = (
                "TLS is demanded, but the certificate is not checked: an attacker in between can present another one. "
                "smtp-tls-ca-file names the roots, or use DANE or MTA-STS; mail then waits where the certificate does "
                "not verify."
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


def _everyone(facts: Facts) -> Iterator[Hit]:
    for line in _demands(facts):
        if line.within is not None and _is_for_everyone(line.within):
            detail = (
                "Mail for every server that offers no TLS stays queued until it bounces. For TLS wherever it is "
                "offered, write `use-starttls yes` and leave require-starttls at its default, no; demand it in the "
                "<domain> of a partner or a smarthost."
            )
            yield at(line, detail, mark=line.node.name)


def _verifies(part: Part) -> bool:
    return bool(part.named("smtp-tls-ca-file")) or part.says("use-dane", True) or part.says("use-mta-sts", True)


RULES: Final = (
    Rule(
        id="old-tls",
        severity=WARNING,
        summary="An obsolete protocol is allowed",
        why=(
            "SSLv3, TLS 1.0 and TLS 1.1 are retired (RFC 7568, RFC 8996); PowerMTA switches the first two off by "
            "default."
        ),
        basis="guide 3.3.1, 10.21",
        check=_old_protocols,
        security=True,
    ),
    Rule(
        id="weak-ciphers",
        severity=WARNING,
        summary="Weak ciphers are allowed",
        why="What is sent can be read on the way.",
        basis="guide, *-tls-ciphers; OpenSSL's cipher lists",
        check=_weak_ciphers,
        security=True,
    ),
    Rule(
        id="plain-auth-to-smarthost",
        severity=WARNING,
        summary="A login is sent in clear",
        why="Who listens on the way has the account at the next server.",
        basis="guide 3.3.10.56",
        check=_plain_smarthost,
        security=True,
    ),
    Rule(
        id="starttls-contradiction",
        severity=WARNING,
        summary="TLS is demanded and forbidden",
        why="Mail for the domain cannot be delivered.",
        basis="guide, use-starttls and require-starttls",
        check=_contradiction,
    ),
    Rule(
        id="starttls-without-certificate",
        severity=WARNING,
        summary="TLS is offered without a certificate",
        why="Clients that try it fail.",
        basis="guide 10.21 (docs/powermta/language.md section 12)",
        check=_no_certificate,
        whole=True,
    ),
    Rule(
        id="auth-needs-missing-tls",
        severity=WARNING,
        summary="A login needs TLS that is not offered",
        why="Nobody can log in.",
        basis="guide 3.3.7, require-starttls-before-auth and allow-starttls",
        check=_auth_needs_tls,
        whole=True,
    ),
    Rule(
        id="tls-demanded-of-everyone",
        severity=WARNING,
        summary="TLS is demanded of every server",
        why="Servers without TLS get no mail: it is queued until it bounces.",
        basis="guide 3.3.10, require-starttls and use-starttls",
        check=_everyone,
    ),
    Rule(
        id="unverified-certificates",
        severity=INFO,
        summary="Certificates of other servers are not checked",
        why="Without smtp-tls-ca-file PowerMTA takes any certificate; delivery goes on, and so does whoever listens.",
        basis="guide 10.21",
        check=_unverified,
        security=True,
        whole=True,
    ),
)
