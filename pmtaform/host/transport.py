"""What every way to a host offers: run one program with bytes in, bytes out and a deadline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pmtaform.host.model import HostSpec


@dataclass(frozen=True, slots=True)
class Completed:
    """What a program did. `exit_code` is negative when the program was ended by a signal or gave none."""

    exit_code: int
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)


class Session(Protocol):
    """An open way to one host. It may be used by one thread at a time."""

    @property
    def shell(self) -> tuple[str, ...]:
        """The words that start a POSIX shell there."""

    def run(self, command: Sequence[str], stdin: bytes, *, timeout: float) -> Completed:
        """Run `command` with `stdin`; wait at most `timeout` seconds for its end.

        Raises `Unreachable` when the connection is lost, the deadline passes or the rights (sudo) are refused.
        """

    def close(self) -> None:
        """Give everything back. May be called again."""


class Transport(Protocol):
    """A way to hosts: opens sessions."""

    def __call__(self, spec: HostSpec) -> Session:
        """Open a session to `spec`. Raises `Unreachable`."""
