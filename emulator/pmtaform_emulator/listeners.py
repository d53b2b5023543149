"""The ports of an emulated server: those that the configuration in force names, and the process that answers there.

The server listens on loopback only, and only on ports that a configuration names. The sockets are opened here, before
that process is started, so the caller that started the daemon can connect at once. The process holds a lock: while
the lock is held, the recorded process id is valid.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pmtaform_emulator.loading import Loaded
    from pmtaform_emulator.store import DaemonStore, State

_FILE: Final = "listeners.json"
_LOCK: Final = "listeners.lock"
_WEB: Final = "http-mgmt-port"
_HERE: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Port:
    """One port to answer on: `protocol` is "smtp" or "http"."""

    protocol: str
    address: str
    port: int

    def row(self, problem: str = "") -> dict[str, Any]:
        """The record of the port; `problem` is the reason why it is not open."""
        return {"protocol": self.protocol, "address": self.address, "port": self.port, "problem": problem}


def is_wanted(store: DaemonStore) -> bool:
    """Whether the server was installed with listeners that answer."""
    return store.document("install.json").get("listen") is True


def smtp_of(loaded: Loaded) -> list[str]:
    """The arguments of a configuration's SMTP listeners, of directives and of sections."""
    top = loaded.top
    directives = [item.value for item in top.items() if item.spec.type == "listener"]
    return [*directives, *(group.argument for group in top.groups("smtp-listener"))]


def listening(store: DaemonStore) -> list[dict[str, Any]]:
    """Every port that is wanted, with the problem of those that could not be opened."""
    rows = store.document(_FILE).get("ports", [])
    return rows if isinstance(rows, list) else []


def follow(store: DaemonStore, state: State) -> list[dict[str, Any]]:
    """Open the ports in force and close the others; return those that could not be opened. The lock must be held.

    If nothing changes, no connection is interrupted. Otherwise all ports are closed for a moment.
    """
    wanted = _wanted(state) if state.running and is_wanted(store) else []
    before = listening(store)
    if before == [port.row() for port in wanted] and (not wanted or _is_held(store)):
        return []
    _end(store)
    rows = _start(store, wanted)
    return [row for row in rows if row["problem"]]


def _wanted(state: State) -> list[Port]:
    ports = [Port("smtp", *where) for text in state.smtp if (where := _place(text))]
    values = ((state.web or {}).get(_WEB) or {}).get("values") or ["0"]
    if values[-1].isdecimal() and 0 < int(values[-1]) < 65536:
        ports.append(Port("http", _HERE, int(values[-1])))
    return list(dict.fromkeys(ports))


def _place(text: str) -> tuple[str, int] | None:
    """`0/0:2525 source=x` as a place on this machine's loopback; None when it names no port."""
    address, _, port = (text.split() or [""])[0].rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        return None
    return (address if _is_loopback(address) else _HERE), int(port)


def _is_loopback(address: str) -> bool:
    with suppress(OSError):
        return socket.inet_pton(socket.AF_INET, address)[0] == 127
    return False


def _start(store: DaemonStore, wanted: list[Port]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    opened: list[tuple[Port, socket.socket]] = []
    try:
        for port in wanted:
            try:
                opened.append((port, _open(port)))
                rows.append(port.row())
            except OSError as problem:
                rows.append(port.row((problem.strerror or str(problem)).lower()))
        process = _answer_at(store, opened) if opened else 0
    finally:
        for _, listener in opened:
            listener.close()
    if rows or listening(store):
        store.replace(_FILE, {"process": process, "ports": rows})
    return rows


def _open(port: Port) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((port.address, port.port))
        listener.listen(64)
    except OSError:
        listener.close()
        raise
    return listener


def _answer_at(store: DaemonStore, opened: list[tuple[Port, socket.socket]]) -> int:
    """Start the process that answers; return its process id."""
    path = store.folder.resolve() / _LOCK
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    sockets = [listener.fileno() for _, listener in opened]
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        kinds = [
            ",".join(str(listener.fileno()) for port, listener in opened if port.protocol == kind)
            for kind in ("smtp", "http")
        ]
        program = Path(__file__).with_name("serving.py")
        process = subprocess.run(
            [sys.executable, "-I", "-S", str(program), str(handle), str(path), *kinds],
            pass_fds=(*sockets, handle),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        return int(process.stdout)
    finally:
        os.close(handle)


def _end(store: DaemonStore) -> None:
    """End the process that answers and wait until its ports are closed."""
    process = store.document(_FILE).get("process", 0)
    with suppress(FileNotFoundError):
        handle = os.open(store.folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        try:
            if not _is_free(handle):
                # Without its file the process ends by itself, should it not be the one that was recorded.
                (store.folder / _LOCK).unlink(missing_ok=True)
                if process:
                    _kill(process, handle)
                fcntl.flock(handle, fcntl.LOCK_EX)
        finally:
            os.close(handle)


def _kill(process: int, lock: int) -> None:
    """Kill the process that holds the lock and wait for its end: only then are its ports closed for certain.

    The kernel releases the lock and the sockets in no documented order.
    """
    try:
        handle = os.pidfd_open(process)
    except OSError:
        return
    try:
        if _is_free(lock):  # it has ended since; its number may belong to another process
            return
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [])
    except ProcessLookupError:
        return
    finally:
        os.close(handle)


def _is_held(store: DaemonStore) -> bool:
    try:
        handle = os.open(store.folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _is_free(handle)
    finally:
        os.close(handle)


def _is_free(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
