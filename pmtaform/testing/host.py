r"""A host in memory: `Transport`, files, PowerMTA and what pmtaform keeps there, without a process or a disk.

It fulfils the contract that real hosts fulfil (`tests/host/`): probe, stage, commit, confirm, roll back, generations,
and what is left by a program that dies at a step. Its clock moves by `advance` only.

    hosts = {"mta1": MemoryHost({"/etc/pmta/config": b"postmaster a@example.com\n"})}
    spec = HostSpec(name="mta1", transport=memory_transport(hosts))
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pmtaform.diagnostics.codes.connections import CONNECTION_REFUSED
from pmtaform.errors import Unreachable
from pmtaform.host.model import CONFIG, HostSpec
from pmtaform.testing.agent import settle_expired
from pmtaform.testing.powermta import MemoryPmta
from pmtaform.testing.session import MemorySession
from pmtaform.testing.transactions import Kept, MemoryFile
from pmtaform.transport import Transport


class Fault(StrEnum):
    """What happens at a step of a transaction (`MemoryHost.faults`)."""

    DIES = "dies"  # the program on the host is killed
    FAILS = "fails"  # the disk is full


class Cut(StrEnum):
    """Where the next request loses its connection (`MemoryHost.cuts`)."""

    REQUEST = "request"  # before it arrives
    ANSWER = "answer"  # after it was done


@dataclass(eq=False)
class MemoryHost:
    """One host. `running` is the configuration that PowerMTA has loaded, by path; `faults` are by step."""

    contents: Mapping[str, bytes] = field(default_factory=dict)
    pmta: MemoryPmta | None = field(default_factory=MemoryPmta)
    machine_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    is_down: bool = False
    faults: dict[str, Fault] = field(default_factory=dict)
    cuts: list[Cut] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.files = {path: MemoryFile(content) for path, content in self.contents.items()}
        self.running: dict[str, bytes] = {}
        self.kept = Kept()
        self.now = 0.0
        self.turn = threading.RLock()  # one request at a time
        self.take_configuration()

    def put(self, path: str, content: bytes, mode: int = 0o640) -> None:
        """Write a file as an administrator would."""
        self.files[path] = replace(self.files.get(path, MemoryFile(b"")), content=content, mode=mode)

    def take_configuration(self) -> None:
        """Load what is there: what PowerMTA does at a reload."""
        self.running = {path: file.content for path, file in self.files.items()}

    def advance(self, seconds: float) -> None:
        """Move the clock on; changes whose time is over roll back."""
        with self.turn:
            self.now += seconds
            settle_expired(self)

    def open(self, spec: HostSpec) -> MemorySession:
        """A session to it. Raises `Unreachable`."""
        if self.is_down:
            raise _refused(spec, "It is down.")
        return MemorySession(self, spec)


def memory_transport(hosts: Mapping[str, MemoryHost]) -> Transport:
    """A way to `hosts`, by the names that a stack gives them. Raises `Unreachable` for others."""

    def open_host(spec: HostSpec) -> MemorySession:
        if spec.name not in hosts:
            raise Unreachable.of(CONNECTION_REFUSED, "No such host.", host=spec.name)
        return hosts[spec.name].open(spec)

    return Transport(name="memory", summary="a host in memory", open=open_host)


def _refused(spec: HostSpec, detail: str) -> Unreachable:
    return Unreachable.of(CONNECTION_REFUSED, detail, host=spec.name)


__all__ = ["CONFIG", "Cut", "Fault", "MemoryFile", "MemoryHost", "memory_transport"]
