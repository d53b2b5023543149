"""Hosts in the memory of another process, so that what they do is not counted as the client's.

`python -m benchmarks.elsewhere SOCKET COUNT VMTAS` holds the hosts and answers.
`python -m benchmarks.elsewhere SOCKET ROUND_TRIP pmtaform WORDS…` is `pmtaform` with a transport `elsewhere` to them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import Client, Connection, Listener
from typing import Any

from benchmarks.data import Size, own_configuration
from pmtaform.errors import Unreachable
from pmtaform.host.model import HostSpec
from pmtaform.host.transport import Dialogue, Output, Running, Session
from pmtaform.testing.fleet import MemoryFleet, far_away
from pmtaform.testing.host import memory_transport
from pmtaform.transport import Transport

CONFIG = "/etc/pmta/config"
_KEY = b"one machine, one measurement"


def name_of(number: int) -> str:
    """The name of a host."""
    return f"mta{number:05}"


def content_of(number: int, vmtas: int, *, changed: bool = False) -> str:
    """The configuration of a host: 50 patterns, and 15 lines for each virtual MTA. No two hosts have the same."""
    text = own_configuration(number, Size(lists=1, domains=4, vmtas=vmtas), changed=changed)
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("include "))


# -- the hosts ---------------------------------------------------------------------------------------------------------


def hold(address: str, count: int, vmtas: int) -> None:
    """Hold the hosts until the process is ended; say so on stdout once it listens."""
    numbers = {name_of(number): number for number in range(count)}
    fleet = MemoryFleet(numbers, lambda name: {CONFIG: content_of(numbers[name], vmtas).encode()})
    with Listener(address, "AF_UNIX", backlog=256, authkey=_KEY) as listener:
        print("ready", flush=True)
        holder = _Holder(memory_transport(fleet))
        while True:
            threading.Thread(target=holder.serve, args=(listener.accept(),), daemon=True).start()


class _Holder:
    """Answers requests: a session is opened, asked and closed by its number."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._asked: dict[int, tuple[Session, Dialogue]] = {}
        self._turn = threading.Lock()
        self._last = 0

    def serve(self, connection: Connection) -> None:
        """Answer one thread of the client until it is gone."""
        while True:
            try:
                word, *given = connection.recv()
            except (EOFError, ConnectionResetError):
                return
            try:
                connection.send(getattr(self, word)(*given))
            except Unreachable as problem:
                connection.send(problem)

    def open(self, host: str) -> int:
        session = self._transport.open(HostSpec(name=host, transport=self._transport))
        with self._turn:
            self._last += 1
            self._asked[self._last] = (session, session.begin((), timeout=0))
            return self._last

    def ask(self, number: int, data: bytes, end: bytes) -> Output:
        return self._asked[number][1].ask(data, end, timeout=0)

    def close(self, number: int) -> None:
        session, _ = self._asked.pop(number)
        session.close()


# -- the client --------------------------------------------------------------------------------------------------------


class _Line(threading.local):
    """A connection to the hosts for each thread of the client."""

    def __init__(self, address: str) -> None:
        self._connection = Client(address, "AF_UNIX", authkey=_KEY)

    def call(self, *request: object) -> Any:
        """What the hosts answer. Raises `Unreachable`."""
        self._connection.send(request)
        answer = self._connection.recv()
        if isinstance(answer, Unreachable):
            raise answer
        return answer


class _Session:
    """A session to a host of the other process; the dialogue with its program, too."""

    shell = ("memory",)

    def __init__(self, line: _Line, host: str) -> None:
        self._line = line
        self._number: int | None = line.call("open", host)
        self.running: Running | None = None

    def begin(self, command: Sequence[str], *, timeout: float) -> _Dialogue:  # noqa: ARG002 - nothing is run
        return _Dialogue(self._line, self._number)

    def close(self) -> None:
        number, self._number, self.running = self._number, None, None
        if number is not None:
            self._line.call("close", number)


class _Dialogue:
    def __init__(self, line: _Line, number: int | None) -> None:
        self._line, self._number = line, number

    def ask(self, data: bytes, end: bytes, *, timeout: float) -> Output:  # noqa: ARG002 - it answers at once
        output: Output = self._line.call("ask", self._number, data, end)
        return output

    def close(self) -> None:
        """No more is asked."""


def elsewhere(address: str, round_trip: float) -> Transport:
    """The transport to the hosts at `address`; threads wait for a round trip each time."""
    line = _Line(address)
    near = Transport(name="elsewhere", summary="a host in another process", open=lambda s: _Session(line, s.name))
    return far_away(near, round_trip)


def main() -> None:
    address, *words = sys.argv[1:]
    if "pmtaform" not in words:
        hold(address, int(words[0]), int(words[1]))
    from pmtaform import __main__ as program
    from pmtaform.plugins import TRANSPORTS

    sys.argv = words[1:]
    with TRANSPORTS.providing({"elsewhere": elsewhere(address, float(words[0]))}):
        program.main()


if __name__ == "__main__":
    main()
