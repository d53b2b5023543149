"""Which server is let in: the one whose key known_hosts has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import paramiko

from pmtaform.host import known_hosts
from pmtaform.host.known_hosts import HostKey, KnownHosts
from pmtaform.host.ssh_settings import Hop


class ServerKeyError(paramiko.SSHException):  # type: ignore[misc]  # untyped library
    """The server may not show `key`. `known`: the keys that it may show."""

    def __init__(self, key: paramiko.PKey, known: Sequence[HostKey]) -> None:
        super().__init__("the host key is not known")
        self.type, self.blob, self.known = key.get_name(), key.asbytes(), known

    @property
    def expected(self) -> HostKey:
        """The known key that it should have been: one of the same type, if there is one."""
        return next((each for each in self.known if each.type == self.type), self.known[0])


class OtherTypeError(Exception):
    """The server showed a key of a type that it is not known by; `types` are those to ask it for."""

    def __init__(self, types: tuple[str, ...]) -> None:
        super().__init__(types)
        self.types = types


@dataclass(frozen=True, slots=True)
class Trust:
    """The known keys of a server. `types` are requested of it first."""

    known: KnownHosts
    name: str
    types: tuple[str, ...]
    is_guess: bool  # whether `types` are those of other servers, as its own lines are hashed

    @classmethod
    def of(cls, hop: Hop) -> Trust:
        """What is known of the server of `hop`."""
        known = known_hosts.load(hop.known_hosts)
        name = known_hosts.lookup_name(hop.key_alias or hop.host, 22 if hop.key_alias else hop.port)
        types = known.types(name)
        return cls(known, name, types or tuple(known.hashed_types), is_guess=not types)

    def asking_for(self, types: tuple[str, ...]) -> Trust:
        """The same, when the server was found to be known by keys of these types."""
        return replace(self, types=types, is_guess=False)

    def check(self, key: paramiko.PKey) -> None:
        """Raise `ServerKeyError` or `OtherTypeError` for a key that the server may not show."""
        if self.known.has(self.name, key.asbytes()):
            return
        error = ServerKeyError(key, self.known.keys(self.name))
        types = tuple(dict.fromkeys(each.type for each in error.known))
        if self.is_guess and types and error.type not in types:
            raise OtherTypeError(types)
        raise error

    def has(self, blob: bytes) -> bool:
        """Whether the server may show this key."""
        return self.known.has(self.name, blob)

    def is_revoked(self, blob: bytes) -> bool:
        """Whether no server of that name may show this key."""
        return self.known.is_revoked(self.name, blob)


class TrustPolicy(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # untyped library
    """Has paramiko ask `trust`. It has no keys itself, so it asks about every server."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        """Raise what `Trust.check` raises."""
        self._trust.check(key)
