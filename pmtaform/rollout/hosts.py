"""The hosts of a run: what the run has to know of each, and what it has each do.

The steps of a host's change happen here over a session (`LocalHost`), or where another process does all of them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from pmtaform.host import Activation
from pmtaform.inspection.prepared import Prepared
from pmtaform.model.operations import Operations
from pmtaform.rollout import transactions
from pmtaform.rollout.adopt import record_unchanged
from pmtaform.rollout.changing import HostChange
from pmtaform.rollout.model import HostResult
from pmtaform.rollout.outcomes import not_settled
from pmtaform.rollout.run import Context, Run
from pmtaform.rollout.run_records import RunRecords
from pmtaform.rollout.undo import Applied, roll_back_applied
from pmtaform.state import HostState, Intent


class ChangeSteps(Protocol):
    """The change of one host. Each step returns whether the next may follow; if not, `result` has the reason."""

    result: HostResult | None

    @property
    def name(self) -> str:
        """The host's name."""
        ...

    @property
    def intent(self) -> Intent:
        """What is recorded before the change, so that the state can be corrected if the run is killed."""
        ...

    def stage(self) -> bool:
        """Test the change. No live file changes."""
        ...

    def activate(self) -> bool:
        """Put every file in its place, and have PowerMTA read the configuration."""
        ...

    def check(self) -> bool:
        """Check the host with the new configuration."""
        ...

    def observe(self) -> bool:
        """Watch the host as long as its stack requires."""
        ...

    def confirm(self) -> bool:
        """Confirm, and read the host's final record back."""
        ...

    def revert(self, why: str, step: str = "confirm") -> None:
        """Have the host roll back what is pending, or clear what is staged."""
        ...

    def still_pending(self) -> bool:
        """Whether the host still waits for its confirmation."""
        ...

    def roll_back(self, generation: int, before: HostState | None, why: str) -> HostResult:
        """Undo the change that became `generation`; the state becomes what it was `before`."""
        ...

    def close(self) -> None:
        """Close every connection. `roll_back` may follow, and opens its own."""
        ...


class RunHost(Protocol):
    """One host of a run. `pools`, `groups` and `restarts` decide on its turn."""

    @property
    def name(self) -> str:
        """The host's name."""
        ...

    @property
    def operations(self) -> Operations:
        """How it is changed."""
        ...

    @property
    def has_changes(self) -> bool:
        """Whether it needs a change."""
        ...

    @property
    def pools(self) -> frozenset[str]:
        """The pools that it is in."""
        ...

    @property
    def groups(self) -> Collection[str]:
        """The groups that it is in."""
        ...

    @property
    def restarts(self) -> bool:
        """Whether its change restarts PowerMTA."""
        ...

    def settle(self, run: Run, records: RunRecords) -> HostResult:
        """Record the host, which needs no change."""
        ...

    def start(self, context: Context) -> ChangeSteps:
        """The steps of its change."""
        ...


class LocalHost:
    """A host that this process changes."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self.name = prepared.name
        self.operations = prepared.operations
        self.groups = prepared.groups
        self.has_changes = prepared.change is not None
        self.pools = prepared.change.pools if prepared.change is not None else frozenset()
        self.restarts = prepared.change is not None and prepared.change.activation is Activation.RESTART

    def settle(self, run: Run, records: RunRecords) -> HostResult:
        """Record the host, which needs no change."""
        if self._prepared.plan.is_busy:
            # It is as wanted only if another run confirms its change, which is not known.
            return not_settled(self._prepared.spec, self._prepared.snapshot)
        return record_unchanged(run, self._prepared, records)

    def start(self, context: Context) -> ChangeSteps:
        """The steps of its change."""
        return _LocalChange(context, self._prepared)


class _LocalChange(HostChange):
    def __init__(self, context: Context, prepared: Prepared) -> None:
        assert prepared.change is not None
        super().__init__(context, prepared, prepared.change)

    @property
    def intent(self) -> Intent:
        return transactions.intent(self.prepared, self.tx)

    def roll_back(self, generation: int, before: HostState | None, why: str) -> HostResult:
        applied = Applied(self.prepared, self.change, self.tx, generation)
        return roll_back_applied(self.context, applied, before, why)
