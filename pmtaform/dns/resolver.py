"""What a DNS answer is, and the port through which DNS is asked."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class DnsStatus(StrEnum):
    """What came of a question."""

    ANSWERED = "answered"
    NO_SUCH_NAME = "no-such-name"
    NO_DATA = "no-data"
    REFUSED = "refused"
    FAILED = "failed"  # SERVFAIL and the like
    TIMEOUT = "timeout"
    OFFLINE = "offline"  # there is no way to the server, or no server to ask


@dataclass(frozen=True, slots=True, order=True)
class DnsServer:
    """A name server."""

    address: str
    port: int = 53

    @classmethod
    def parse(cls, text: str) -> DnsServer:
        """From `192.0.2.1`, `127.0.0.1:5300`, `::1` or `[::1]:5300`. Raises `ValueError`."""
        match = re.fullmatch(r"\[([^\]]+)\](?::([0-9]{1,5}))?|([0-9.]+):([0-9]{1,5})", text)
        if match is None:
            return cls(str(ipaddress.ip_address(text)))
        port = int(match[2] or match[4] or 53)
        if not 0 < port < 65536:
            raise ValueError(f"{text}: no such port")
        return cls(str(ipaddress.ip_address(match[1] or match[3])), port)

    def __str__(self) -> str:
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{shown}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsAnswer:
    """What one server said. `records` are as text, sorted; the strings of a TXT record are joined.

    Names have no dot at their end. `chain` are the names that CNAMEs led to, the last one bears the records.
    `ttl` is in seconds. `server` is empty when there was none to ask.
    """

    name: str
    kind: str
    status: DnsStatus
    records: tuple[str, ...] = ()
    ttl: int | None = None
    server: str = ""
    chain: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether it is an answer, positive or negative."""
        return self.status in (DnsStatus.ANSWERED, DnsStatus.NO_SUCH_NAME, DnsStatus.NO_DATA)

    @property
    def is_absent(self) -> bool:
        """Whether it is a negative answer (a void lookup)."""
        return self.status in (DnsStatus.NO_SUCH_NAME, DnsStatus.NO_DATA)

    @property
    def is_unreached(self) -> bool:
        """Whether no server could be asked: it means nothing about the name."""
        return self.status in (DnsStatus.TIMEOUT, DnsStatus.OFFLINE, DnsStatus.REFUSED)


class DnsResolver(Protocol):
    """Answers questions. Safe to use from many threads; it never raises for an answer, and never hangs."""

    @property
    def servers(self) -> tuple[DnsServer, ...]:
        """The configured servers, in the order in which they are asked."""
        ...

    def ask(self, name: str, kind: str, *, server: DnsServer | None = None) -> DnsAnswer:
        """The records of `kind` (`A`, `TXT`, …) at `name`.

        Without `server`, the configured ones are asked in turn until one knows; with it, that one alone.
        """
        ...

    def authoritative(self, name: str) -> tuple[DnsServer, ...]:
        """The name servers of the zone that `name` is in. None when they cannot be found."""
        ...


def plain(name: str) -> str:
    """A name as answers have it: in small letters, without the dot at its end, other alphabets as `xn--`."""
    text = name.lower().rstrip(".")
    if not text.isascii():
        with suppress(UnicodeError):  # not a name that DNS can have: the answer is negative
            return text.encode("idna").decode("ascii")
    return text


def parents(name: str) -> tuple[str, ...]:
    """The name and those above it, without the root: `a.b.c`, `b.c`, `c`."""
    labels = plain(name).split(".")
    return tuple(".".join(labels[n:]) for n in range(len(labels)))


def reverse_name(address: str) -> str:
    """Where the PTR of an IP address is. Raises `ValueError`."""
    return ipaddress.ip_address(address).reverse_pointer
