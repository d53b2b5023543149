"""From what hosts should have to what must be true in DNS. Pure; nothing is asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pmtaform.diagnostics import Place
from pmtaform.dns.resolver import plain
from pmtaform.lang.blocks import Block, directives_in
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.values.text import unquoted
from pmtaform.model.desired import Desired, KeyFile

_SOURCE: Final = "smtp-source-host"
_LISTS: Final = {"bounce-processor": "bounce", "feedback-loop-processor": "feedback"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingAddress:
    """An address that a host sends from. `helo` is empty when the line has no name; `vmta` is empty globally."""

    host: str
    vmta: str
    address: str  # as Python writes it; a network with its prefix when `is_network`
    helo: str
    is_network: bool = False
    place: Place | None = None

    @property
    def where(self) -> str:
        """`mta1, virtual MTA v1`."""
        return f"{self.host}, virtual MTA {self.vmta}" if self.vmta else self.host


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key as its record has it: `p=` in base64, and `k=`."""

    key: str
    algorithm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """A DKIM key's record. `public` is None when the private key could not be read here.

    `signs` is False for the next selector of a key that rotates: its record may still have to be published.
    """

    domain: str
    selector: str
    public: PublicKey | None
    place: Place | None = None
    signs: bool = True

    @property
    def name(self) -> str:
        """Where the record is."""
        return f"{self.selector}._domainkey.{self.domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsFacts:
    """What is wanted of DNS. Domains are sorted; `accepts` are the domains that each host takes mail for."""

    sources: tuple[SendingAddress, ...] = ()
    selectors: tuple[Selector, ...] = ()
    envelope_domains: tuple[str, ...] = ()
    bounce_domains: tuple[str, ...] = ()
    feedback_domains: tuple[str, ...] = ()
    from_domains: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    accepts: Mapping[str, frozenset[str]]
    listens: frozenset[str] = frozenset()  # addresses that hosts of the fleet can be reached at

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address that may send, IPv4 first, in order."""
        domains = {source.address for source in self.sources if not source.is_network}
        return tuple(sorted(domains, key=_by_number))


def _by_number(text: str) -> tuple[int, int]:
    address = ipaddress.ip_address(text)
    return address.version, int(address)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDomains:
    """The domains that a stack's `dns` names."""

    envelope: tuple[str, ...] = ()
    bounce: tuple[str, ...] = ()
    feedback: tuple[str, ...] = ()
    from_: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()


def facts_of(
    desired: Iterable[Desired],
    declared: StackDomains,
    public_key: Callable[[KeyFile], PublicKey | None],
    addresses: Iterable[str] = (),
) -> DnsFacts:
    """What DNS must say of hosts. `addresses` are further IP addresses that they can be reached at."""
    hosts = list(desired)
    sources = tuple(source for host in hosts for source in _sources(host))
    lists = {host.host: _listed(host) for host in hosts}
    bounce = {d for domains in lists.values() for kind, d in domains if kind == "bounce"} | set(declared.bounce)
    feedback = {d for domains in lists.values() for kind, d in domains if kind == "feedback"} | set(declared.feedback)
    selectors = _selectors(hosts, public_key)
    from_domains = set(declared.from_) or {selector.domain for selector in selectors}
    listens = {s.address for s in sources if not s.is_network} | set(addresses)
    return DnsFacts(
        sources=sources,
        selectors=selectors,
        envelope_domains=tuple(sorted({*declared.envelope, *bounce})),
        bounce_domains=tuple(sorted(bounce)),
        feedback_domains=tuple(sorted(feedback)),
        from_domains=tuple(sorted(from_domains)),
        zones=declared.zones,
        accepts={host: frozenset(domain for _, domain in domains) for host, domains in lists.items()},
        listens=frozenset(listens | {text for host in hosts for text in _listeners(host)}),
    )


def _selectors(hosts: Iterable[Desired], public_key: Callable[[KeyFile], PublicKey | None]) -> tuple[Selector, ...]:
    domains: dict[tuple[str, str, str], Selector] = {}
    for host in hosts:
        for key in host.keys:
            index = (plain(key.domain), key.selector.lower(), key.reference)
            if index not in domains:
                domains[index] = Selector(domain=index[0], selector=index[1], public=public_key(key), place=key.place)
    return tuple(domains[index] for index in sorted(domains))


def _sources(host: Desired) -> Iterator[SendingAddress]:
    for block, name, value, place in _lines(host):
        vmta = block.address.key if block.address.kind == "virtual-mta" else ""
        if name != _SOURCE or (block.is_section and not vmta):
            continue
        words = [unquoted(word) for word in value.split()]
        try:
            network = ipaddress.ip_network(words[0], strict=False) if words else None
        except ValueError:
            continue  # lint reports it
        if network is not None:
            single = network.prefixlen == network.max_prefixlen
            yield SendingAddress(
                host=host.host,
                vmta=vmta,
                address=str(network.network_address) if single else str(network),
                helo=plain(words[1]) if len(words) > 1 else "",
                is_network=not single,
                place=place,
            )


def _listed(host: Desired) -> set[tuple[str, str]]:
    """(kind, domain) of the processors' address lists and of relay-domain (kind empty)."""
    domains: set[tuple[str, str]] = set()
    for block, name, value, _ in _lines(host):
        domain = plain(unquoted(value))
        if "." not in domain or any(c in domain for c in "$*/ "):
            continue  # a macro or a pattern: no domain that could be asked for
        kind = _LISTS.get(block.address.kind)
        if kind and name == "domain":
            domains.add((kind, domain))
        elif name == "relay-domain":
            domains.add(("", domain))
    return domains


def _listeners(host: Desired) -> Iterator[str]:
    for _, name, value, _ in _lines(host):
        if name == "smtp-listener":
            text = unquoted(value.split()[0]) if value.split() else ""
            text = text.rpartition(":")[0] if text.count(":") == 1 else text.strip("[]").partition("]")[0]
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                continue
            if not address.is_unspecified:
                yield str(address)


def _lines(host: Desired) -> Iterator[tuple[Block, str, str, Place]]:
    known = catalogue()
    for block in host.blocks.values():
        scope = block.address.kind if block.is_section else GLOBAL
        for part, path, line in directives_in(block):
            inner = path[-1].partition("[")[0] if path else scope
            yield block, known.canonical(inner, line.name), line.value, part.tree.place(line.line)
