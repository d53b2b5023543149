"""A plan in the making, and the plan once it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

from pmtaform.clock import Clock, SystemClock
from pmtaform.diagnostics import Diagnostic
from pmtaform.inspection.survey import Target
from pmtaform.inspection.verdict import Fleet
from pmtaform.model.choice import Choice
from pmtaform.plan.model import HostPlan, Plan
from pmtaform.planning.request import PlanRequest
from pmtaform.project import Project
from pmtaform.stack import Stack
from pmtaform.stack.resolve import Resolve
from pmtaform.state import StackKey, StateDocument

if TYPE_CHECKING:
    from pmtaform.dkim.status import KeyStatus
    from pmtaform.plan.signing import Signer
    from pmtaform.planning.step import Step


@dataclass(slots=True, kw_only=True)
class Draft:
    """A plan while it is made. The pipeline fills the fields from top to bottom, and steps change them.

    `saved` is the state as it is stored, `state` the same without hosts where its digests were made with another key.
    """

    project: Project
    request: PlanRequest
    stack: Stack
    names: tuple[str, ...]  # of the chosen hosts
    key: StackKey
    saved: StateDocument
    state: StateDocument
    resolve: Resolve
    steps: tuple[Step, ...] = ()
    targets: tuple[Target, ...] = ()
    fleet: Fleet = field(default_factory=Fleet)
    hosts: tuple[HostPlan, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    verified: frozenset[Signer] = frozenset()  # selectors whose records are known to be in DNS
    statuses: tuple[KeyStatus, ...] = ()  # of the keys that are rotated


@dataclass(slots=True, kw_only=True)
class Planned:
    """A plan, and what is needed to apply it. Close it, or use it as a context: sessions may be open."""

    project: Project
    stack: Stack
    plan: Plan
    fleet: Fleet
    key: StackKey
    state: StateDocument
    choice: Choice = field(default_factory=Choice)
    clock: Clock = field(default_factory=SystemClock)
    steps: tuple[Step, ...] = ()
    statuses: tuple[KeyStatus, ...] = ()

    def __enter__(self) -> Planned:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every open session."""
        self.fleet.close()
