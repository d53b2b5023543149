"""The port of sessions: an open way to a host, on which a program runs, reads requests and writes answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pmtaform.diagnostics.codes.hosts import ANSWER_TOO_LONG
from pmtaform.errors import HostError
from pmtaform.host.model import HostSpec

MOST_ANSWER = 1 << 28  # bytes of one answer: more than any host answers, and less than harms the client
MOST_ERRORS = 1 << 16  # of its stderr


def too_long(spec: HostSpec) -> HostError:
    """The error for a host that does not stop answering."""
    return HostError.of(
        ANSWER_TOO_LONG,
        f"{spec.name} answered with more than {MOST_ANSWER >> 20} MiB; the rest was not read. A program on the host "
        "(a login script, `pmta`) prints without end, or the configuration includes files that are not configuration.",
        host=spec.name,
    )


@dataclass(frozen=True, slots=True)
class Output:
    """What a program put out. `exit_code`: None while it runs, negative when it was ended by a signal or gave none."""

    exit_code: int | None
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)


class Dialogue(Protocol):
    """A program on a host that answers requests until its input ends."""

    def ask(self, data: bytes, end: bytes, *, timeout: float) -> Output:
        """Put `data` in, and read what comes out, up to `end` or to the program's own end.

        Raises `Unreachable` when the connection is lost, `timeout` seconds pass or the rights (sudo) are refused. What
        goes wrong ends the program's input and output; nothing can be asked of it then.
        """

    def close(self) -> None:
        """No more is asked. May be called again."""


@dataclass(slots=True)
class Running:
    """The agent as it waits on a host: `parts` are those of it that the host has read."""

    dialogue: Dialogue
    parts: frozenset[str]


class Session(Protocol):
    """An open way to one host. It may be used by one thread at a time. `running` waits there for the next request."""

    running: Running | None

    @property
    def shell(self) -> tuple[str, ...]:
        """The words that start a POSIX shell there."""

    def begin(self, command: Sequence[str], *, timeout: float) -> Dialogue:
        """Run `command`; wait at most `timeout` seconds for the host to start it.

        Raises `Unreachable` when the connection is lost, the time passes or the rights (sudo) are refused.
        """

    def close(self) -> None:
        """Give everything back. May be called again."""
