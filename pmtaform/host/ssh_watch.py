"""Ends waits for hosts that do not answer any more: paramiko's own waits have no end where a host has stopped.

One thread looks after all connections, since one for each wait costs 0.2 ms for each host. It ends with the last wait.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

LOOKS = 3  # without a message in between, at a server that is asked to send one


class Watch:
    """Closes `transport` after `timeout` seconds (`late`), or when nothing came for `patience` seconds (`silent`)."""

    def __init__(self, transport: Any, timeout: float, patience: float) -> None:
        self.late = self.silent = False
        self.patience = patience
        self._transport = transport
        now = time.monotonic()
        self._deadline = now + timeout
        self._looks, self._heard = 0, transport.heard
        self.due = self._next(now)
        _watcher.add(self)

    def end(self) -> None:
        """Look no more."""
        _watcher.remove(self)

    def look(self, now: float) -> bool:
        """Whether the connection was given up.

        Counts looks, not seconds: a client that was stopped itself for an hour has not looked meanwhile.
        """
        before, self._heard = self._heard, self._transport.heard
        self._looks = 0 if self._heard != before else self._looks + 1
        self.late = now >= self._deadline
        self.silent = not self.late and self._looks >= LOOKS
        self.due = self._next(now)
        if self.late or self.silent:
            # Aside: to close a connection can take as long as to write to it.
            threading.Thread(target=_cut, args=(self._transport,), name="pmtaform-cut", daemon=True).start()
        return self.late or self.silent

    def _next(self, now: float) -> float:
        return min(now + self.patience / LOOKS, max(self._deadline, now))


class _Watcher:
    """The thread that looks, and what it looks at."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watches: set[Watch] = set()
        self._thread: threading.Thread | None = None
        self._wakes = 0.0

    def add(self, watch: Watch) -> None:
        """Look at `watch` when it is due."""
        with self._changed:
            self._watches.add(watch)
            if self._thread is None:
                self._wakes = watch.due
                self._thread = threading.Thread(target=self._run, name="pmtaform-watch", daemon=True)
                self._thread.start()
            elif watch.due < self._wakes:
                self._changed.notify()

    def remove(self, watch: Watch) -> None:
        """Look at `watch` no more, nor give it up. The thread ends with the last one."""
        with self._changed:
            self._watches.discard(watch)
            ending = None if self._watches else self._thread
            if ending is not None:
                self._changed.notify()
        if ending is not None:
            ending.join()

    def _run(self) -> None:
        with self._changed:
            while self._watches:
                self._wakes = min(watch.due for watch in self._watches)
                self._changed.wait(max(self._wakes - time.monotonic(), 0))
                now = time.monotonic()
                self._watches -= {watch for watch in self._watches if watch.due <= now and watch.look(now)}
            self._thread = None


_watcher = _Watcher()


def _cut(transport: Any) -> None:
    """Close a connection whose other end may be gone. Its thread may be stuck in writing to it."""
    with contextlib.suppress(Exception):
        end = getattr(transport.sock, "shutdown", None)
        end(socket.SHUT_RDWR) if end is not None else transport.sock.close()  # a `ProxyCommand` is ended
    transport.close()
