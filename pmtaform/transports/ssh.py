"""`transport: ssh`, which a host has unless its stack names another."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from pmtaform.transport import Transport

if TYPE_CHECKING:
    from pmtaform.host.model import HostSpec
    from pmtaform.host.transport import Session


def _open(spec: HostSpec) -> Session:
    warm = sys.modules.get("pmtaform.host.warm.client")  # not imported where no connection is kept
    kept = warm.current() if warm is not None else None
    return kept.open(spec, _connect) if kept is not None else _connect(spec)


def _connect(spec: HostSpec) -> Session:
    from pmtaform.host.ahead import dial

    early = dial(spec)
    from pmtaform.host.ssh import open_ssh

    return open_ssh(spec, early)


SSH: Final = Transport(name="ssh", summary="over SSH", open=_open)
