"""The hooks through which a feature takes part in making a plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pmtaform.inspection.assess import Adviser
from pmtaform.planning.draft import Draft
from pmtaform.stack import Stack
from pmtaform.state import StateDocument

if TYPE_CHECKING:
    from pmtaform.rollout.model import RunResult


class Step(Protocol):
    """A feature that takes part in making a plan. One object is made for each plan whose stack uses the feature.

    The hooks are called in this order. A feature writes only the hooks that it needs: those here do nothing.
    A feature imports its modules in its hooks, so that a stack that does not use it does not load them.
    """

    reads_all: ClassVar[bool] = False
    """Whether it reads what every host should have, and what it has: then no host is known by its inputs alone."""

    @staticmethod
    def applies(stack: Stack) -> bool:
        """Whether a stack uses the feature. Called for every stack, so it has to be fast."""
        ...

    def prepare(self, draft: Draft) -> None:
        """Change what hosts should have, before the stack is compiled."""

    def adviser(self, draft: Draft) -> Adviser | None:  # noqa: ARG002  (for steps that override it)
        """What it computes for each host while the host's texts and trees are at hand; None: nothing.

        It is called by the worker that looks at the host, and may be pickled. `advice` has what it returned.
        """
        return None

    def advice(self, draft: Draft, host: str) -> Any:
        """What the adviser returned for a host; None where that was nothing."""
        return draft.fleet.surveys[host].advice.get(type(self).__name__)

    def reconcile(self, draft: Draft) -> Collection[str]:  # noqa: ARG002  (for steps that override it)
        """Change what hosts should have, by what was seen on them. Return the hosts that have to be looked at again."""
        return ()

    def advise(self, draft: Draft) -> None:
        """Add notes and dangers to the plans of hosts."""

    def consent(self, draft: Draft) -> None:
        """Raise `Invalid` for changes that the request does not allow and that no host may be given."""

    def together(self) -> Mapping[str, str]:
        """Hosts that must be changed at the same time, each with a key that all of them share."""
        return {}

    def record(self, result: RunResult, state: StateDocument, now: datetime) -> None:
        """Store what an apply did. Raises `PmtaformError`."""
