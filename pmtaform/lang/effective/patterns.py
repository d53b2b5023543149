"""Which domain sections a domain falls under, and how closely (docs/powermta/language.md sections 2, 5 and 6)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice
from typing import Final, NamedTuple

from pmtaform.lang.effective.reading import SectionLines
from pmtaform.lang.values import parse_cidr
from pmtaform.lang.values.networks import Network, covers
from pmtaform.lang.values.text import lower_domain, unquoted

MOST_NAMES: Final = 50_000  # of one section; macros multiply
_MACRO: Final = re.compile(r"\$([A-Za-z0-9_]+)")


class PatternKind(IntEnum):
    """How a pattern names a domain, the closest last."""

    ALL = 0
    SUFFIX = 1
    NETWORK = 2
    LOCAL = 3
    EXACT = 4


class Rank(NamedTuple):
    """How closely a section fits; larger is closer. `strict` tells `*.name` from `[*.]name`."""

    kind: PatternKind
    length: int
    strict: bool
    literal: bool


@dataclass(frozen=True, slots=True)
class Match:
    """A section that a domain falls under. `layer`: 2 of the virtual MTA, 1 of a pool, 0 at top level."""

    layer: int
    rank: Rank
    pattern: str
    body: SectionLines

    @property
    def key(self) -> tuple[int, Rank]:
        """What orders matches; equal keys are the same domain said several times."""
        return self.layer, self.rank


def plain(domain: str) -> str:
    """A domain as it is compared: lower case, without quotes."""
    return lower_domain(unquoted(domain.strip()))


def expand(text: str, macros: Mapping[str, list[str]], above: tuple[str, ...] = ()) -> Iterator[str]:
    """Every name that one with macros stands for; several macros multiply out.

    A macro that is not defined, or that refers to itself (a load error), stands for nothing.
    """
    match = _MACRO.search(text)
    if match is None:
        if "$" not in text:
            yield text
        return
    name = match[1]
    if name in above or name not in macros or len(above) > len(macros):
        return
    before, after = text[: match.start()], text[match.end() :]
    for part in macros[name]:
        for middle in expand(part, macros, (*above, name)):
            for tail in expand(after, macros, above):
                yield before + middle + tail


class Names:
    """The names that sections' arguments stand for, each argument expanded once."""

    def __init__(self, macros: Mapping[str, list[str]]) -> None:
        self._macros = macros
        self._known: dict[str, tuple[str, ...]] = {}
        self.cut: dict[str, None] = {}

    def of(self, argument: str) -> tuple[str, ...]:
        """The names that an argument stands for, in the order of its macros."""
        if argument not in self._known:
            if "$" not in argument:
                return (plain(argument),)
            names = list(islice(expand(unquoted(argument), self._macros), MOST_NAMES + 1))
            if len(names) > MOST_NAMES:
                self.cut[argument] = None
            self._known[argument] = tuple(dict.fromkeys(plain(name) for name in names[:MOST_NAMES]))
        return self._known[argument]


@dataclass(slots=True)
class DomainIndex:
    """The domain sections of one layer, found by domain."""

    exact: dict[str, list[SectionLines]] = field(default_factory=dict)
    suffix: dict[str, list[tuple[bool, SectionLines]]] = field(default_factory=dict)  # by name: (is `*.name`, section)
    networks: list[tuple[Network, str, SectionLines]] = field(default_factory=list)
    local: list[SectionLines] = field(default_factory=list)
    every: list[SectionLines] = field(default_factory=list)

    @classmethod
    def of(cls, bodies: Iterable[SectionLines], names: Names) -> DomainIndex:
        """The index of sections."""
        index = cls()
        for body in bodies:
            for name in names.of(body.argument):
                index.put(name, body)
        return index

    @property
    def is_empty(self) -> bool:
        """Whether it has no section."""
        return not (self.exact or self.suffix or self.networks or self.local or self.every)

    def put(self, name: str, body: SectionLines) -> None:
        """Keep a section under one of its names."""
        if name == "*":
            self.every.append(body)
        elif name == "local":
            self.local.append(body)
        elif name.startswith("*."):
            self.suffix.setdefault(name[2:], []).append((True, body))
        elif name.startswith("[*.]"):
            self.suffix.setdefault(name[4:], []).append((False, body))
        elif (net := network(name)) is not None:
            self.networks.append((net, name, body))
        else:
            self.exact.setdefault(name, []).append(body)

    def matches(self, domain: str, layer: int, *, is_local: bool = False) -> Iterator[Match]:
        """The sections that `domain` falls under, in no order.

        A wildcard means a domain that nothing closer names: `*.name` for some subdomain, `*` for any domain.
        """
        for body in self.exact.get(domain, ()):
            yield _match(layer, PatternKind.EXACT, 0, False, domain, body)
        if is_local:
            for body in self.local:
                yield _match(layer, PatternKind.LOCAL, 0, False, "local", body)
        yield from self._suffixes(domain, layer)
        asked = network(domain)
        if asked is not None:
            for net, name, body in self.networks:
                if covers(net, asked):
                    yield _match(layer, PatternKind.NETWORK, net.prefixlen, False, name, body)
        for body in self.every:
            yield _match(layer, PatternKind.ALL, 0, False, "*", body)

    def _suffixes(self, domain: str, layer: int) -> Iterator[Match]:
        if not self.suffix:
            return
        for strict, body in self.suffix.get(domain, ()):
            if not strict:
                yield _match(layer, PatternKind.SUFFIX, len(domain), False, f"[*.]{domain}", body)
        at = domain.find(".")
        while at >= 0:
            name = domain[at + 1 :]
            for strict, body in self.suffix.get(name, ()):
                yield _match(layer, PatternKind.SUFFIX, len(name), strict, ("*." if strict else "[*.]") + name, body)
            at = domain.find(".", at + 1)

    def asked_for_by(self, chosen: Callable[[SectionLines], bool]) -> Iterator[str]:
        """As `asked_for`, of the chosen sections only, and `*` for those that are for every domain."""
        yield from (name for name, bodies in self.exact.items() if any(map(chosen, bodies)))
        for name, pairs in self.suffix.items():
            if any(chosen(body) for _, body in pairs):
                yield f"*.{name}"
                yield name
        yield from (name for _, name, body in self.networks if chosen(body))
        yield from ("local" for body in self.local if chosen(body))
        yield from ("*" for body in self.every if chosen(body))

    def asked_for(self) -> Iterator[str]:
        """One domain for each class of domains that this layer can tell apart."""
        yield from self.exact
        for name, bodies in self.suffix.items():
            yield f"*.{name}"
            if not all(strict for strict, _ in bodies):
                yield name
        yield from (name for _, name, _ in self.networks)


def _match(layer: int, kind: PatternKind, length: int, strict: bool, pattern: str, body: SectionLines) -> Match:
    return Match(layer, Rank(kind, length, strict, "$" not in body.argument), pattern, body)


def network(name: str) -> Network | None:
    """The network of a domain literal or of a pattern for such (`[10/8]`, `[IPv6:2001:db8::1]`), or None."""
    if not (name.startswith("[") and name.endswith("]")):
        return None
    text = parse_cidr(name[1:-1].removeprefix("ipv6:"))
    try:
        return None if text is None else ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
