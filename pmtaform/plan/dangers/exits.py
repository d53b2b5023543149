"""The source addresses of mail, and the share of each, on one side of a change.

A virtual MTA uses its addresses in turn, and a pool its members: there are no weights (`docs/powermta/`, sending
identity). With a proxy, receivers see the proxy's address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from ipaddress import ip_network
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.blocks import Address
from pmtaform.lang.effective import DEFAULT_VMTA, Effective
from pmtaform.lang.effective.deciding import without_cleared
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.effective.reading import VMTA, Owner
from pmtaform.lang.values.networks import covers
from pmtaform.lang.values.text import split, unquoted
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.sections import Sections
from pmtaform.plan.dangers.sides import Sides

SOURCE_HOST: Final = "smtp-source-host"
SOURCE_IP: Final = "smtp-source-ip"
PROXY_HOST: Final = "smtp-proxy-source-host"
USE_PROXY: Final = "use-proxy"
# What decides from which addresses a virtual MTA sends.
NAMES: Final = frozenset({SOURCE_HOST, SOURCE_IP, PROXY_HOST, USE_PROXY})
_OF_ITSELF: Final = frozenset({DEFAULT_VMTA, "by-smtp-source-ip"})

Spread = Mapping[str, float]


class Exits:
    """The addresses of virtual MTAs and pools of one side."""

    def __init__(self, effective: Effective, sections: Sections) -> None:
        self._effective = effective
        self._reading = effective.reading
        self._sections = sections
        self._known: dict[str, tuple[str, ...]] = {}
        self._spreads: dict[str, Spread] = {}
        self._lines: dict[str, Mapping[str, list[SourceLine]]] = {}

    def exists(self, name: str) -> bool:
        """Whether mail can be directed to a name: a virtual MTA, a pool, or a name of PowerMTA itself."""
        return name in _OF_ITSELF or "$" in name or self._effective.knows(name)

    def of(self, vmta: str) -> tuple[str, ...]:
        """The addresses that a virtual MTA sends from, one for each line; none: those that the system chooses."""
        if vmta not in self._known:
            self._known[vmta] = tuple(self._addresses(vmta))
        return self._known[vmta]

    def _addresses(self, vmta: str) -> Iterable[str]:
        proxied = self.lines(vmta, PROXY_HOST)
        if proxied:
            return [_address(words[2]) for line in proxied if len(words := line.value.split()) > 2]
        used = [name for line in self.lines(vmta, USE_PROXY)[-1:] for name in split(unquoted(line.value))]
        if used and used[0].lower() != "none":
            return [self._client(used[0])]
        direct = (*self.lines(vmta, SOURCE_HOST), *self.lines(vmta, SOURCE_IP))
        return [_address(line.value.split()[0]) for line in direct if line.value.split() and line.value != '""']

    def _client(self, proxy: str) -> str:
        section = self._sections.of("proxy").get(proxy)
        words = section.value("client").split() if section is not None else []
        return _address(words[0]) if words else f"proxy {proxy}"

    def lines(self, vmta: str, name: str) -> list[SourceLine]:
        """The lines of a directive that hold for a virtual MTA: its own, else those at top level."""
        return without_cleared(self._own(vmta).get(name) or self._reading.lines.get(name, []))

    def _own(self, vmta: str) -> Mapping[str, list[SourceLine]]:
        """A virtual MTA's own lines that decide where it sends from, by directive."""
        if vmta not in self._lines:
            own = self._reading.virtual_mtas.get(vmta)
            by_name: dict[str, list[SourceLine]] = {}
            for line in (line for lines in (own.lines if own is not None else ()) for line in lines):
                if line.name in NAMES:
                    by_name.setdefault(line.name, []).append(line)
            self._lines[vmta] = by_name
        return self._lines[vmta]

    def deciding(self, vmta: str) -> list[SourceLine]:
        """The lines that decide from which addresses a virtual MTA sends."""
        return [line for name in sorted(NAMES) for line in self.lines(vmta, name)]

    @cached_property
    def proxied(self) -> tuple[str, ...]:
        """The virtual MTAs that send through a proxy section."""
        return tuple(vmta for vmta in self._effective.virtual_mtas() if self.lines(vmta, USE_PROXY))

    def listed(self, pool: str) -> tuple[str, ...]:
        """The members that a pool names, whether they exist or not."""
        owner = self._reading.pools.get(pool)
        return tuple(_members(owner)) if owner is not None else ()

    def members(self, pool: str) -> tuple[str, ...]:
        """The members of a pool that exist."""
        return tuple(name for name in self.listed(pool) if name in self._reading.virtual_mtas)

    def spread(self, name: str) -> Spread:
        """The part of a virtual MTA's or a pool's mail that each address sends; empty: nothing sends it."""
        if name not in self._spreads:
            self._spreads[name] = self._spread(name)
        return self._spreads[name]

    def _spread(self, name: str) -> Spread:
        if name in self._reading.virtual_mtas or name in _OF_ITSELF:
            return _even(self.of(name) or (f"the system's address for {name}",))
        shares: dict[str, float] = {}
        members = self.members(name)
        for member in members:
            for address, share in self.spread(member).items():
                shares[address] = shares.get(address, 0.0) + share / len(members)
        return shares

    def shown(self, name: str) -> str:
        """A virtual MTA or a pool in words, with where it sends from."""
        if name == DEFAULT_VMTA:
            return "no virtual MTA"
        addresses = [values.shown(address) for address in self.spread(name) if " " not in address]
        return values.shown(name) + (f" ({words.several(addresses)})" if addresses else "")


def _members(owner: Owner) -> Iterable[str]:
    names = (unquoted(line.value.strip()) for lines in owner.lines for line in lines if line.name == VMTA)
    return dict.fromkeys(names)


def _even(addresses: tuple[str, ...]) -> Spread:
    shares: dict[str, float] = {}
    for address in addresses:
        shares[address] = shares.get(address, 0.0) + 1 / len(addresses)
    return shares


@lru_cache(1 << 16)
def _address(word: str) -> str:
    """An address as it is compared: without port and brackets, IPv6 in short form."""
    text = unquoted(word)
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    network = values.parse_cidr(text)
    return text if network is None else str(network).removesuffix("/32").removesuffix("/128")


def is_range(address: str) -> bool:
    """Whether it means all local addresses in a network."""
    return "/" in address


def covered(address: str, others: Iterable[str]) -> bool:
    """Whether an address, or a whole range, is among others."""
    names = set(others)
    if address in names:
        return True
    ranges = [ip_network(other, strict=False) for other in names if is_range(other)]
    if not ranges or values.parse_cidr(address) is None:
        return False
    mine = ip_network(address, strict=False)
    return any(covers(other, mine) for other in ranges)


def growth(before: Spread, after: Spread) -> dict[str, float]:
    """The growth of each address's share; for a new address, compared with the largest share before."""
    largest = max(before.values(), default=0.0)
    if not largest:
        return {}
    return {address: share / before.get(address, largest) for address, share in after.items()}


def are_equal(before: Spread, after: Spread) -> bool:
    """Whether the same addresses send the same parts."""
    return before.keys() == after.keys() and all(
        abs(share - after[address]) < 1e-9 for address, share in before.items()
    )


class Both:
    """The exits of both sides, and which virtual MTAs send from other addresses than before."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self.before = Exits(sides.before, sides.sections_before)
        self.after = Exits(sides.after, sides.sections_after)

    @cached_property
    def moved(self) -> tuple[str, ...]:
        """The virtual MTAs of both sides whose addresses differ."""
        named = dict.fromkeys(
            vmta
            for queue in self._sides.queues
            if not queue.domain and any(move.name in NAMES for move in queue.moves)
            for vmta in queue.vmtas
        )
        if not self._sides.are_same("proxy"):
            named |= dict.fromkeys((*self.before.proxied, *self.after.proxied))
        both = set(self._sides.virtual_mtas)
        return tuple(vmta for vmta in named if vmta in both and self.before.of(vmta) != self.after.of(vmta))

    def cause(self, vmta: str) -> Address | None:
        """The changed block that decides from which addresses a virtual MTA sends."""
        lines = [*self.after.deciding(vmta), *self.before.deciding(vmta)]
        used = [name for line in lines if line.name == USE_PROXY for name in split(unquoted(line.value))]
        proxies = (Address("proxy", name) for name in used)
        proxy = next((address for address in proxies if address in self._sides.changed), None)
        return proxy or self._sides.cause_of_lines(lines)

    def is_same_way(self, before: str, after: str) -> bool:
        """Whether mail directed to one name before and to another after leaves from the same addresses."""
        return before == after or are_equal(self.before.spread(before), self.after.spread(after))


def exits_of(sides: Sides) -> Both:
    """The exits of a change, worked out once."""
    both = sides.memory.get("exits")
    if not isinstance(both, Both):
        both = sides.memory["exits"] = Both(sides)
    return both
