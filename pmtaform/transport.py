"""The port of transports: how a host is reached, and which keys of a host in a stack the transport uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pmtaform.host.model import HostSpec
    from pmtaform.host.transport import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """A way to hosts; each `HostSpec` has one.

    `open` returns an open session, which the caller closes; it raises `Unreachable`. `is_local`: the host's root is a
    folder of this machine, or a substitute for one, so its addresses and ports are not the host's own. `needs` are keys
    that a host in a stack must have, `unused` keys that have no effect. `summary` is for the schema.
    """

    name: str
    summary: str
    open: Callable[[HostSpec], Session] = field(repr=False, compare=False)
    is_local: bool = False
    needs: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
