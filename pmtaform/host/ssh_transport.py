"""paramiko's transport, as we want it: it asks for the host keys that we know, and logs in a round trip sooner."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import paramiko
from paramiko.auth_handler import AuthHandler

from pmtaform.host.known_hosts import HostKey


def transport_factory(keys: Sequence[HostKey]) -> Callable[..., paramiko.Transport]:
    """Transports that ask for the types of host key that we know, first."""

    def make(sock: Any, **options: Any) -> paramiko.Transport:
        transport = _Transport(sock, **options)
        security = transport.get_security_options()
        wanted: list[str] = []
        for key in keys:
            wanted += ["rsa-sha2-512", "rsa-sha2-256"] if key.type == "ssh-rsa" else [key.type]
        first = [kind for kind in dict.fromkeys(wanted) if kind in security.key_types]
        security.key_types = [*first, *(kind for kind in security.key_types if kind not in first)]
        return transport

    return make


class _Transport(paramiko.Transport):  # type: ignore[misc]  # untyped library
    def auth_publickey(self, username: str, key: paramiko.PKey, event: threading.Event | None = None) -> list[str]:
        """As paramiko's. Which signature an RSA key must give is known from what the server says meanwhile."""
        if event is not None or "rsa" in key.get_name() or not self.is_active():
            methods: list[str] = super().auth_publickey(username, key, event)
            return methods
        self.auth_handler = _Login(self)
        done = threading.Event()
        self.auth_handler.auth_publickey(username, key, done)
        answer: list[str] = self.auth_handler.wait_for_response(done)
        return answer


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
