"""paramiko's transport, with three changes.

It requests the host keys that we know, logs in one round trip sooner, and knows when the server last answered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.common import cMSG_GLOBAL_REQUEST
from paramiko.packet import Packetizer

from pmtaform.host.known_hosts import HostKey


class LoginEndedError(Exception):
    """The server closed the connection after `tried` keys, or answered none in time (`late`); `why`: its own words.

    No `SSHException`: at each of those paramiko goes on to the next key, as if the server were still there.
    """

    def __init__(self, tried: int, why: str, *, late: bool) -> None:
        super().__init__(why)
        self.tried = tried
        self.why = why
        self.late = late


def transport_factory(keys: Sequence[HostKey]) -> Callable[..., paramiko.Transport]:
    """Transports that request the types of host key that we know, first."""

    def make(sock: Any, **options: Any) -> paramiko.Transport:
        transport = _Transport(sock, packetizer_class=_Packets, **options)
        security = transport.get_security_options()
        wanted: list[str] = []
        for key in keys:
            wanted += ["rsa-sha2-512", "rsa-sha2-256"] if key.type == "ssh-rsa" else [key.type]
        first = [kind for kind in dict.fromkeys(wanted) if kind in security.key_types]
        security.key_types = [*first, *(kind for kind in security.key_types if kind not in first)]
        return transport

    return make


class _Packets(Packetizer):  # type: ignore[misc]  # untyped library
    """Counts what the server sends."""

    read = 0

    def read_message(self) -> tuple[int, paramiko.Message]:
        """As paramiko's."""
        message: tuple[int, paramiko.Message] = super().read_message()
        self.read += 1
        return message


class _Transport(paramiko.Transport):  # type: ignore[misc]  # untyped library
    _tried = 0
    _parting = ""

    @property
    def heard(self) -> int:
        """How many messages the server has sent. One that is alive answers at least every `keep_asking` seconds."""
        return int(self.packetizer.read)

    def keep_asking(self, interval: float) -> None:
        """Ask the server for a sign of life where nothing was sent for `interval` seconds.

        paramiko's own `set_keepalive` requests no answer, so it cannot notice a stopped server.
        """
        self.packetizer.set_keepalive(interval, self._ask)

    def _ask(self) -> None:
        question = paramiko.Message()
        question.add_byte(cMSG_GLOBAL_REQUEST)
        question.add_string("keepalive@openssh.com")
        question.add_boolean(b=True)
        self._send_user_message(question)

    def auth_publickey(self, username: str, key: paramiko.PKey, event: threading.Event | None = None) -> list[str]:
        """As paramiko's. Raises `LoginEndedError` where no other key needs to be tried on this connection."""
        self._tried += 1
        try:
            return self._auth_publickey(username, key, event)
        except paramiko.AuthenticationException as error:
            late = "timeout" in str(error).lower()
            if late or not self.is_active():
                raise LoginEndedError(self._tried, self._parting, late=late) from None
            raise

    def _auth_publickey(self, username: str, key: paramiko.PKey, event: threading.Event | None) -> list[str]:
        """Which signature an RSA key must give is known from the server's answer."""
        if event is not None or "rsa" in key.get_name() or not self.is_active():
            methods: list[str] = super().auth_publickey(username, key, event)
            return methods
        self.auth_handler = _Login(self)
        answered = threading.Event()
        self.auth_handler.auth_publickey(username, key, answered)
        answer: list[str] = self.auth_handler.wait_for_response(answered)
        return answer

    def _parse_disconnect(self, message: paramiko.Message) -> None:
        message.get_int()
        self._parting = message.get_text()


class _Login(AuthHandler):  # type: ignore[misc]  # untyped library
    """Asks to be let in together with asking whether it may ask that, and not only when the answer is there.

    A server reads the one after the other (RFC 4253, 10): one that does not grant the first closes the connection.
    """

    def _request_auth(self) -> None:
        super()._request_auth()
        granted = paramiko.Message()
        granted.add_string("ssh-userauth")
        granted.rewind()
        super()._parse_service_accept(granted)

    def _parse_service_accept(self, message: paramiko.Message) -> None:
        """What comes when it was acted upon already."""
