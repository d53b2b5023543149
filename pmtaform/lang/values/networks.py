"""Networks: every address, this machine, private ones; and which network covers which."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from pmtaform.lang.values.numbers import parse_cidr

EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - the guide's word for every address of the machine
EVERYONE: Final = frozenset({"0.0.0.0/0", "::/0"})
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Private in the sense of not reachable from the Internet. The documentation networks are not among them: in an
# example they stand for public addresses.
_INSIDE: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)


@lru_cache(maxsize=1 << 17)
def network(text: str) -> Network | None:
    """The network that an address, CIDR or short CIDR names."""
    full = parse_cidr(text.strip().strip("[]"))
    return None if full is None else ipaddress.ip_network(full)


def is_everyone(text: str) -> bool:
    """Whether it covers every address there is (of its family)."""
    net = network(text)
    return net is not None and net.prefixlen == 0


def is_inside(text: str) -> bool:
    """Whether it is an address or network that the Internet does not reach."""
    net = network(text)
    return net is not None and any(covers(inside, net) for inside in _INSIDE)


def is_loopback(text: str) -> bool:
    """Whether it is this machine itself."""
    net = network(text)
    return net is not None and net.is_loopback


def divided(networks: Iterable[Network]) -> frozenset[Network]:
    """Those of some networks whose addresses all belong to narrower ones of them."""
    inside: dict[Network, int] = {}
    above: list[Network] = []
    for member in sorted(set(networks), key=lambda net: (net.version, int(net.network_address), net.prefixlen)):
        while above and not covers(above[-1], member):
            above.pop()
        if above:
            inside[above[-1]] = inside.get(above[-1], 0) + member.num_addresses
        above.append(member)
    return frozenset(member for member, count in inside.items() if count == member.num_addresses)


def covers(wide: Network, narrow: Network) -> bool:
    """Whether all addresses of a network belong to another one of its family."""
    if isinstance(wide, ipaddress.IPv4Network):
        return isinstance(narrow, ipaddress.IPv4Network) and narrow.subnet_of(wide)
    return isinstance(narrow, ipaddress.IPv6Network) and narrow.subnet_of(wide)


class NetworkIndex:
    """Networks seen so far, asked for one that covers another."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int, int], object] = {}
        self._lengths: dict[int, list[int]] = {4: [], 6: []}

    def add(self, net: Network, value: object) -> None:
        """Remember a network; the first of equal ones stays."""
        lengths = self._lengths[net.version]
        if net.prefixlen not in lengths:
            lengths.append(net.prefixlen)
            lengths.sort()
        self._seen.setdefault((net.version, net.prefixlen, int(net.network_address)), value)

    def covering(self, net: Network) -> object | None:
        """What was remembered with a network that covers `net`."""
        address, bits = int(net.network_address), net.max_prefixlen
        for length in self._lengths[net.version]:
            if length > net.prefixlen:
                break
            masked = address >> (bits - length) << (bits - length)
            value = self._seen.get((net.version, length, masked))
            if value is not None:
                return value
        return None
