"""A plan as data: for each host, the changes from the live to the wanted configuration.

Everything in a plan may be shown: values of sensitive directives are masked when the plan is made, and key files
appear by their reference. What has to be written is not part of the plan; it is made again from the stack, and
compared by keyed digests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pmtaform.diagnostics import Diagnostic, Place
from pmtaform.diagnostics.codes.hosts import HOST_BUSY
from pmtaform.lang.catalogue import Impact

PLACE = "place"  # the name of the value of a block that moves


class Action(StrEnum):
    """The action on a block; the values are the printed symbols."""

    CREATE = "+"
    UPDATE = "~"
    DELETE = "-"

    @property
    def verb(self) -> str:
        """The action in words, as in a JSON plan."""
        return {"+": "create", "~": "update", "-": "delete"}[self.value]


class Reason(StrEnum):
    """The reason for a change."""

    NEW = "declared in the stack, not on the host"
    CHANGED = "the stack says otherwise"
    DRIFT = "changed on the host since the last apply"
    BOTH = "changed in the stack, and on the host since the last apply"
    MISSING = "gone from the host since the last apply"
    REMOVED = "no longer declared in the stack"
    UNMANAGED = "never declared, and the stack says `unmanaged: remove`"


class Cause(StrEnum):
    """The author of a change since the last apply; the values are printed."""

    HOST = "changed on the host"
    STACK = "changed in the stack"
    BOTH = "changed on the host and in the stack"


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One directive of a block, before and after. Empty: it is not there. `path` are the sections around it.

    `cause` and `applied`, what the last apply wrote there, are known where a block of ours was changed on the host.
    """

    path: tuple[str, ...]
    name: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    place: Place | None = None
    applied: tuple[str, ...] = ()
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Danger:
    """Why a change needs consent by name (`--allow CODE`). `weight` orders those of one code, the worst first."""

    code: str
    detail: str
    weight: float = field(default=1.0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One block or key file that will change. `impact_note` is set where the impact is our reading, not the guide's."""

    address: str
    action: Action
    reason: Reason
    values: tuple[ValueChange, ...] = ()
    impact: Impact = Impact.RELOAD
    impact_note: str = ""
    file: str = ""
    place: Place | None = None
    dangers: tuple[Danger, ...] = ()


class LeftBy(StrEnum):
    """The reason why a difference stays on a host; the values are printed."""

    IGNORE = "lifecycle.ignore"
    PROTECT = "lifecycle.protect"
    TARGET = "--target"
    EXCLUDE = "--exclude"
    IN_USE = "a domain-key line that names it"


@dataclass(frozen=True, slots=True)
class Left:
    """A block or file that differs from the stack and stays so. `action` is what a run without `by` would do."""

    address: str
    action: Action
    by: LeftBy


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    """The changes of one host.

    `basis` maps every live path that the plan was made from to the keyed digest of what it held ("-": not there);
    `result` maps each path that will be written or removed to the keyed digest of what it will hold ("-": removed).
    `adopted` are declared blocks that are already as wanted and become ours; `forgotten` were ours, are no longer
    declared, and are already gone. `left` are the differences that no run like this one takes away; a host that is
    `frozen` keeps its changes for later.
    """

    host: str
    changes: tuple[Change, ...] = ()
    left: tuple[Left, ...] = ()
    frozen: bool = False
    adopted: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()
    unmanaged: int = 0
    dangers: tuple[Danger, ...] = ()  # of the host as a whole
    notes: tuple[Diagnostic, ...] = ()
    basis: Mapping[str, str] = field(default_factory=dict)
    result: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None

    @property
    def impact(self) -> Impact:
        """The largest impact of its changes."""
        return max((change.impact for change in self.changes), default=Impact.NONE)

    @property
    def is_busy(self) -> bool:
        """Whether another run changes the host, or has not confirmed its change: what was read is not final."""
        return any(HOST_BUSY.describes(note) for note in self.notes)

    @property
    def all_dangers(self) -> tuple[tuple[str, Danger], ...]:
        """Every danger with the address that it belongs to."""
        own = tuple((self.host, danger) for danger in self.dangers)
        return own + tuple((f"{self.host}:{c.address}", danger) for c in self.changes for danger in c.dangers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The changes of a fleet. `failures` are the hosts that could not be planned, with what was wrong.

    `notes` are about the run or the stack as a whole, or about hosts that have no plan; what is about one host is with
    its plan. `key_id` names the stack key of the digests (`StackKey.id`).
    """

    id: str
    stack: str
    stack_digest: str
    lineage: str
    serial: int
    created: str  # ISO 8601, UTC
    tool_version: str
    key_id: str = ""
    notes: tuple[Diagnostic, ...] = ()
    selection: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # hosts, targets, excludes as given
    hosts: tuple[HostPlan, ...] = ()
    failures: Mapping[str, Diagnostic] = field(default_factory=dict)

    @property
    def changed(self) -> tuple[HostPlan, ...]:
        """The hosts with changes."""
        return tuple(host for host in self.hosts if host.changes)

    @property
    def busy(self) -> tuple[HostPlan, ...]:
        """The hosts that another run changes, or has a change on that is not confirmed."""
        return tuple(host for host in self.hosts if host.is_busy)

    @property
    def left(self) -> tuple[tuple[str, Left], ...]:
        """Every difference that stays, with its host."""
        return tuple((host.host, left) for host in self.hosts for left in host.left)

    @property
    def dangers(self) -> tuple[tuple[str, Danger], ...]:
        """Every danger of every host, with its address."""
        return tuple(danger for host in self.hosts for danger in host.all_dangers)

    def count(self, action: Action) -> int:
        """How many changes of a kind there are, over all hosts."""
        return sum(1 for host in self.hosts for change in host.changes if change.action is action)
