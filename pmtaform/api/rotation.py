"""Rotate the DKIM keys of a project's stack."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from pmtaform.clock import Clock, SystemClock
from pmtaform.project import Project
from pmtaform.signing.fleet_rotation import RotationRequest
from pmtaform.signing.rotate import RotationReport, rotate
from pmtaform.stack import Stack
from pmtaform.stack.resolve import resolver_for
from pmtaform.state import StateDocument

if TYPE_CHECKING:
    from pmtaform.dns.resolver import DnsResolver


def rotate_keys(
    project: Project,
    stack: Stack,
    *,
    clock: Clock | None = None,
    as_of: datetime | None = None,
    resolver: Callable[[], DnsResolver] | None = None,
    bits: int = 2048,
) -> RotationReport:
    """Generate the keys of a stack that are due, and report the status of each; see `signing.rotate.rotate`."""
    request = RotationRequest(
        stack=stack,
        file=project.rotations(stack.name),
        state=project.backend(stack.name).load() or StateDocument.new(stack.name),
        resolve=resolver_for(stack),
        now=(clock or SystemClock()).now(),
        as_of=as_of,
        resolver=resolver,
    )
    return rotate(request, bits=bits)
