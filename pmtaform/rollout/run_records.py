"""The records of a run about the hosts that it changes. A record that cannot be written does not stop a change.

The intents of a run are on the disk before its first host is started. If its results are not written, the next command
takes them from the hosts' own records.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from pmtaform.diagnostics import Diagnostic
from pmtaform.errors import PmtaformError
from pmtaform.state import StateKeeper

Write = Callable[[], None]


class RunRecords:
    """Writes to the state and the journal, and retries failed writes at the end. Safe to use from many threads."""

    def __init__(self, keeper: StateKeeper) -> None:
        self.problem: Diagnostic | None = None  # why something is not on the disk; no further host is started then
        self._keeper = keeper
        self._left: list[Write] = []
        self._turn = threading.Lock()

    def state(self, write: Write) -> None:
        """Change the state. A change that cannot be written stays in the keeper's document."""
        try:
            write()
        except PmtaformError as problem:
            self._keep(problem)

    def journal(self, write: Write) -> None:
        """Add a line to the journal."""
        try:
            write()
        except PmtaformError as problem:
            self._keep(problem, write)

    def _keep(self, problem: PmtaformError, *left: Write) -> None:
        with self._turn:
            self.problem = self.problem or problem.diagnostics[0]
            self._left += left

    def finish(self) -> Diagnostic | None:
        """Retry the writes that failed; return the error that stops them again, or None."""
        if self.problem is None:
            return None
        try:
            self._keeper.save()
            while self._left:
                self._left[0]()
                del self._left[0]
        except PmtaformError as problem:
            return problem.diagnostics[0]
        return None
