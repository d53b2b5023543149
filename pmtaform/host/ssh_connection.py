"""The connection to one server: Fabric's `Connection` on a socket that is open already, closed without waiting."""

from __future__ import annotations

import contextlib
import functools
import socket
from typing import Any

import fabric
import paramiko

from pmtaform.host.ssh_settings import Hop


class SshConnection(fabric.Connection):  # type: ignore[misc]  # untyped library
    """As Fabric's. `policy` decides which server is let in, where Fabric accepts every one.

    What is set of one is its own: Fabric also writes it into the settings, which all connections share here.
    """

    def __init__(self, hop: Hop, sock: Any, policy: paramiko.MissingHostKeyPolicy, arguments: dict[str, Any]) -> None:
        """A connection to `hop` over `sock`, to be opened. `arguments`: of paramiko's `connect`."""
        given = {**arguments, "sock": sock}
        super().__init__(hop.host, hop.user, hop.port, config=_settings(), connect_kwargs=given)
        self.client.set_missing_host_key_policy(policy)

    def __setattr__(self, key: str, value: Any) -> None:
        object.__setattr__(self, key, value)

    def derive_shorthand(self, host_string: str) -> dict[str, Any]:
        """Nothing: a name is a name, whatever characters it has."""
        return {"host": host_string, "user": None, "port": None}

    def close(self) -> None:
        """Close all of it. May be called again; Fabric's leaves a thread and a descriptor where the login failed."""
        transport = self.client.get_transport()
        sock = self.connect_kwargs["sock"]
        # Wakes paramiko's reader, which otherwise notices only a tenth of a second later.
        with contextlib.suppress(Exception):
            sock.shutdown(socket.SHUT_RDWR)
        super().close()
        self.client.close()
        with contextlib.suppress(Exception):
            sock.close()
        if transport is not None:
            transport.join(1)


class _Answered(paramiko.SSHConfig):  # type: ignore[misc]  # untyped library
    """No ssh_config for Fabric: what it says of a hop is looked up by `ssh_config`, with an index."""

    def lookup(self, hostname: str) -> dict[str, Any]:  # noqa: ARG002  (the same for all)
        """Nothing."""
        return {}


@functools.cache
def _settings() -> fabric.Config:
    """Fabric's defaults, one for all connections, since to make one takes 1 ms. `lazy`: Fabric reads no files."""
    return fabric.Config(lazy=True, ssh_config=_Answered())
