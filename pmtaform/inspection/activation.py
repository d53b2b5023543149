"""How PowerMTA on a host loads its changes, and what its version can do."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pmtaform.host import Activation, HostSpec
from pmtaform.plan.model import Change
from pmtaform.plan.services import PMTA, services_of


def services_wanted(changes: Iterable[Change]) -> frozenset[str]:
    """The services that the changes of a host need restarted."""
    return frozenset().union(*(services_of(change) for change in changes))


def activation_of(spec: HostSpec, services: frozenset[str]) -> Activation:
    """How PowerMTA on the host loads the changes: by a restart where one is needed and has consent.

    A restart command of the stack, without one for the web monitor, restarts both services.
    """
    needed = PMTA in services or (bool(services) and restarts_all(spec))
    if spec.activation is Activation.RELOAD and needed:
        return Activation.RESTART
    return spec.activation


def restarts_all(spec: HostSpec) -> bool:
    """Whether the stack's one restart command restarts PowerMTA and its web monitor."""
    return bool(spec.restart_command) and not spec.restart_web_command


def has_test_config(version: str | None) -> bool:
    """Whether this PowerMTA has `pmta test config`: documented for 5.0, not for 4.x.

    Basis: docs/powermta/operations.md section 2.
    """
    return release(version) >= 5


def release(version: str | None) -> int:
    """The major release in the version that `pmta show version` reports; 0 without one."""
    match = re.search(r"v(\d+)\.", version or "")
    return int(match[1]) if match else 0
