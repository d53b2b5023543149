"""An SPF record as terms (RFC 7208, section 4.6 and 12). The whole record is checked before any of it is used."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from pmtaform.dns.spf_macros import MacroError, check

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_TERM: Final = re.compile(r"([-+?~]?)([A-Za-z][A-Za-z0-9_.-]*)(?:([:/])(.*))?")
_MODIFIER: Final = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)")
_CIDR: Final = re.compile(r"(?:/(0|[1-9]\d?))?(?://(0|[1-9]\d{0,2}))?$")


class SpfSyntaxError(ValueError):
    """A record breaks the grammar: receivers return permerror."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One mechanism. `domain` is still with its macros; `network` is that of ip4 and ip6."""

    text: str
    qualifier: str
    name: str
    domain: str = ""
    prefix4: int = 32
    prefix6: int = 128
    network: Network | None = None


@dataclass(frozen=True, slots=True)
class SpfPolicy:
    """The mechanisms in order, and where the policy goes on if none matches."""

    terms: tuple[Term, ...]
    redirect: str | None = None


def parse(record: str) -> SpfPolicy:
    """The policy in a record. Raises `SpfSyntaxError`."""
    terms: list[Term] = []
    modifiers: dict[str, str] = {}
    for word in record.split(" ")[1:]:
        if not word:
            continue
        match = _MODIFIER.fullmatch(word)
        if match is None:
            terms.append(_term(word))
            continue
        name = match[1].lower()
        _check(match[2], word)
        if name in ("redirect", "exp"):
            if name in modifiers or not match[2]:
                raise SpfSyntaxError(f"{word}: {name} appears twice or is empty")
            modifiers[name] = match[2]
    ends = any(term.name == "all" for term in terms)
    return SpfPolicy(tuple(terms), None if ends else modifiers.get("redirect"))


def _term(word: str) -> Term:
    match = _TERM.fullmatch(word)
    name = match[2].lower() if match else ""
    if match is None or name not in ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"):
        raise SpfSyntaxError(f"{word} is not a mechanism")
    qualifier, mark, rest = match[1] or "+", match[3] or "", match[4] or ""
    if name == "all" and mark:
        raise SpfSyntaxError(f"{word}: all takes nothing")
    if name in ("ip4", "ip6"):
        return Term(text=word, qualifier=qualifier, name=name, network=_network(word, name, mark, rest))
    if name in ("a", "mx"):
        return _with_prefixes(word, qualifier, name, mark, rest)
    if mark == "/" or (mark == ":") != bool(rest) or (name in ("include", "exists") and not rest):
        raise SpfSyntaxError(f"{word}: a domain is missing or wrong")
    _check(rest, word)
    return Term(text=word, qualifier=qualifier, name=name, domain=rest)


def _with_prefixes(word: str, qualifier: str, name: str, mark: str, rest: str) -> Term:
    whole = rest if mark == ":" else mark + rest
    match = _CIDR.search(whole)
    if match is None:
        raise SpfSyntaxError(f"{word}: no such prefix length")
    domain = whole[: match.start()]
    four, six = int(match[1] or 32), int(match[2] or 128)
    if (match[1] is not None and four > 32) or six > 128 or (mark == ":") != bool(domain):
        raise SpfSyntaxError(f"{word}: the domain is missing, or the prefix length is too long")
    _check(domain, word)
    if re.search(r"/\d*$", domain):
        raise SpfSyntaxError(f"{word}: no such prefix length")
    return Term(text=word, qualifier=qualifier, name=name, domain=domain, prefix4=four, prefix6=six)


def _network(word: str, name: str, mark: str, rest: str) -> Network:
    try:
        if mark != ":" or not re.fullmatch(r"[0-9A-Fa-f:.]+(/(0|[1-9]\d{0,2}))?", rest):
            raise ValueError
        network = ipaddress.ip_network(rest, strict=False)
    except ValueError:
        raise SpfSyntaxError(f"{word} is not a network") from None
    if network.version != int(name[2]):
        raise SpfSyntaxError(f"{word} is a network of the other IP version")
    return network


def _check(text: str, word: str) -> None:
    try:
        check(text)
    except MacroError as problem:
        raise SpfSyntaxError(f"{word}: {problem}") from None
