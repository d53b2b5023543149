"""`transport: local`: a folder of this machine that stands for a host's root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pmtaform.transport import Transport

if TYPE_CHECKING:
    from pmtaform.host.model import HostSpec
    from pmtaform.host.transport import Session


def _open(spec: HostSpec) -> Session:
    from pmtaform.host.local import open_local

    return open_local(spec)


LOCAL: Final = Transport(
    name="local",
    summary="a folder of this machine",
    open=_open,
    is_local=True,
    needs=("root",),
    unused=("address", "port", "user", "password", "identity-files", "passphrase", "proxy-jump", "ssh-config"),
)
