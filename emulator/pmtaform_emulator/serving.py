"""The process that answers on the emulated server's ports. Run as a program: its sockets are open already.

    serving.py LOCK-DESCRIPTOR LOCK-FILE SMTP-DESCRIPTORS HTTP-DESCRIPTORS      (descriptors with commas between)

It goes into the background, says its process id, and ends when it is killed or when the lock's file is no longer
there, so that a root that is deleted leaves no process behind. It imports nothing of pmtaform, to start fast.
"""

from __future__ import annotations

import os
import selectors
import socket
import sys
from collections.abc import Callable

_LOOK = 0.25  # seconds between two looks for the lock's file
_MOST = 65536  # bytes of a line or of a request's head
_GREETING = f"220 {os.uname().nodename} ESMTP (pmtaform emulator)\r\n".encode()
_STATUS = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nrunning (pmtaform emulator)\n"
_NOT_THERE = b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_REPLIES = {b"EHLO": b"250 ", b"HELO": b"250 ", b"NOOP": b"250 ", b"RSET": b"250 ", b"QUIT": b"221 "}


class Client:
    """One connection, and what was read of it."""

    def __init__(self, connection: socket.socket, talk: Callable[[Client], bool]) -> None:
        self.connection = connection
        self.talk = talk
        self.read = b""

    def hear(self) -> bool:
        """Take what has come and answer it; False at the end of the conversation."""
        try:
            more = self.connection.recv(4096)
            self.read += more
            return bool(more) and len(self.read) <= _MOST and self.talk(self)
        except OSError:
            return False

    def say(self, text: bytes) -> None:
        """Send an answer. It is short, so it goes at once or the client is gone."""
        self.connection.send(text)


def smtp(client: Client) -> bool:
    """Answer every whole line; only EHLO, HELO, NOOP, RSET and QUIT are known."""
    *lines, client.read = client.read.split(b"\n")
    for line in lines:
        word = line.strip()[:4].upper()
        reply = _REPLIES.get(word, b"502 ")
        client.say(reply + (b"bye" if word == b"QUIT" else b"ok" if reply == b"250 " else b"not done here") + b"\r\n")
        if word == b"QUIT":
            return False
    return True


def http(client: Client) -> bool:
    """Answer one request: /status is there, with whatever query, and nothing else is."""
    if b"\r\n\r\n" not in client.read and b"\n\n" not in client.read:
        return True
    words = client.read.split(None, 2)
    path = words[1].partition(b"?")[0] if len(words) > 1 else b""
    client.say(_STATUS if path == b"/status" and words[0] in (b"GET", b"HEAD") else _NOT_THERE)
    return False


def serve(lock: int, path: str, listening: list[tuple[socket.socket, Callable[[Client], bool]]]) -> None:
    """Answer until the lock's file is gone."""
    chosen = selectors.DefaultSelector()
    for listener, talk in listening:
        listener.setblocking(False)
        chosen.register(listener, selectors.EVENT_READ, talk)
    while _is_there(lock, path):
        for key, _ in chosen.select(_LOOK):
            if isinstance(key.data, Client):
                if not key.data.hear():
                    chosen.unregister(key.data.connection)
                    key.data.connection.close()
            elif isinstance(key.fileobj, socket.socket):
                _welcome(key.fileobj, key.data, chosen)


def _welcome(listener: socket.socket, talk: Callable[[Client], bool], chosen: selectors.BaseSelector) -> None:
    try:
        connection, _ = listener.accept()
        connection.setblocking(False)
        client = Client(connection, talk)
        if talk is smtp:
            client.say(_GREETING)
        chosen.register(connection, selectors.EVENT_READ, client)
    except OSError:
        return


def _is_there(lock: int, path: str) -> bool:
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
