"""Thousands of hosts in memory: each made when it is first reached, and a network that takes its time.

fleet = MemoryFleet(names, lambda name: {"/etc/pmta/config": configuration_of(name)})
transport = memory_transport(fleet)
far = far_away(transport, seconds=0.02)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from pmtaform.host.model import HostSpec
from pmtaform.host.transport import Dialogue, Output, Running, Session
from pmtaform.testing.host import MemoryHost
from pmtaform.transport import Transport

Wait = Callable[[float], object]


class MemoryFleet(Mapping[str, MemoryHost]):
    """Hosts by name. `contents` makes the files of one, by path; a host that is never reached costs nothing."""

    def __init__(self, names: Collection[str], contents: Callable[[str], Mapping[str, bytes]]) -> None:
        self._names = dict.fromkeys(names)
        self._contents = contents
        self._hosts: dict[str, MemoryHost] = {}
        self._making = threading.Lock()

    def __getitem__(self, name: str) -> MemoryHost:
        if name not in self._names:
            raise KeyError(name)
        with self._making:
            if name not in self._hosts:
                self._hosts[name] = MemoryHost(self._contents(name))
            return self._hosts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def far_away(transport: Transport, seconds: float, *, wait: Wait = time.sleep) -> Transport:
    """`transport` over a network whose round trip takes `seconds`.

    A connection takes one round trip, and so does each request. The thread that asks waits for it, so how many are on
    their way at once is for who starts the threads (`rollout: {parallel: N}`).
    """

    def open_far(spec: HostSpec) -> _FarSession:
        wait(seconds)
        return _FarSession(transport.open(spec), lambda: wait(seconds))

    return replace(transport, open=open_far)


class _FarSession:
    """A session that is one round trip away."""

    def __init__(self, session: Session, travel: Callable[[], object]) -> None:
        self._session = session
        self._travel = travel

    @property
    def running(self) -> Running | None:
        return self._session.running

    @running.setter
    def running(self, running: Running | None) -> None:
        self._session.running = running

    @property
    def shell(self) -> tuple[str, ...]:
        return self._session.shell

    def begin(self, command: Sequence[str], *, timeout: float) -> Dialogue:
        return _FarDialogue(self._session.begin(command, timeout=timeout), self._travel)

    def close(self) -> None:
        self._session.close()


class _FarDialogue:
    def __init__(self, dialogue: Dialogue, travel: Callable[[], object]) -> None:
        self._dialogue = dialogue
        self._travel = travel

    def ask(self, data: bytes, end: bytes, *, timeout: float) -> Output:
        self._travel()
        return self._dialogue.ask(data, end, timeout=timeout)

    def close(self) -> None:
        self._dialogue.close()
