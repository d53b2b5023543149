"""What a client may do: the sources that hold for it, by its address and by what its listener and its login give it.

Facts: docs/powermta/language.md section 5 (guide 3.3.7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.effective.model import Value
from pmtaform.lang.effective.settings import Effective
from pmtaform.lang.effective.sources import RELAYING, SOURCE
from pmtaform.lang.values.networks import Network
from pmtaform.lang.values.text import unquoted

_LISTENER: Final = "smtp-listener"
_USER: Final = "smtp-user"
AUTH: Final = "{auth}"  # the source of users that name none


@dataclass(frozen=True, slots=True)
class Client:
    """Who submits mail. `address` None: mail from the pickup folder or the like, with the `named` source alone.

    `listener` and `user` are the names of the sources that the listener and the login give; empty: none.
    """

    address: Network | None
    listener: str = ""
    user: str = ""
    named: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """The named sources, the strongest last."""
        return tuple(name for name in (self.named, self.listener, self.user) if name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """What holds for a client: the sections, the strongest first, and every directive of sources."""

    client: Client
    sections: tuple[str, ...]
    values: Mapping[str, Value]
    notes: tuple[str, ...]


def listeners(effective: Effective) -> dict[str, str]:
    """The named source that each listener gives its clients, by its address in normal form; empty: none."""
    by_address: dict[str, str] = {}
    for line in effective.reading.lines.get(_LISTENER, ()):
        address, *words = line.value.split() or [""]
        named = [word.partition("=")[2] for word in words if word.startswith("source=")]
        by_address[values.normalise_argument(_LISTENER, address)] = unquoted(named[-1]) if named else ""
    for nodes in effective.reading.sections.get(_LISTENER, ()):
        address = values.normalise_argument(_LISTENER, nodes.section.argument)
        named = [line.value for line in nodes.lines(_LISTENER, "") if line.name == SOURCE]
        by_address[address] = unquoted(named[-1]) if named else by_address.get(address, "")
    return by_address


def users(effective: Effective) -> dict[str, str]:
    """The named source of each SMTP user; `{auth}` of those that name none."""
    by_name: dict[str, str] = {}
    for nodes in effective.reading.sections.get(_USER, ()):
        named = [line.value for line in nodes.lines(_USER, "") if line.name == SOURCE]
        name = unquoted(nodes.section.argument)
        by_name[name] = unquoted(named[-1]) if named else by_name.get(name, AUTH)
    return by_name


def client_settings(effective: Effective, client: Client) -> ClientSettings:
    """Every directive that holds for a client, and what a reader has to know besides."""
    sources = effective.sources
    by_name = sources.settings(client.address, *client.sources)
    return ClientSettings(
        client=client,
        sections=tuple(_sections(effective, client)),
        values=by_name,
        notes=tuple(_notes(effective, client, by_name)),
    )


def _sections(effective: Effective, client: Client) -> Iterator[str]:
    for section in effective.sources.sections(client.address, *client.sources):
        title = next((lines[0].section for lines in section.values() if lines), "")
        if title:
            yield title


def _notes(effective: Effective, client: Client, by_name: Mapping[str, Value]) -> Iterator[str]:
    for name in client.sources:
        if not effective.sources.knows(name):
            yield f"There is no <source {name}>. Its effect is not documented; it is assumed to set nothing."
    if client.address is None:
        yield "Whether sources by address count here is not documented; only the named one is looked at."
    elif not client.listener and (others := sorted({name for name in listeners(effective).values() if name})):
        yield f"Some listeners give their clients another source ({', '.join(others)}): name one with --listener."
    if _is(by_name, "smtp-service", False):
        yield "This client is not served: smtp-service is no."
    if _is(by_name, "require-auth", True) and not client.user:
        yield "This client has to log in before it sends mail. Name its user with --user."
    if _is(by_name, RELAYING, True):
        yield "It may send to any recipient (always-allow-relaying)."
    else:
        yield "It may send only to the recipients that relay-domain, relay-address and host-name allow."
    for address in effective.web_addresses:
        yield f"include {address} was not read: its settings are not known, and may change any of these values."


def _is(by_name: Mapping[str, Value], name: str, truth: bool) -> bool:
    value = by_name[name]
    return bool(value.values) and values.parse_bool(value.values[0]) is truth
