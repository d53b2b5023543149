"""Every way in which a command can end other than well.

    PmtaformError                       exit 1
    ├── UsageError                      64   the command line asks for something that cannot be
    ├── Invalid                         78   the stack or a configuration is not valid
    ├── Stale                            4   the plan, the state or the live target is no longer what was planned from
    ├── Locked                           5   somebody else is at work (the state, or a host)
    ├── Blocked                          6   danger, threshold or policy; needs consent by name
    ├── StateDamaged                     1   a state or plan file cannot be read
    ├── SecretUnavailable                1   a secret reference could not be resolved
    └── HostError                        3   one host's operation failed
        └── Unreachable                  7   the host could not be reached or logged in to

Whoever raises one gives it diagnostics; the command line prints them and exits with `exit_code`. Any other
exception that reaches the command line is a bug, and is reported as one.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from enum import IntEnum
from typing import Self

from pmtaform.diagnostics import Diagnostic, Place


class Exit(IntEnum):
    """Exit codes, frozen (docs/exit-codes.md)."""

    OK = 0
    ERROR = 1
    CHANGES = 2
    SOME_FAILED = 3
    STALE = 4
    LOCKED = 5
    BLOCKED = 6
    UNREACHABLE = 7
    USAGE = 64
    INVALID = 78
    INTERRUPTED = 130


class PmtaformError(Exception):
    """An expected failure, told in diagnostics."""

    exit_code: Exit = Exit.ERROR

    def __init__(self, *diagnostics: Diagnostic) -> None:
        self.diagnostics = diagnostics
        super().__init__("; ".join(str(d) for d in diagnostics))

    @classmethod
    def of(
        cls, code: str, summary: str, detail: str = "", *, place: Place | None = None, host: str | None = None
    ) -> Self:
        """An error with one diagnostic. Returns an instance of the class it is called on."""
        return cls(Diagnostic(code=code, summary=summary, detail=detail, place=place, host=host))

    @classmethod
    def all(cls, diagnostics: Iterable[Diagnostic]) -> Self:
        """An error with all of `diagnostics`."""
        return cls(*diagnostics)


class UsageError(PmtaformError):
    """The command line asks for something that cannot be."""

    exit_code = Exit.USAGE


class Invalid(PmtaformError):
    """The stack or a configuration is not valid."""

    exit_code = Exit.INVALID


class Stale(PmtaformError):
    """The plan, the state or the live target is no longer what was planned from."""

    exit_code = Exit.STALE


class Locked(PmtaformError):
    """Somebody else is at work; the detail says who, and since when."""

    exit_code = Exit.LOCKED


class Blocked(PmtaformError):
    """A danger, a threshold or a policy stands in the way; the detail says which consent it needs."""

    exit_code = Exit.BLOCKED


class StateDamaged(PmtaformError):
    """A state or plan file cannot be read."""


class SecretUnavailable(PmtaformError):
    """A secret reference could not be resolved; the detail says where it looked and what else would work."""


class HostError(PmtaformError):
    """One host's operation failed; the host is as it was before."""

    exit_code = Exit.SOME_FAILED


class Unreachable(HostError):
    """The host could not be reached or logged in to."""

    exit_code = Exit.UNREACHABLE


def where_from(problem: BaseException) -> str:
    """What an exception that is a bug is, and where it comes from: "KeyError at look in survey.py:12"."""
    frames = traceback.extract_tb(problem.__traceback__)
    ours = [frame for frame in frames if "pmtaform" in frame.filename] or list(frames)
    name = type(problem).__name__
    if not ours:
        return name
    last = ours[-1]
    return f"{name} at {last.name} in {last.filename.rpartition('/')[2]}:{last.lineno}"
