"""The results of a run, host by host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pmtaform.diagnostics import Diagnostic, Exit
from pmtaform.plan.model import Left
from pmtaform.progress import Verdict


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
    stopped: str = ""  # why no further host was started, in words
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
