"""A small name server on loopback, UDP and TCP on one port, with zones that tests write."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from dnslib import QTYPE, RCODE, RR, TXT, DNSRecord

from pmtaform.dns.dkim_record import chunked
from pmtaform.dns.resolver import DnsServer, DnsStatus

Zone = Mapping[tuple[str, str], Sequence[str] | DnsStatus]
Start = Callable[..., "NameServer"]


def _record(name: str, kind: str, value: str) -> RR:
    if kind == "TXT":
        return RR(name, QTYPE.TXT, rdata=TXT([piece.encode() for piece in chunked(value)]), ttl=300)
    return RR.fromZone(f"{name}. 300 IN {kind} {value}{'.' if kind in ('NS', 'PTR', 'CNAME') else ''}")[0]


@dataclass
class NameServer:
    """Answers from `zone`. `truncated` names are cut short over UDP; `drop` ignores that many questions first."""

    zone: Zone
    truncated: frozenset[str] = frozenset()
    drop: int = 0
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # (protocol, name, kind)

    def start(self) -> NameServer:
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.udp.bind(("127.0.0.1", self.port))
        except OSError:  # someone has that UDP port: take another pair
            self.tcp.close()
            self.udp.close()
            return self.start()
        self.threads = [threading.Thread(target=run, daemon=True) for run in (self._udp, self._tcp)]
        for thread in self.threads:
            thread.start()
        return self

    @property
    def server(self) -> DnsServer:
        return DnsServer("127.0.0.1", self.port)

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as poke:
            poke.sendto(b"", ("127.0.0.1", self.port))  # the empty datagram ends the loop
        with socket.create_connection(("127.0.0.1", self.port)):
            pass
        for thread in self.threads:
            thread.join(5)
        self.udp.close()
        self.tcp.close()

    def _udp(self) -> None:
        while True:
            data, peer = self.udp.recvfrom(4096)
            if not data:
                return
            if self.drop:
                self.drop -= 1
                continue
            answer = self._answer(data, "udp")
            if answer is not None:
                self.udp.sendto(answer, peer)

    def _tcp(self) -> None:
        while True:
            connection, _ = self.tcp.accept()
            with connection:
                head = connection.recv(2, socket.MSG_WAITALL)
                if not head:
                    return
                data = connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
                answer = self._answer(data, "tcp")
                if answer is not None:
                    connection.sendall(len(answer).to_bytes(2, "big") + answer)

    def _answer(self, data: bytes, protocol: str) -> bytes | None:
        query = DNSRecord.parse(data)
        name, kind = str(query.q.qname).rstrip(".").lower(), QTYPE[query.q.qtype]
        self.asked.append((protocol, name, kind))
        reply = query.reply()
        if protocol == "udp" and name in self.truncated:
            reply.header.tc = 1
            return bytes(reply.pack())
        at, hops = name, 0
        while kind != "CNAME" and isinstance(alias := self.zone.get((at, "CNAME")), (list, tuple)) and hops < 12:
            reply.add_answer(_record(at, "CNAME", alias[0]))
            at, hops = alias[0], hops + 1
        result = self.zone.get((at, kind))
        if result is DnsStatus.TIMEOUT:
            return None
        if isinstance(result, DnsStatus):
            reply.header.rcode = {DnsStatus.REFUSED: RCODE.REFUSED, DnsStatus.FAILED: RCODE.SERVFAIL}[result]
        elif result:
            for value in result:
                reply.add_answer(_record(at, kind, value))
        elif not any(known == at for known, _ in self.zone):
            reply.header.rcode = RCODE.NXDOMAIN
        return bytes(reply.pack())
