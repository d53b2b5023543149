"""The rights of clients on one side of a change: to connect, log in, relay, choose a virtual MTA.

Clients are compared by class: the addresses of one `<source>` without those of a narrower one. The rights of a class
also depend on the listener, which may give it a named source.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective import Effective
from pmtaform.lang.effective.deciding import specs_of
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.effective.sources import SOURCE
from pmtaform.lang.values.networks import Network, covers, divided, is_inside, is_loopback
from pmtaform.lang.values.text import unquoted
from pmtaform.plan.dangers.listeners import Exposure, Listener, smtp_listeners

SERVICE: Final = "smtp-service"
RELAYING: Final = "always-allow-relaying"
REQUIRE_AUTH: Final = "require-auth"
ALLOW_AUTH: Final = "allow-auth"
AUTH: Final = "{auth}"  # the source of those who log in and have no other

EVERY_V4: Final = ipaddress.ip_network("0.0.0.0/0")
EVERY_V6: Final = ipaddress.ip_network("::/0")
_WIDE: Final = {4: 7, 6: 18}  # a network that is larger than any organisation has


_Content = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class User:
    """An SMTP user's lines by directive, and the source that holds once it has logged in."""

    name: str
    lines: dict[str, SourceLine]

    @property
    def source(self) -> str:
        """The named source after login."""
        return unquoted(self.lines["source"].value) if "source" in self.lines else AUTH


class Intake:
    """How one configuration accepts mail."""

    def __init__(self, effective: Effective) -> None:
        self.effective = effective
        self.sources = effective.sources

    @cached_property
    def listeners(self) -> tuple[Listener, ...]:
        """Every SMTP listener."""
        return smtp_listeners(self.effective)

    @cached_property
    def doors(self) -> dict[str, Exposure]:
        """The named sources that listeners give (empty: none), each with how far it can be reached from."""
        doors: dict[str, Exposure] = {}
        for listener in self.listeners:
            doors[listener.source] = max(doors.get(listener.source, Exposure.NONE), listener.reach)
        return doors

    @cached_property
    def users(self) -> dict[str, User]:
        """The SMTP users by name; sections of one name count together."""
        users: dict[str, User] = {}
        for nodes in self.effective.reading.sections.get("smtp-user", ()):
            name = unquoted(nodes.section.argument)
            user = users.setdefault(name, User(name, {}))
            for line in nodes.lines("smtp-user", f"<smtp-user {name}>"):
                user.lines[line.name] = line
        return users

    @property
    def is_described(self) -> bool:
        """Whether the configuration has any line on submission; where it has none, no one relies on it."""
        reading = self.effective.reading
        return bool(
            reading.sections.get(SOURCE)
            or self.users
            or any(name in reading.lines for name in ("relay-domain", "relay-address", "smtp-listener"))
            or reading.sections.get("smtp-listener")
        )

    def is_on(self, name: str, client: Network | None, *named: str) -> bool:
        """Whether a switch is on for a client."""
        line = self.sources.line(name, client, *named)
        if line is None or not line.section:  # a line at top level may have no effect, see `may_relay`
            spec = specs_of(SOURCE).get(name)
            return spec is not None and spec.default in ("true", "yes")
        return values.parse_bool(unquoted(line.value)) is True

    # -- rights ------------------------------------------------------------------------------------------------------

    def connects(self, client: Network | None, door: str) -> bool:
        """Whether a client may use SMTP through listeners that give it the source `door`."""
        return self.is_on(SERVICE, client, door)

    def submits(self, client: Network | None, door: str) -> bool:
        """Whether it may submit mail without a login."""
        return self.connects(client, door) and not self.is_on(REQUIRE_AUTH, client, door)

    def relays(self, client: Network | None, door: str) -> bool:
        """Whether it may submit mail to any recipient without a login."""
        return self.submits(client, door) and self.is_on(RELAYING, client, door)

    def may_relay(self, client: Network | None, door: str) -> bool:
        """As `relays`, and where `always-allow-relaying yes` at top level would allow it.

        The guide documents it there (3.3.1.32.1) and shows it in sources elsewhere; if it counts, every source that
        does not say no allows relaying.
        """
        line = self.sources.line(RELAYING, client, door)
        return line is not None and values.parse_bool(unquoted(line.value)) is True and self.submits(client, door)

    def logs_in(self, client: Network | None, door: str) -> bool:
        """Whether it may log in."""
        return bool(self.users) and self.connects(client, door) and self.is_on(ALLOW_AUTH, client, door)

    def relays_as(self, source: str, client: Network | None, door: str) -> bool:
        """Whether it may relay once it has logged in as a user with `source`."""
        return (
            self.connects(client, door)
            and self.is_on(ALLOW_AUTH, client, door)
            and self.is_on(SERVICE, client, door, source)
            and self.is_on(RELAYING, client, door, source)
        )


def classes(*sides: Intake) -> tuple[Network, ...]:
    """The classes of clients that either side distinguishes, everyone first."""
    named = dict.fromkeys(network for side in sides for network in side.sources.networks)
    six = any(network.version == 6 for network in named) or any(
        listener.network is not None and listener.network.version == 6 for side in sides for listener in side.listeners
    )
    every = dict.fromkeys((EVERY_V4, *([EVERY_V6] if six else ()), *named))
    split = divided(every)  # all clients of these are in narrower classes
    return tuple(client for client in every if client not in split)


def alike(before: Intake, after: Intake) -> tuple[tuple[Network, ...], ...]:
    """The classes of both sides, grouped by equal rights before and after because of the same changed sections.

    The first of a group represents all, so each group is checked once.
    """
    numbers: dict[_Content, int] = {}
    known: dict[int, int] = {}

    def number(section: Mapping[str, list[SourceLine]]) -> int:
        if id(section) not in known:
            content = tuple((name, tuple(line.value for line in lines)) for name, lines in sorted(section.items()))
            known[id(section)] = numbers.setdefault(content, len(numbers))
        return known[id(section)]

    groups: dict[object, list[Network]] = {}
    for client in classes(before, after):
        left, right = (list(side.sources.sections(client)) for side in (before, after))
        was, now = tuple(map(number, left)), tuple(map(number, right))
        moved = [id(group) for group in left if number(group) not in now] + [
            id(group) for group in right if number(group) not in was
        ]
        traits = client.version, is_everyone(client), is_machine(client), is_inside(str(client))
        groups.setdefault((was, now, tuple(moved), traits), []).append(client)
    return tuple(map(tuple, groups.values()))


def is_everyone(client: Network) -> bool:
    """Whether a class includes strangers for certain: all addresses, or more than any organisation has."""
    return client.prefixlen <= _WIDE[client.version]


def is_machine(client: Network) -> bool:
    """Whether a class is the machine itself."""
    return is_loopback(str(client))


def furthest(client: Network, reach: Exposure) -> Exposure:
    """The reach of a listener that matters to a class: internal addresses connect from inside."""
    return min(reach, Exposure.INSIDE) if is_inside(str(client)) else reach


def in_words(clients: Iterable[Network]) -> str:
    """Classes of clients in words, those that are part of others left out."""
    chosen = list(dict.fromkeys(clients))
    if any(client.prefixlen == 0 for client in chosen):
        return "everyone"
    wide = [net for net in chosen if not any(covers(other, net) for other in chosen if other != net)]
    names = [str(net) if net.num_addresses > 1 else str(net.network_address) for net in wide]
    shown = names if len(names) <= 4 else [*names[:3], f"{len(names) - 3} more"]
    return "clients in " + " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
