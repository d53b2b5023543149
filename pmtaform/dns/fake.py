"""A resolver that answers from a zone in memory, for tests and experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pmtaform.dns.resolver import DnsAnswer, DnsResolver, DnsServer, DnsStatus, parents, plain

Zone = Mapping[tuple[str, str], Sequence[str] | DnsStatus]

_ONLY = DnsServer("127.0.0.1", 5300)
_MOST_ALIASES = 8


class FakeResolver(DnsResolver):
    """Answers from `zone`: (name, kind) -> records, or the status instead. Other kinds of a known name: no data.

    `views` are servers that say something else; `name_servers` are those of zones by the zone's name.
    """

    def __init__(
        self,
        zone: Zone,
        *,
        views: Mapping[DnsServer, Zone] | None = None,
        name_servers: Mapping[str, Sequence[DnsServer]] | None = None,
        servers: Sequence[DnsServer] = (_ONLY,),
    ) -> None:
        self._zone = _plain(zone)
        self._views = {server: _plain(view) for server, view in (views or {}).items()}
        self._name_servers = {plain(name): tuple(content) for name, content in (name_servers or {}).items()}
        self._servers = tuple(servers)
        self.asked: list[tuple[str, str]] = []

    @property
    def servers(self) -> tuple[DnsServer, ...]:
        """The configured servers."""
        return self._servers

    def ask(self, name: str, kind: str, *, server: DnsServer | None = None) -> DnsAnswer:
        """See `DnsResolver.ask`."""
        name, kind = plain(name), kind.upper()
        self.asked.append((name, kind))
        if server is not None:
            return self._from(server, name, kind)
        answer = DnsAnswer(name=name, kind=kind, status=DnsStatus.OFFLINE)
        for one in self._servers:
            answer = self._from(one, name, kind)
            if answer.is_known:
                break
        return answer

    def authoritative(self, name: str) -> tuple[DnsServer, ...]:
        """See `DnsResolver.authoritative`."""
        return next((self._name_servers[up] for up in parents(name) if up in self._name_servers), ())

    def _from(self, server: DnsServer, name: str, kind: str) -> DnsAnswer:
        zone = self._views.get(server, self._zone)
        chain: list[str] = []
        at = name
        while kind != "CNAME" and (alias := zone.get((at, "CNAME"))) and not isinstance(alias, DnsStatus):
            at = plain(alias[0])
            chain.append(at)
            if len(chain) > _MOST_ALIASES:
                return DnsAnswer(name=name, kind=kind, status=DnsStatus.FAILED, server=str(server), chain=tuple(chain))
        content = zone.get((at, kind))
        if isinstance(content, DnsStatus):
            return DnsAnswer(name=name, kind=kind, status=content, server=str(server), chain=tuple(chain))
        status = (
            DnsStatus.ANSWERED
            if content
            else DnsStatus.NO_DATA
            if any(n == at for n, _ in zone)
            else DnsStatus.NO_SUCH_NAME
        )
        records = tuple(sorted(content or ()))
        ttl = 300 if records else None
        return DnsAnswer(
            name=name, kind=kind, status=status, records=records, ttl=ttl, server=str(server), chain=tuple(chain)
        )


def _plain(zone: Zone) -> dict[tuple[str, str], Sequence[str] | DnsStatus]:
    return {(plain(name), kind.upper()): content for (name, kind), content in zone.items()}
