"""A session to a host in memory: it answers what is sent to the host's program, without running it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pmtaform.diagnostics.codes.connections import CONNECTION_LOST
from pmtaform.errors import Unreachable
from pmtaform.host.model import HostSpec
from pmtaform.host.transport import Output, Running
from pmtaform.testing.agent import answer, clear_staged
from pmtaform.testing.requests import read_request

if TYPE_CHECKING:
    from pmtaform.testing.host import MemoryHost


class MemorySession:
    """An open way to `host`."""

    def __init__(self, host: MemoryHost, spec: HostSpec) -> None:
        self._host = host
        self._spec = spec
        self.running: Running | None = None
        self.is_open = True

    @property
    def shell(self) -> tuple[str, ...]:
        """No shell is run."""
        return ("memory",)

    def begin(self, command: Sequence[str], *, timeout: float) -> MemoryDialogue:  # noqa: ARG002  (nothing is run)
        """A dialogue with the host's program. Raises `Unreachable`."""
        if not self.is_open or self._host.is_down:
            raise _lost(self._spec)
        return MemoryDialogue(self._host, self)

    def lose(self) -> Unreachable:
        """The connection is lost: what this returns is raised."""
        self.is_open = False
        self.running = None
        return _lost(self._spec)

    def close(self) -> None:
        """End it; what it staged and no one resumed is cleared away."""
        self.is_open, self.running = False, None
        with self._host.turn:
            clear_staged(self._host, self)


class MemoryDialogue:
    """The program as it waits for requests."""

    def __init__(self, host: MemoryHost, session: MemorySession) -> None:
        self._host = host
        self._session = session
        self._ended = False

    def ask(self, data: bytes, end: bytes, *, timeout: float) -> Output:  # noqa: ARG002  (it answers at once)
        """Answer one request. Raises `Unreachable` where the connection is cut."""
        if self._ended:
            return Output(0, b"", b"")
        cut = self._host.cuts.pop(0) if self._host.cuts else None
        if self._host.is_down or cut == "request":
            raise self._session.lose()
        try:
            request = read_request(data)
        except (ValueError, IndexError):
            self._ended = True
            return Output(76, b"", b"pmtaform: what arrived on standard input is not what was sent")
        with self._host.turn:
            body = answer(self._host, request, self._session)
        if cut == "answer":
            raise self._session.lose()
        return Output(None, b"\n" + request.nonce + b" begin\n" + body + b"\n" + request.nonce + b" end\n", b"")

    def close(self) -> None:
        """No more is asked."""
        self._ended = True


def _lost(spec: HostSpec) -> Unreachable:
    return Unreachable.of(CONNECTION_LOST, "It was cut.", host=spec.name)
