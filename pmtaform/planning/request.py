"""The request for a plan."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from pmtaform.clock import Clock, SystemClock
from pmtaform.model.choice import Choice
from pmtaform.progress import Watch

if TYPE_CHECKING:
    from pmtaform.dns.resolver import DnsResolver


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """The hosts and blocks that a plan covers, and how it is made.

    `keep_open` leaves the sessions open for an apply. `as_of` is the future date that the plan is for, and `allow`
    the dangers and findings that have consent already. `resolver` opens the DNS client; without it, the stack's `dns`
    decides. `validate` False, as `drift` has it, reads hosts even where the stack has errors.
    `is_part`: it is one host's part of a plan, and the stack and the patterns are checked where the parts are put
    together.
    """

    choice: Choice = field(default_factory=Choice)
    keep_open: bool = False
    watch: Watch | None = field(default=None, repr=False)
    stop: threading.Event | None = field(default=None, repr=False)  # once set, no further host is started
    clock: Clock = field(default_factory=SystemClock, repr=False)
    as_of: datetime | None = None
    allow: Collection[str] = ()
    resolver: Callable[[], DnsResolver] | None = field(default=None, repr=False)
    validate: bool = True
    is_part: bool = False
    executor: Executor | None = field(default=None, repr=False)  # computes verdicts; without it, the worker thread does

    def moment(self) -> datetime:
        """The date that the plan is for."""
        return self.as_of if self.as_of is not None else self.clock.now()
