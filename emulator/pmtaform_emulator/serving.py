"""The process that answers on the emulated server's ports. Run as a program: its sockets are open already.

    serving.py LOCK-DESCRIPTOR LOCK-FILE SMTP-DESCRIPTORS HTTP-DESCRIPTORS      (descriptors with commas between)

It goes into the background, prints its process id, and ends when it is killed or when the lock's file no longer
exists, so that a deleted root leaves no process behind. It imports nothing of pmtaform, to start fast.
"""

from __future__ import annotations

import os
import selectors
import socket
import sys
from collections.abc import Callable

_INTERVAL = 0.25  # seconds between two checks that the lock's file exists
_MOST = 65536  # bytes of a line or of a request's head
_GREETING = f"220 {os.uname().nodename} ESMTP (pmtaform emulator)\r\n".encode()
_STATUS = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nrunning (pmtaform emulator)\n"
_NOT_THERE = b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_REPLIES = {b"EHLO": b"250 ok", b"HELO": b"250 ok", b"NOOP": b"250 ok", b"RSET": b"250 ok", b"QUIT": b"221 bye"}


class Connection:
    """One client's connection and the bytes that are read but not answered yet."""

    def __init__(self, accepted: socket.socket, talk: Callable[[Connection], bool]) -> None:
        self.socket = accepted
        self.talk = talk
        self.read = b""

    def receive(self) -> bool:
        """Read what has arrived and answer it; False at the end of the conversation."""
        try:
            more = self.socket.recv(4096)
            self.read += more
            return bool(more) and len(self.read) <= _MOST and self.talk(self)
        except OSError:
            return False

    def send(self, text: bytes) -> None:
        """Send a reply. It is short, so it is sent at once or the client is gone."""
        self.socket.send(text)


def smtp(connection: Connection) -> bool:
    """Answer every whole line; only EHLO, HELO, NOOP, RSET and QUIT are known."""
    *lines, connection.read = connection.read.split(b"\n")
    for line in lines:
        word = line.strip()[:4].upper()
        connection.send(_REPLIES.get(word, b"502 not done here") + b"\r\n")
        if word == b"QUIT":
            return False
    return True


def http(connection: Connection) -> bool:
    """Answer one request: `/status` exists, with any query, and nothing else."""
    if b"\r\n\r\n" not in connection.read and b"\n\n" not in connection.read:
        return True
    words = connection.read.split(None, 2)
    path = words[1].partition(b"?")[0] if len(words) > 1 else b""
    connection.send(_STATUS if path == b"/status" and words[0] in (b"GET", b"HEAD") else _NOT_THERE)
    return False


def serve(lock: int, path: str, listening: list[tuple[socket.socket, Callable[[Connection], bool]]]) -> None:
    """Answer until the lock's file no longer exists."""
    chosen = selectors.DefaultSelector()
    for listener, talk in listening:
        listener.setblocking(False)
        chosen.register(listener, selectors.EVENT_READ, talk)
    while _exists(lock, path):
        for key, _ in chosen.select(_INTERVAL):
            if isinstance(key.data, Connection):
                if not key.data.receive():
                    chosen.unregister(key.data.socket)
                    key.data.socket.close()
            elif isinstance(key.fileobj, socket.socket):
                _welcome(key.fileobj, key.data, chosen)


def _welcome(listener: socket.socket, talk: Callable[[Connection], bool], chosen: selectors.BaseSelector) -> None:
    try:
        accepted, _ = listener.accept()
        accepted.setblocking(False)
        connection = Connection(accepted, talk)
        if talk is smtp:
            connection.send(_GREETING)
        chosen.register(accepted, selectors.EVENT_READ, connection)
    except OSError:
        return


def _exists(lock: int, path: str) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(lock))  # noqa: PTH116  (pathlib takes longer than all else)
    except OSError:
        return False


def main(words: list[str]) -> None:
    """Go into the background and serve."""
    child = os.fork()
    if child:
        os.write(1, f"{child}\n".encode())
        os._exit(0)
    os.setsid()
    os.chdir("/")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    lock, path, *kinds = words
    serve(
        int(lock),
        path,
        [
            (socket.socket(fileno=int(number)), talk)
            for numbers, talk in zip(kinds, (smtp, http), strict=True)
            for number in numbers.split(",")
            if number
        ],
    )


if __name__ == "__main__":
    main(sys.argv[1:])
