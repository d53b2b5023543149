"""Which `<source>` settings hold for a client: those of its address, and of the named source given to it.

A source by address holds for every client in its network. What a narrower one does not set comes from the wider ones.
A named source (of a listener, of an SMTP user) goes over what the address gives (guide 3.3.7); the guide does not say
whether it replaces all of it or only what it sets itself. Here it replaces what it sets.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final

from pmtaform.lang.catalogue import DirectiveSpec
from pmtaform.lang.effective.deciding import default_of, shown_values, specs_of, with_defaults
from pmtaform.lang.effective.model import Assumption, Overruled, SourceLine, Value
from pmtaform.lang.effective.reading import EffectiveReading
from pmtaform.lang.values import normalise, parse_cidr
from pmtaform.lang.values.networks import Network
from pmtaform.lang.values.text import unquoted

SOURCE: Final = "source"
RELAYING: Final = "always-allow-relaying"

_ByName = dict[str, list[SourceLine]]
_Place = tuple[int, int, int]  # version of IP, length of the prefix, its bits as a number


class Sources:
    """Every `<source>` of a configuration, asked for clients."""

    def __init__(self, reading: EffectiveReading) -> None:
        self._sections: dict[str, _ByName] = {}  # by argument: a network in full, or a name
        self._places: dict[_Place, str] = {}
        for nodes in reading.sections.get(SOURCE, ()):
            argument = unquoted(nodes.section.argument)
            network = client_network(argument)
            key = argument if network is None else str(network)
            if network is not None:
                self._places[_place(network, network.prefixlen)] = key
            lines = self._sections.setdefault(key, {})
            for line in nodes.lines(SOURCE, f"<source {argument}>"):
                lines.setdefault(line.name, []).append(line)
        # The guide describes this one among the global directives (3.3.1.32.1); no source goes before it but its own.
        self._top: _ByName = {RELAYING: reading.lines[RELAYING]} if RELAYING in reading.lines else {}
        self._lengths = sorted({(version, length) for version, length, _ in self._places}, reverse=True)

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """The networks that have a section, in the order of the configuration."""
        return tuple(ipaddress.ip_network(key) for key in self._places.values())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The named sources, in the order of the configuration."""
        networks = set(self._places.values())
        return tuple(key for key in self._sections if key not in networks)

    def knows(self, name: str) -> bool:
        """Whether a source has this name, or is for this network (in full)."""
        return name in self._sections

    def written(self, name: str) -> dict[str, tuple[str, ...]]:
        """What each section says of one directive; the top level has no name. Equal: no client meets anything else."""
        sections = {**self._sections, "": self._top}
        return {key: tuple(line.value for line in lines[name]) for key, lines in sections.items() if name in lines}

    def sections(self, client: Network | None, *named: str) -> Iterator[Mapping[str, list[SourceLine]]]:
        """The lines of each section that holds, by directive; the strongest section first.

        `client` is a client's address, or a network whose clients no narrower source concerns; None: no address
        counts (mail from the pickup folder). `named` are the named sources given to it, the strongest last: that of
        the listener, then that of the user who logged in.
        """
        yield from (self._sections[name] for name in reversed(named) if name in self._sections)
        if client is not None:
            for version, length in self._lengths:
                if version == client.version and length <= client.prefixlen:
                    key = self._places.get(_place(client, length))
                    if key is not None:
                        yield self._sections[key]
        if self._top:
            yield self._top

    def line(self, name: str, client: Network | None, *named: str) -> SourceLine | None:
        """The line that decides one directive; None when no section sets it."""
        lines = next((lines[name] for lines in self.sections(client, *named) if name in lines), None)
        return lines[-1] if lines else None

    def value(self, name: str, client: Network | None, *named: str) -> Value:
        """What one directive is for a client."""
        spec = specs_of(SOURCE).get(name)
        decided = self._decide(name, client, *named)
        if decided is not None:
            return decided
        return Value(name=name, spec=None) if spec is None else default_of(spec, {})

    def settings(self, client: Network | None, *named: str) -> dict[str, Value]:
        """Every directive for a client, in the catalogue's order."""
        names = dict.fromkeys(name for section in self.sections(client, *named) for name in section)
        by_name = {name: self._decide(name, client, *named) for name in names}
        return with_defaults({name: value for name, value in by_name.items() if value is not None}, SOURCE)

    def _decide(self, name: str, client: Network | None, *named: str) -> Value | None:
        groups = [section[name] for section in self.sections(client, *named) if name in section]
        if not groups:
            return None
        spec = specs_of(SOURCE).get(name)
        winner = groups[0]
        lines = winner if spec is not None and spec.accumulates else winner[-1:]
        held = {id(line) for line in lines}
        overruled = [Overruled(line, _why(line, lines[0])) for group in groups for line in reversed(group)]
        doubtful = spec is not None and len({normalise(spec, line.value) for line in winner}) > len(lines)
        return Value(
            name=name,
            spec=spec,
            values=shown_values(lines),
            lines=tuple(lines),
            overruled=tuple(loser for loser in overruled if id(loser.line) not in held),
            assumptions=(
                *((Assumption.REPEATED_LINE,) if doubtful else ()),
                *self._assumptions(spec, groups, [self._sections[each] for each in named if each in self._sections]),
            ),
        )

    def _assumptions(
        self, spec: DirectiveSpec | None, groups: list[list[SourceLine]], named: list[_ByName]
    ) -> Iterator[Assumption]:
        """What a value rests on besides its own lines; `groups` are the lines that set it, the strongest first."""
        winner = groups[0]
        from_named = [group for group in groups if any(group is each.get(group[0].name) for each in named)]
        if named and not from_named:
            yield Assumption.NAMED_SOURCE
        texts = [[normalise(spec, line.value) for line in group] for group in from_named[:2]]
        if len(texts) > 1 and texts[0] != texts[1]:
            yield Assumption.TWO_NAMED_SOURCES
        if winner is self._top.get(winner[0].name):
            yield Assumption.GLOBAL_RELAYING


def _why(loser: SourceLine, winner: SourceLine) -> str:
    if loser.section == winner.section:
        return "a later line of the same section"
    return f"{winner.section} has precedence over {loser.section or 'the top level'}"


def client_network(argument: str) -> Network | None:
    """The network that a source is for; None for a named source."""
    text = parse_cidr(argument)
    return None if text is None else ipaddress.ip_network(text)


def _place(network: Network, length: int) -> _Place:
    return network.version, length, int(network.network_address) >> (network.max_prefixlen - length)
