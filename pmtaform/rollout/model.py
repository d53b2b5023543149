"""The results of a run, host by host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pmtaform.diagnostics import Diagnostic, Exit
from pmtaform.plan.model import Left
from pmtaform.progress import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class HostResult:
    """The result of one host. `problem` has the reason and the remedy; `output` is the output of `pmta`.

    `left` are the differences to the stack that the run left on purpose.
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
    """The result of a run."""

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
        """The most severe result decides: a failed or rolled back host, a stale one, a locked one, an unreachable one.

        A run whose hosts all succeeded, and whose state could not be written, is an error.
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
