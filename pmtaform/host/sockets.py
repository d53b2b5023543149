"""Connected sockets without the 40 ms stalls of delayed acknowledgements, and a bound on dead peers."""

from __future__ import annotations

import contextlib
import socket

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)
_AHEAD = 1 << 16  # bytes
_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)


class QuickSocket(socket.socket):
    """A TCP socket that acknowledges at once, and reads what is there.

    The kernel forgets the option, so it is set after each read. A reader that takes a packet in two or three pieces, as
    paramiko does, costs one system call for all packets that have arrived, instead of four for each.
    """

    _ahead = b""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """As `socket.recv`."""
        if flags:
            return super().recv(size, flags)
        if not self._ahead:
            self._ahead = super().recv(max(size, _AHEAD))
            if _QUICKACK is not None:
                with contextlib.suppress(OSError):
                    self.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        return data


def connect(host: str, port: int, timeout: float) -> socket.socket:
    """A connection to `host`, each of its addresses tried in turn for `timeout` seconds. Raises `OSError`."""
    last: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = QuickSocket(family, kind, protocol)
        try:
            sock.settimeout(timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if _USER_TIMEOUT is not None:
                # What is sent and not acknowledged for this long means that the peer is gone.
                sock.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, int(max(timeout, 30) * 1000))
            sock.connect(address)
        except OSError as error:
            sock.close()
            last = error
        else:
            return sock
    raise last if last is not None else OSError(f"no address for {host}")
