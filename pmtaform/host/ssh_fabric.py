"""Fabric's `Connection` to a host, for what a program does beside pmtaform. Nothing else imports Fabric."""

from __future__ import annotations

from typing import Any

import fabric

from pmtaform.host.model import HostSpec
from pmtaform.host.ssh import open_ssh
from pmtaform.host.ssh_channel import SshSession


class CheckedConnection(fabric.Connection):  # type: ignore[misc]  # untyped library
    """As Fabric's, which accepts an unknown host key: this one only a known one, and logs in as the spec describes."""

    _session: SshSession | None

    def __init__(self, spec: HostSpec) -> None:
        config = fabric.Config(overrides={"run": {"in_stream": False}})  # a script has no one to type
        super().__init__(spec.address or spec.name, user=spec.user, port=spec.port or 22, config=config)
        # Fabric keeps other attributes in its settings.
        object.__setattr__(self, "_spec", spec)
        object.__setattr__(self, "_session", None)

    def open(self) -> None:
        """Connect unless that is done. Raises `Unreachable`."""
        if not self.is_connected:
            session = open_ssh(self._spec)
            object.__setattr__(self, "_session", session)
            self.client._transport = self.transport = session.transport  # noqa: SLF001  (what its `connect` sets)

    def close(self) -> Any:
        """Close it, and the jump hosts on the way."""
        super().close()
        if self._session is not None:
            self._session.close()
