"""The process that keeps connections: `python -m pmtaform.host.warm.process SOCKET IDLE`.

It ends by itself after IDLE seconds without a client, on request, and when its socket is gone.
It has no terminal, no arguments but these, and of the environment only what SSH needs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pmtaform.errors import PmtaformError
from pmtaform.host.transport import Dialogue, Running
from pmtaform.host.warm.folder import SocketPlace, check_folder, is_own_peer
from pmtaform.host.warm.frames import Words, receive, send, spec_of
from pmtaform.host.warm.keeper import ConnectionKeeper, WarmConnection

READY: Final = b"ready\n"
_LOOK: Final = 1.0  # seconds after which it looks whether its socket is still there
_ENDS_WITHIN: Final = 20.0  # seconds in which a process that was stopped ends; its client waits for longer
_PAUSE: Final = 0.02  # seconds between two attempts to follow it


def main() -> None:
    """Listen, tell on stdout that it does, and serve clients. Ends at once where another process does already."""
    where, idle = SocketPlace(Path(sys.argv[1])), float(sys.argv[2])
    check_folder(where.folder)
    descriptor = os.open(where.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if not _is_alone(descriptor, where.socket):
        return
    listener = listen(where.socket)
    os.write(1, READY)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    Service(ConnectionKeeper(), listener, where.socket, idle).run()


def _is_alone(lock: int, path: Path) -> bool:
    """Whether no other process serves clients. One that was stopped holds the lock until it has closed everything."""
    until = time.monotonic() + _ENDS_WITHIN
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            if path.exists() or time.monotonic() >= until:
                return False
        time.sleep(_PAUSE)


def listen(path: Path) -> socket.socket:
    """A socket that only this user may use. What a process that was killed left is replaced."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(128)
    return listener


class Service:
    """Serves clients, each in a thread, until there is a reason to end."""

    def __init__(
        self,
        keeper: ConnectionKeeper,
        listener: socket.socket,
        path: Path,
        idle: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keeper, self._listener, self._path, self._idle, self._clock = keeper, listener, path, idle, clock
        self._inode = path.stat().st_ino
        self._clients = 0
        self._used = clock()
        self._is_over = False
        self._lock = threading.Lock()

    def run(self) -> None:
        """Serve until the end, then close everything."""
        self._listener.settimeout(_LOOK)
        try:
            while not self.is_over:
                try:
                    client, _ = self._listener.accept()
                except TimeoutError:
                    continue
                client.settimeout(None)
                self._enter()
                threading.Thread(target=self._serve, args=(client,), name="pmtaform-client", daemon=True).start()
        finally:
            self._listener.close()
            if self._has_socket:
                self._path.unlink(missing_ok=True)
            self._keeper.close()

    @property
    def is_over(self) -> bool:
        """Whether it was asked to end, has been idle for long enough, or has lost its socket."""
        with self._lock:
            is_idle = not self._clients and self._clock() - self._used >= self._idle
        return self._is_over or is_idle or not self._has_socket

    @property
    def _has_socket(self) -> bool:
        try:
            return self._path.lstat().st_ino == self._inode
        except OSError:
            return False

    def _enter(self) -> None:
        with self._lock:
            self._clients += 1

    def _leave(self) -> None:
        with self._lock:
            self._clients -= 1
            self._used = self._clock()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, contextlib.suppress(OSError):
                if not is_own_peer(client):
                    return
                words, _ = receive(client)
                if words["op"] == "open":
                    serve_host(client, self._keeper, words)
                else:
                    self._answer(client, words["op"])
        finally:
            self._leave()

    def _answer(self, client: socket.socket, op: str) -> None:
        """What is not about one host: a new run, its status, and its end."""
        if op == "run":
            self._keeper.forget_settings()
        if op == "stop":
            self._is_over = True
            self._path.unlink(missing_ok=True)  # before the answer: the next client finds none
        hosts = [{"name": kept.spec.name, "since": kept.since, "used": kept.used} for kept in self._keeper.list()]
        send(client, {"hosts": hosts, "pid": os.getpid(), "idle": self._idle})


def serve_host(client: socket.socket, keeper: ConnectionKeeper, words: Words) -> None:
    """Serve a client of one host until it leaves. Raises `OSError` when it is gone."""
    try:
        kept = keeper.take(spec_of(words["spec"]))
    except PmtaformError:
        kept = None
    if kept is None:
        send(client, {"failed": True})  # the client connects itself, and reports what is wrong
        return
    waits = kept.session.running
    conversation = _Conversation(kept)
    try:
        send(client, {"parts": sorted(waits.parts) if waits is not None else []})
        while conversation.serve(client):
            pass
    finally:
        conversation.end()
        if kept.session.is_open:
            keeper.give_back(kept)
        else:
            keeper.drop(kept)
    send(client, {})  # the next client may have it


class _Conversation:
    """What one client has the host do. A program that waits there for a request waits for the next client, too."""

    def __init__(self, kept: WarmConnection) -> None:
        self._session = kept.session
        self._dialogue: Dialogue | None = kept.session.running.dialogue if kept.session.running else None
        self._session.running = None  # until the client leaves it at rest

    def serve(self, client: socket.socket) -> bool:
        """Carry out one request; False when it was the last."""
        words, data = receive(client)
        try:
            if words["op"] == "begin":
                self._forget()
                self._dialogue = self._session.begin(words["command"], timeout=words["timeout"])
                send(client, {})
            elif words["op"] == "ask" and self._dialogue is not None:
                end, data = data[: words["end"]], data[words["end"] :]
                output = self._dialogue.ask(data, end, timeout=words["timeout"])
                sizes = {"code": output.exit_code, "out": len(output.stdout)}
                send(client, sizes, output.stdout + output.stderr)
            elif words["op"] == "rest" and self._dialogue is not None:
                self._session.running = Running(self._dialogue, frozenset(words["parts"]))
                self._dialogue = None
                return False
            else:
                return False
        except PmtaformError:
            send(client, {"failed": True})
        return True

    def end(self) -> None:
        """End the program, unless it rests."""
        self._forget()

    def _forget(self) -> None:
        if self._dialogue is not None:
            self._dialogue.close()
            self._dialogue = None


if __name__ == "__main__":
    main()
