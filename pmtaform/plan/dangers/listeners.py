"""The listeners of a server, and the networks that can reach each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective import Effective
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.effective.reading import Nodes
from pmtaform.lang.values.networks import EVERY_ADDRESS, Network, covers, is_everyone, is_inside, is_loopback, network
from pmtaform.lang.values.text import unquoted

LISTENER: Final = "smtp-listener"
API_LISTENER: Final = "transmissions-api-listener"
_SOURCE: Final = "source="


class Exposure(IntEnum):
    """The networks that can reach a listener."""

    NONE = -1
    MACHINE = 0  # from the machine itself
    INSIDE = 1  # from private networks
    PUBLIC = 2  # at its own address
    EVERYWHERE = 3  # at every address of the machine


@dataclass(frozen=True, slots=True)
class Listener:
    """A place that accepts connections. `line` is None for the one that PowerMTA opens where none is written."""

    address: str
    port: str
    source: str = ""
    immediate_tls: bool = False
    line: SourceLine | None = None

    @property
    def name(self) -> str:
        """The listener in words."""
        if is_everyone(self.address) or self.address == EVERY_ADDRESS:
            return f"port {values.shown(self.port)} of every address"
        return values.shown(f"{self.address}:{self.port}")

    @property
    def network(self) -> Network | None:
        """The local addresses that it is for; None when they cannot be read."""
        return network("0/0" if self.address == EVERY_ADDRESS else self.address)

    @property
    def reach(self) -> Exposure:
        """From how far it can be reached; one whose address cannot be read counts as open everywhere."""
        if is_loopback(self.address):
            return Exposure.MACHINE
        if is_inside(self.address):
            return Exposure.INSIDE
        if self.network is None or is_everyone(str(self.network)):
            return Exposure.EVERYWHERE
        return Exposure.PUBLIC

    def covers(self, other: Listener) -> bool:
        """Whether who connects to `other` would reach this one."""
        mine, its = self.network, other.network
        if self.port != other.port:
            return False
        if mine is None or its is None:
            return self.address == other.address
        return covers(mine, its)


def smtp_listeners(effective: Effective) -> tuple[Listener, ...]:
    """Every SMTP listener. Without any, PowerMTA opens port 25 of every address (guide 3.3.1.20)."""
    written = [_of_line(line) for line in effective.reading.lines.get(LISTENER, ())]
    written += sections(effective, LISTENER)
    return tuple(written) or (_implied(effective),)


def sections(effective: Effective, tag: str) -> list[Listener]:
    """The listeners that are sections of this name."""
    return [_of_section(nodes, tag) for nodes in effective.reading.sections.get(tag, ())]


def _implied(effective: Effective) -> Listener:
    """What is open without a listener; the old `smtp-ip` and `smtp-port` count then."""
    lines = effective.reading.lines
    address, port = (lines.get(name, [None])[-1] for name in ("smtp-ip", "smtp-port"))
    return Listener(
        EVERY_ADDRESS if address is None else unquoted(address.value),
        "25" if port is None else unquoted(port.value),
        line=address or port,
    )


def _of_line(line: SourceLine) -> Listener:
    place, *rest = unquoted(line.value).split() or [""]
    address, _, port = place.rpartition(":")
    named = [word[len(_SOURCE) :] for word in rest if word.lower().startswith(_SOURCE)]
    return Listener(address, port, named[-1] if named else "", line=line)


def _of_section(nodes: Nodes, tag: str) -> Listener:
    argument = unquoted(nodes.section.argument)
    address, _, port = argument.rpartition(":")
    by_name = {line.name: line for line in _lines(nodes, tag, argument)}
    source, tls = by_name.get("source"), by_name.get("immediate-tls")
    return Listener(
        address,
        port,
        unquoted(source.value) if source else "",
        immediate_tls=bool(tls and values.parse_bool(unquoted(tls.value))),
        line=SourceLine(tag, argument, nodes.section.line, f"<{tag} {argument}>", nodes.tree),
    )


def _lines(nodes: Nodes, tag: str, argument: str) -> Iterator[SourceLine]:
    return nodes.lines(tag, f"<{tag} {argument}>")
