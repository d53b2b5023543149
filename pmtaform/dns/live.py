"""The resolver that asks real servers, with dnspython. The only module that knows that library."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pmtaform.dns.resolver import Answer, Resolver, Server, Status, parents, plain

if TYPE_CHECKING:
    import dns.message

_MOST_ALIASES = 8
_MOST_NAME_SERVERS = 8


class LiveResolver(Resolver):
    """Asks over UDP, and over TCP when an answer was cut short.

    `timeout` bounds one try and `deadline` one question with all its tries and aliases, in seconds. `endpoints`
    says where the name server with a name is, instead of port 53 at its addresses. Equal questions of one run
    are asked once.
    """

    def __init__(
        self,
        servers: Sequence[Server] | None = None,
        *,
        timeout: float = 3.0,
        tries: int = 2,
        deadline: float = 15.0,
        endpoints: Mapping[str, Server] | None = None,
    ) -> None:
        self._servers = tuple(servers) if servers is not None else system_servers()
        self._timeout = timeout
        self._tries = tries
        self._deadline = deadline
        self._endpoints = {plain(name): server for name, server in (endpoints or {}).items()}
        self._known: dict[tuple[str, str, Server | None], Answer] = {}

    @property
    def servers(self) -> tuple[Server, ...]:
        """The configured servers; the system's if none were given."""
        return self._servers

    def ask(self, name: str, kind: str, *, server: Server | None = None) -> Answer:
        """See `Resolver.ask`."""
        key = (plain(name), kind.upper(), server)
        if key not in self._known:
            self._known[key] = self._ask(*key, time.monotonic() + self._deadline)
        return self._known[key]

    def authoritative(self, name: str) -> tuple[Server, ...]:
        """See `Resolver.authoritative`."""
        for zone in parents(name):
            answer = self.ask(zone, "NS")
            if answer.status is Status.ANSWERED:
                found = [s for host in answer.records[:_MOST_NAME_SERVERS] for s in self._at(host)]
                return tuple(dict.fromkeys(found))
            if not answer.is_absent:
                break
        return ()

    def _at(self, host: str) -> list[Server]:
        if plain(host) in self._endpoints:
            return [self._endpoints[plain(host)]]
        return [Server(address) for kind in ("A", "AAAA") for address in self.ask(host, kind).records]

    def _ask(self, name: str, kind: str, server: Server | None, until: float) -> Answer:
        answer = Answer(name=name, kind=kind, status=Status.OFFLINE)
        for _ in range(self._tries):
            for one in (server,) if server else self._servers:
                left = until - time.monotonic()
                if left <= 0:
                    return answer
                got = self._once(name, kind, one, min(self._timeout, left), until)
                # A server that says "no" says more than one that says nothing.
                if got.is_known:
                    return got
                if answer.status in (Status.OFFLINE, Status.TIMEOUT):
                    answer = got
            if answer.status in (Status.REFUSED, Status.FAILED):
                break
        return answer

    def _once(self, name: str, kind: str, server: Server, timeout: float, until: float) -> Answer:
        import dns.exception
        import dns.message
        import dns.query

        def said(status: Status) -> Answer:
            return Answer(name=name, kind=kind, status=status, server=str(server))

        try:
            query = dns.message.make_query(name, kind, use_edns=0, payload=1232)
        except (dns.exception.DNSException, UnicodeError):
            return said(Status.NO_SUCH_NAME)  # too long, or an empty label: there cannot be such a name
        try:
            response, _ = dns.query.udp_with_fallback(
                query, server.address, timeout=timeout, port=server.port, ignore_unexpected=True, ignore_errors=True
            )
        except dns.exception.Timeout:
            return said(Status.TIMEOUT)
        except (dns.exception.DNSException, EOFError):
            return said(Status.FAILED)
        except OSError:
            return said(Status.OFFLINE)
        return self._read(response, said(Status.FAILED), until)

    def _read(self, response: dns.message.Message, blank: Answer, until: float) -> Answer:
        import dns.rcode

        code = response.rcode()
        if code == dns.rcode.REFUSED:
            return _as(blank, status=Status.REFUSED)
        if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return blank
        at, chain, found, ttl = _follow(response, blank.name, blank.kind)
        if found:
            return _as(blank, status=Status.ANSWERED, records=found, ttl=ttl, chain=chain)
        if code == dns.rcode.NXDOMAIN:
            return _as(blank, status=Status.NO_SUCH_NAME, chain=chain)
        if chain and len(chain) <= _MOST_ALIASES and time.monotonic() < until:
            return self._chase(at, chain, blank, until)
        return _as(blank, status=Status.FAILED if len(chain) > _MOST_ALIASES else Status.NO_DATA, chain=chain)

    def _chase(self, at: str, chain: tuple[str, ...], blank: Answer, until: float) -> Answer:
        """The alias leads out of the zone that was asked: the configured servers know what is there."""
        if at == blank.name or at in chain[:-1]:
            return _as(blank, chain=chain)
        for server in self._servers:
            left = until - time.monotonic()
            if left <= 0:
                break
            hops = _Hops(self, blank, chain)
            got = hops.ask(at, server, min(self._timeout, left), until)
            if got.is_known:
                return got
        return _as(blank, chain=chain)


class _Hops:
    """One alias further, never more than `_MOST_ALIASES` in all."""

    def __init__(self, resolver: LiveResolver, blank: Answer, chain: tuple[str, ...]) -> None:
        self._resolver = resolver
        self._blank = blank
        self._chain = chain

    def ask(self, at: str, server: Server, timeout: float, until: float) -> Answer:
        """What the alias leads to."""
        import dns.exception
        import dns.message
        import dns.query
        import dns.rcode

        for _ in range(_MOST_ALIASES):
            try:
                query = dns.message.make_query(at, self._blank.kind, use_edns=0, payload=1232)
                response, _tcp = dns.query.udp_with_fallback(
                    query, server.address, timeout=timeout, port=server.port, ignore_unexpected=True, ignore_errors=True
                )
            except (dns.exception.DNSException, OSError, EOFError, UnicodeError):
                break
            further, chain, found, ttl = _follow(response, at, self._blank.kind)
            self._chain += chain
            if found:
                return _as(self._blank, status=Status.ANSWERED, records=found, ttl=ttl, chain=self._chain)
            if response.rcode() == dns.rcode.NXDOMAIN:
                return _as(self._blank, status=Status.NO_SUCH_NAME, chain=self._chain)
            if response.rcode() != dns.rcode.NOERROR or time.monotonic() > until:
                break
            if not chain:
                return _as(self._blank, status=Status.NO_DATA, chain=self._chain)
            at = further
        return _as(self._blank, chain=self._chain)


def _follow(
    response: dns.message.Message, name: str, kind: str
) -> tuple[str, tuple[str, ...], tuple[str, ...], int | None]:
    """(last name, aliases, records, TTL) as far as the response itself goes."""
    import dns.rdatatype

    sets = {(plain(str(s.name)), dns.rdatatype.to_text(s.rdtype)): s for s in response.answer}
    chain: list[str] = []
    at = name
    while (at, kind) not in sets and (at, "CNAME") in sets and len(chain) <= _MOST_ALIASES:
        at = plain(next(iter(sets[at, "CNAME"])).target.to_text())
        chain.append(at)
    found = sets.get((at, kind))
    if found is None:
        return at, tuple(chain), (), None
    return at, tuple(chain), tuple(sorted(_text(record, kind) for record in found)), int(found.ttl)


def _text(record: Any, kind: str) -> str:
    if kind in ("TXT", "SPF"):
        return b"".join(record.strings).decode("utf-8", "backslashreplace")
    if kind == "MX":
        return f"{record.preference} {plain(record.exchange.to_text()) or '.'}"
    if kind in ("PTR", "NS", "CNAME"):
        return plain(record.target.to_text())
    return str(record.to_text())


def _as(blank: Answer, **changes: Any) -> Answer:
    from dataclasses import replace

    return replace(blank, **changes)


def system_servers() -> tuple[Server, ...]:
    """The name servers that this machine is set up with; none when it has none."""
    import dns.exception
    import dns.resolver

    try:
        found = dns.resolver.Resolver(configure=True).nameservers
    except (dns.exception.DNSException, OSError):
        return ()
    return tuple(Server(str(address)) for address in found if "://" not in str(address))
