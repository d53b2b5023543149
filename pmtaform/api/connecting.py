"""Connections to the hosts of a stack, for programs that do something else with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pmtaform.api.restoring import spec_of

if TYPE_CHECKING:
    from pmtaform.host.ssh_fabric import CheckedConnection
    from pmtaform.stack import Stack


def fabric_connection(stack: Stack, host: str) -> CheckedConnection:
    """A Fabric `Connection` to a host of the stack, which connects at its first use.

    Raises `ValueError` for a host that is not reached over SSH, `SecretUnavailable`; its use raises `Unreachable`.
    """
    from pmtaform.host.ssh_fabric import CheckedConnection

    spec = spec_of(stack, host)
    if spec.transport.name != "ssh":
        raise ValueError(f"{host} is not reached over SSH")
    return CheckedConnection(spec)
