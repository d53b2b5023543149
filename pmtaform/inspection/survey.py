"""A host that is inspected, and all that was seen of it: texts, trees and the difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pmtaform.errors import PmtaformError
from pmtaform.host import HostSpec, Snapshot
from pmtaform.inspection.basis import Basis
from pmtaform.lang.includes import Configuration
from pmtaform.model.desired import Desired
from pmtaform.model.operations import Operations
from pmtaform.plan.block_digests import Keyed
from pmtaform.plan.diff import Difference
from pmtaform.plan.model import HostPlan
from pmtaform.state import HostInputs, HostState, Intent, Seal


class NotCompiled(Exception):
    """What a host should have could not be compiled: the stack is wrong, or a secret is not available.

    It is no failure of the host. `problem` is what the compiler raised.
    """

    def __init__(self, problem: PmtaformError) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a host should have, and what it was made from. `inputs` None: they do not identify it."""

    desired: Desired
    inputs: HostInputs | None = field(default=None, repr=False)


class Wanted:
    """What a host should have. It is compiled when it is first read: a host that is as it was left needs none of it."""

    __slots__ = ("_compiled", "_make")

    def __init__(self, make: Callable[[], Compiled]) -> None:
        self._make = make
        self._compiled: Compiled | None = None

    @classmethod
    def of(cls, desired: Desired) -> Wanted:
        """What is compiled already."""
        return cls(lambda: Compiled(desired))

    def fresh(self) -> Wanted:
        """The same, compiled again when it is read, so that its trees go with its last user."""
        return Wanted(self._make)

    @property
    def compiled(self) -> Compiled:
        """What the host should have. Raises `NotCompiled`."""
        if self._compiled is None:
            try:
                self._compiled = self._make()
            except PmtaformError as problem:
                raise NotCompiled(problem) from problem
        return self._compiled


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One host to inspect: how to reach it, what it should have, and what we left there.

    `is_same`: what its configuration is made from is as it was when the host was last as its stack declares, so that
    nothing has to change on it if its files are as they were left.
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
    is_same: bool = False
    size: int = 0  # bytes of its configuration, roughly

    @property
    def desired(self) -> Desired:
        """What the host should have; compiled when it is first read. Raises `NotCompiled`."""
        return self.wanted.compiled.desired

    def fresh(self) -> Target:
        """The same host, compiled again when that is needed."""
        return replace(self, wanted=self.wanted.fresh())


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What one host has, and what has to change.

    It holds texts and trees, 10 MB for 5,000 lines: it lives while its host is worked on, and a `HostVerdict` after.
    """

    target: Target
    snapshot: Snapshot
    difference: Difference
    seal: Seal = field(repr=False)  # makes of a digest in `snapshot` one as states and plans have it
    keyed: Keyed = field(repr=False)  # makes of a block's content a digest as states have it
    basis: Basis = field(default_factory=Basis, repr=False)  # that the host is compared with
    configuration: Configuration | None = field(default=None, repr=False)  # held: what the host has is parsed once
    memory: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)  # what is made of it

    @property
    def plan(self) -> HostPlan:
        """The host's changes."""
        return self.difference.plan
