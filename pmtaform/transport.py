"""The port of transports: how a host is reached, and which of a host's keys in a stack that way uses."""

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

    `open` returns an open session, to be closed by the caller; it raises `Unreachable`. `is_local`: the host's root is
    a folder of this machine, or a stand-in for one, so its addresses and ports are not the host's own. `needs` and
    `unused` are keys of a host in a stack that must be there, and that have no effect. `summary` is for the schema.
    """

    name: str
    summary: str
    open: Callable[[HostSpec], Session] = field(repr=False, compare=False)
    is_local: bool = False
    needs: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
