"""What is told while hosts are worked on, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pmtaform.diagnostics import Diagnostic, Exit
from pmtaform.plan.model import Left


class Phase(StrEnum):
    """Where the work on one host stands."""

    CONNECTING = "connecting"
    PROBING = "probing"
    PLANNED = "planned"
    STAGING = "staging"  # the files are laid beside their places, and tested
    STAGED = "staged"
    WAITING = "waiting"  # for hosts that must not change at the same time
    ACTIVATING = "activating"  # the files are put in place, and PowerMTA takes them
    CHECKING = "checking"
    OBSERVING = "observing"
    CONFIRMING = "confirming"  # over a new connection
    REVERTING = "reverting"
    SOAKING = "soaking"  # between waves; of the run, not of a host
    RECORDING = "recording"
    DONE = "done"


class Verdict(StrEnum):
    """What became of one host in a run."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    ROLLED_BACK = "rolled back"
    FAILED = "failed"
    STALE = "stale"
    LOCKED = "locked"
    UNREACHABLE = "unreachable"
    FROZEN = "frozen"
    NOT_STARTED = "not started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step of one host, for whoever watches. `seconds` count from the start of the run."""

    host: str
    phase: Phase
    verdict: Verdict | None = None
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostResult:
    """What became of one host. `problem` says why, with the remedy; `output` is what `pmta` printed.

    `left` are the differences to the stack that the run was not to take away.
    """

    host: str
    verdict: Verdict
    generation: int = 0
    problem: Diagnostic | None = None
    output: str = ""
    notes: tuple[Diagnostic, ...] = ()
    left: tuple[Left, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What became of a run."""

    run: str
    hosts: Mapping[str, HostResult] = field(default_factory=dict)
    interrupted: bool = False
    stopped: str = ""  # why no further host was begun, in words
    unsaved: Diagnostic | None = None  # why what was done is not in the state and the journal; the hosts have it

    def having(self, *verdicts: Verdict) -> tuple[HostResult, ...]:
        """The hosts with one of these verdicts."""
        return tuple(result for result in self.hosts.values() if result.verdict in verdicts)

    @property
    def exit_code(self) -> Exit:
        """One host that failed or went back outweighs one that moved, that one a lock, that one an unreachable.

        Where all went well, and could not be written down, it is an error.
        """
        if self.interrupted:
            return Exit.INTERRUPTED
        for code, verdicts in (
            (Exit.SOME_FAILED, (Verdict.FAILED, Verdict.ROLLED_BACK)),
            (Exit.STALE, (Verdict.STALE,)),
            (Exit.LOCKED, (Verdict.LOCKED,)),
            (Exit.UNREACHABLE, (Verdict.UNREACHABLE,)),
            (Exit.SOME_FAILED, (Verdict.NOT_STARTED,)),
            (Exit.BLOCKED, (Verdict.FROZEN,)),
        ):
            if self.having(*verdicts):
                return code
        return Exit.OK if self.unsaved is None else Exit.ERROR
