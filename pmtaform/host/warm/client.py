"""The client's side of kept connections. It imports no SSH library where the process answers."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from pmtaform.diagnostics.codes.connections import CONNECTION_LOST, WARM_NOT_STARTED
from pmtaform.errors import Unreachable, UsageError
from pmtaform.host.model import HostSpec
from pmtaform.host.transport import Dialogue, Output, Running, Session
from pmtaform.host.warm.folder import IDLE, SocketPlace, check_folder, check_socket, is_own_peer, make_folder, place
from pmtaform.host.warm.frames import Words, receive, send, words_of
from pmtaform.host.wire import is_look

# What the process gets of the environment. The rest may hold secrets, and it would have them for as long as it runs.
_HANDED_ON: Final = (
    *("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER"),
    *("SSH_AUTH_SOCK", "PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE"),
)
_STARTS_WITHIN: Final = 30.0  # seconds
_LEAVES_WITHIN: Final = 2.0
_PATHS: Final = ("known_hosts", "ssh_config")


class Warm:
    """The process that keeps connections, as one run uses it."""

    def __init__(self, where: SocketPlace) -> None:
        self._where = where

    def ask(self, words: Words) -> Words | None:
        """The answer to a request; None where no process runs. Raises `UsageError` where another user may listen."""
        try:
            with self.connect() as connection:
                send(connection, words)
                return receive(connection)[0]
        except OSError:
            return None

    def connect(self) -> socket.socket:
        """A connection to the process. Raises `OSError`, and `UsageError` where another user may listen."""
        check_folder(self._where.folder)
        check_socket(self._where.socket)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(self._where.socket))
            if not is_own_peer(connection):
                raise PermissionError
        except BaseException:
            connection.close()
            raise
        return connection

    def start(self, idle: float = IDLE) -> None:
        """Start the process unless it runs. Raises `UsageError`."""
        make_folder(self._where.folder)
        if self.ask({"op": "run"}) is not None:
            return
        program = [sys.executable, "-m", "pmtaform.host.warm.process", str(self._where.socket), f"{idle:g}"]
        _run_detached(program)
        if self.ask({"op": "run"}) is None:
            raise UsageError.of(
                WARM_NOT_STARTED, f"The process that keeps connections did not start. Try it:\n    {' '.join(program)}"
            )

    def open(self, spec: HostSpec, connect: Callable[[HostSpec], Session]) -> Session:
        """A session over a kept connection, or one that is kept from now on.

        `connect` makes one without the process, wherever that cannot. Raises what it raises.
        """
        return self._open(spec, connect) or connect(spec)

    def _open(self, spec: HostSpec, connect: Callable[[HostSpec], Session]) -> Session | None:
        if not _is_anywhere_the_same(spec):
            return None
        connection: socket.socket | None = None
        try:
            connection = self.connect()
            send(connection, {"op": "open", "spec": words_of(spec)})
            words, _ = receive(connection)
        except OSError:
            words = {"failed": True}
        if connection is None or "failed" in words:
            if connection is not None:
                connection.close()
            return None
        return WarmSession(lambda: connect(spec), spec.name, connection, frozenset(words["parts"]))


def _run_detached(program: Sequence[str]) -> None:
    """Start a program that outlives this one, and wait until it is ready or has ended."""
    process = subprocess.Popen(
        program,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _HANDED_ON if name in os.environ},
        cwd="/",
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout:
        if select.select([process.stdout], [], [], _STARTS_WITHIN)[0]:
            process.stdout.read(1)
    process.returncode = 0  # nothing waits for it


def _is_anywhere_the_same(spec: HostSpec) -> bool:
    """Whether the spec's files are the same ones for a process in another folder."""
    paths = [*spec.identity_files, *(getattr(spec, name) for name in _PATHS)]
    return all(path is None or path.startswith("~") or os.path.isabs(path) for path in paths)  # noqa: PTH117


class WarmSession:
    """A session of the process's. When that ends or fails, looking goes on over a connection of this program's own."""

    def __init__(
        self, connect: Callable[[], Session], host: str, connection: socket.socket, parts: frozenset[str]
    ) -> None:
        self._connect, self.host, self._connection = connect, host, connection
        self._own: Session | None = None
        self.running: Running | None = Running(_WarmDialogue(self, ()), parts) if parts else None

    @property
    def shell(self) -> tuple[str, ...]:
        """The words that start the shell."""
        return ("sh",)

    def begin(self, command: Sequence[str], *, timeout: float) -> Dialogue:
        """As `Session.begin`."""
        if self._own is None and self.request({"op": "begin", "command": list(command), "timeout": timeout}) is None:
            self.connect()
        return self._own.begin(command, timeout=timeout) if self._own else _WarmDialogue(self, command)

    def close(self) -> None:
        """Leave the connection to the process, with the program that waits on the host."""
        running, self.running = self.running, None
        if self._own is not None:
            self._own.close()
        else:
            rest = {"op": "rest", "parts": sorted(running.parts)} if running is not None else {"op": "leave"}
            self._connection.settimeout(_LEAVES_WITHIN)
            self.request(rest)
        self._connection.close()

    def request(self, words: Words, data: bytes = b"") -> tuple[Words, bytes] | None:
        """What the process answers; None where it has ended, or could not do it."""
        try:
            send(self._connection, words, data)
            answer = receive(self._connection)
        except OSError:
            return None
        return None if "failed" in answer[0] else answer

    def connect(self) -> Session:
        """A connection of this program's own, from now on. Raises `Unreachable`."""
        if self._own is None:
            self._own = self._connect()
        return self._own


class _WarmDialogue:
    """A program on the host, started by `command` in this session, or, where that is empty, by an earlier one."""

    def __init__(self, session: WarmSession, command: Sequence[str]) -> None:
        self._session, self._command = session, command

    def ask(self, data: bytes, end: bytes, *, timeout: float) -> Output:
        """As `Dialogue.ask`. A look that the process could not finish is made again without it."""
        answer = self._session.request({"op": "ask", "end": len(end), "timeout": timeout}, end + data)
        if answer is not None:
            words, output = answer
            return Output(words["code"], output[: words["out"]], output[words["out"] :])
        if not is_look(data):
            raise Unreachable.of(
                CONNECTION_LOST, "The kept connection ended during a request.", host=self._session.host
            )
        own = self._session.connect()
        if not self._command:
            return Output(-1, b"", b"")  # the program that waited is gone, and is started again
        return own.begin(self._command, timeout=timeout).ask(data, end, timeout=timeout)

    def close(self) -> None:
        """Its input ends, and so does it."""


_current: Warm | None = None


@contextlib.contextmanager
def keeping_warm(where: SocketPlace | None = None, idle: float = IDLE) -> Iterator[None]:
    """Have hosts over SSH use kept connections in the block. Raises `UsageError`."""
    global _current
    warm = Warm(where or place())
    warm.start(idle)
    before, _current = _current, warm
    try:
        yield
    finally:
        _current = before


def current() -> Warm | None:
    """The process that this run uses, if it uses one."""
    return _current


def status(where: SocketPlace | None = None) -> dict[str, Any] | None:
    """What the process keeps; None where none runs. Raises `UsageError`."""
    return Warm(where or place()).ask({"op": "status"})


def stop(where: SocketPlace | None = None) -> dict[str, Any] | None:
    """End the process. What it kept until now; None where none runs. Raises `UsageError`."""
    return Warm(where or place()).ask({"op": "stop"})
