"""The resolver that asks real servers, with dnspython. The only module that knows that library."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pmtaform.dns.resolver import DnsAnswer, DnsResolver, DnsServer, DnsStatus, parents, plain
from pmtaform.model.dns import DnsSettings

if TYPE_CHECKING:
    import dns.message

_MOST_ALIASES = 8
_MOST_NAME_SERVERS = 8
_GIVEN_UP = 16  # tries in a row without an answer: all questions of a fleet would take minutes to fail the same way


def live_resolver(settings: DnsSettings) -> LiveResolver:
    """Return the resolver that a stack's `dns` describes; it asks this machine's own servers when `dns` names none."""
    servers = [DnsServer.parse(text) for text in settings.resolvers] or None
    return LiveResolver(servers, timeout=settings.timeout, tries=settings.tries, deadline=settings.deadline)


class LiveResolver(DnsResolver):
    """Asks over UDP, and over TCP when an answer was cut short.

    `timeout` bounds one try and `deadline` one question with all its tries and aliases, in seconds. `endpoints`
    maps names of name servers to their addresses, instead of port 53 at those in DNS. Equal questions of one run
    are asked once, and a server that never answers is given up.
    """

    def __init__(
        self,
        servers: Sequence[DnsServer] | None = None,
        *,
        timeout: float = 3.0,
        tries: int = 2,
        deadline: float = 15.0,
        endpoints: Mapping[str, DnsServer] | None = None,
    ) -> None:
        self._servers = tuple(servers) if servers is not None else system_servers()
        self._timeout = timeout
        self._tries = tries
        self._deadline = deadline
        self._endpoints = {plain(name): server for name, server in (endpoints or {}).items()}
        self._silences: dict[DnsServer, int] = {}
        self._known: dict[tuple[str, str, DnsServer | None], DnsAnswer] = {}

    @property
    def servers(self) -> tuple[DnsServer, ...]:
        """The configured servers; the system's if none were given."""
        return self._servers

    def ask(self, name: str, kind: str, *, server: DnsServer | None = None) -> DnsAnswer:
        """See `DnsResolver.ask`."""
        key = (plain(name), kind.upper(), server)
        if key not in self._known:
            self._known[key] = self._ask(*key, time.monotonic() + self._deadline)
        return self._known[key]

    def authoritative(self, name: str) -> tuple[DnsServer, ...]:
        """See `DnsResolver.authoritative`."""
        for zone in parents(name):
            if "." not in zone:
                break  # a top level's servers know of delegations, not of what is there
            answer = self.ask(zone, "NS")
            if answer.status is DnsStatus.ANSWERED:
                records = [s for host in answer.records[:_MOST_NAME_SERVERS] for s in self._at(host)]
                return tuple(dict.fromkeys(records))
            if not answer.is_absent:
                break
        return ()

    def _at(self, host: str) -> list[DnsServer]:
        if plain(host) in self._endpoints:
            return [self._endpoints[plain(host)]]
        return [DnsServer(address) for kind in ("A", "AAAA") for address in self.ask(host, kind).records]

    def _ask(self, name: str, kind: str, server: DnsServer | None, until: float) -> DnsAnswer:
        answer = DnsAnswer(name=name, kind=kind, status=DnsStatus.OFFLINE)
        for _ in range(self._tries):
            for one in (server,) if server else self._servers:
                left = until - time.monotonic()
                if left <= 0:
                    return answer
                got = self._once(name, kind, one, min(self._timeout, left), until)
                # A negative answer is worth more than none.
                if got.is_known:
                    return got
                if answer.status in (DnsStatus.OFFLINE, DnsStatus.TIMEOUT):
                    answer = got
            if answer.status in (DnsStatus.REFUSED, DnsStatus.FAILED):
                break
        return answer

    def _once(self, name: str, kind: str, server: DnsServer, timeout: float, until: float) -> DnsAnswer:
        """One try, its aliases followed; where they lead out of the zone, the configured servers are asked."""
        import dns.rcode

        at = name
        chain: tuple[str, ...] = ()
        records: tuple[str, ...] = ()
        ttl: int | None = None
        response = self._exchange(name, kind, server, timeout)
        status = response if isinstance(response, DnsStatus) else DnsStatus.FAILED
        while not isinstance(response, DnsStatus) and len(chain) <= _MOST_ALIASES:
            at, more, records, ttl = _follow(response, at, kind)
            chain += more
            code = response.rcode()
            if records or not more or code != dns.rcode.NOERROR:
                status = _status(code, records)
                break
            response = self._anyone(at, kind, until)
        return DnsAnswer(name=name, kind=kind, status=status, records=records, ttl=ttl, server=str(server), chain=chain)

    def _anyone(self, name: str, kind: str, until: float) -> dns.message.Message | DnsStatus:
        for server in self._servers:
            left = until - time.monotonic()
            response = self._exchange(name, kind, server, min(self._timeout, left)) if left > 0 else DnsStatus.TIMEOUT
            if not isinstance(response, DnsStatus):
                return response
        return DnsStatus.FAILED

    def _exchange(self, name: str, kind: str, server: DnsServer, timeout: float) -> dns.message.Message | DnsStatus:
        if self._silences.get(server, 0) >= _GIVEN_UP:
            return DnsStatus.TIMEOUT
        response = _exchange(name, kind, server, timeout)
        self._silences[server] = self._silences.get(server, 0) + 1 if response is DnsStatus.TIMEOUT else 0
        return response


def _exchange(name: str, kind: str, server: DnsServer, timeout: float) -> dns.message.Message | DnsStatus:
    """The response, or why there is none."""
    import dns.exception
    import dns.message
    import dns.query

    try:
        query = dns.message.make_query(name, kind, use_edns=0, payload=1232)
    except (dns.exception.DNSException, UnicodeError):
        return DnsStatus.NO_SUCH_NAME  # too long, or an empty label: there cannot be such a name
    try:
        return dns.query.udp_with_fallback(
            query, server.address, timeout=timeout, port=server.port, ignore_unexpected=True, ignore_errors=True
        )[0]
    except dns.exception.Timeout:
        return DnsStatus.TIMEOUT
    except (dns.exception.DNSException, EOFError):
        return DnsStatus.FAILED
    except OSError:
        return DnsStatus.OFFLINE


def _status(code: int, records: tuple[str, ...]) -> DnsStatus:
    import dns.rcode

    if code == dns.rcode.REFUSED:
        return DnsStatus.REFUSED
    if code == dns.rcode.NXDOMAIN:
        return DnsStatus.NO_SUCH_NAME
    if code != dns.rcode.NOERROR:
        return DnsStatus.FAILED
    return DnsStatus.ANSWERED if records else DnsStatus.NO_DATA


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
    records = sets.get((at, kind))
    if records is None:
        return at, tuple(chain), (), None
    return at, tuple(chain), tuple(sorted(_text(record, kind) for record in records)), int(records.ttl)


def _text(record: Any, kind: str) -> str:
    if kind in ("TXT", "SPF"):
        return b"".join(record.strings).decode("utf-8", "backslashreplace")
    if kind == "MX":
        return f"{record.preference} {plain(record.exchange.to_text()) or '.'}"
    if kind in ("PTR", "NS", "CNAME"):
        return plain(record.target.to_text())
    return str(record.to_text())


def system_servers() -> tuple[DnsServer, ...]:
    """The name servers that this machine is set up with; none when it has none."""
    import dns.exception
    import dns.resolver

    try:
        records = dns.resolver.Resolver(configure=True).nameservers
    except (dns.exception.DNSException, OSError):
        return ()
    return tuple(DnsServer(str(address)) for address in records if "://" not in str(address))
