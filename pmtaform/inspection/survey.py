"""Surveys: the result of inspecting a host, and of inspecting a fleet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pmtaform.errors import PmtaformError
from pmtaform.host import HostSpec, Session, Snapshot
from pmtaform.inspection.basis import Basis
from pmtaform.model.desired import Desired
from pmtaform.model.operations import Operations
from pmtaform.parallel import run_all
from pmtaform.plan.block_digests import Keyed
from pmtaform.plan.diff import Difference
from pmtaform.plan.model import HostPlan
from pmtaform.state import HostInputs, HostState, Intent, Seal

_CLOSED_AT_ONCE: Final = 32


class Wanted:
    """What a host should have, compiled when it is first read: a host that is as it was left needs none of it."""

    __slots__ = ("_desired", "_make")

    def __init__(self, make: Callable[[], Desired]) -> None:
        self._make = make
        self._desired: Desired | None = None

    @classmethod
    def of(cls, desired: Desired) -> Wanted:
        """What is compiled already."""
        return cls(lambda: desired)

    @property
    def desired(self) -> Desired:
        """What the host should have. Raises `Invalid` and `SecretUnavailable` when it is first read."""
        if self._desired is None:
            self._desired = self._make()
        return self._desired


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One host to inspect: how to reach it, what it should have, and what we left there.

    `inputs` identify what its configuration is made from. `is_same`: they are as they were when the host was last as
    its stack declares, so that nothing has to change on it if its files are as they were left.
    """

    spec: HostSpec
    stack: str
    wanted: Wanted = field(repr=False)
    previous: HostState | None = None
    operations: Operations = field(default_factory=Operations)
    groups: tuple[str, ...] = ()
    intent: Intent | None = None  # what a run that was killed had started here
    generation: int | None = None  # the last one that a state knows of whose digests are under another key
    now: datetime | None = None  # by which certificates expire; None: expiry is not checked
    inputs: HostInputs | None = field(default=None, repr=False)
    is_same: bool = False

    @property
    def desired(self) -> Desired:
        """What the host should have; compiled when it is first read."""
        return self.wanted.desired


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What one host has, and what has to change. The session is open until the caller closes it."""

    target: Target
    snapshot: Snapshot
    difference: Difference
    seal: Seal = field(repr=False)  # makes of a digest in `snapshot` one as states and plans have it
    keyed: Keyed = field(repr=False)  # makes of a block's content a digest as states have it
    basis: Basis = field(default_factory=Basis, repr=False)  # that the host is compared with
    session: Session | None = field(default=None, repr=False)

    @property
    def plan(self) -> HostPlan:
        """The host's changes."""
        return self.difference.plan


@dataclass(slots=True)
class Fleet:
    """The surveys of a fleet, and the hosts that could not be looked at."""

    surveys: dict[str, Survey] = field(default_factory=dict)
    failures: dict[str, PmtaformError] = field(default_factory=dict)

    def close(self) -> None:
        """Close every session that is still open."""
        close_sessions(self.surveys.values())


def close_sessions(surveys: Iterable[Survey]) -> None:
    """Close the sessions of these hosts, at the same time."""
    sessions = [survey.session for survey in surveys if survey.session is not None]
    run_all(sessions, lambda session: session.close(), parallel=_CLOSED_AT_ONCE)
