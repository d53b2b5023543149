"""The errors that a command can raise. Each class has a `Kind`, and the exit code of that kind.

    PmtaformError                       exit 1
    ├── UsageError                      64   the command line requests something impossible
    ├── Invalid                         78   the stack or a configuration is not valid
    ├── Stale                            4   the plan, the state or the live host changed since the plan was made
    ├── Locked                           5   another run is at work (the state, or a host)
    ├── Blocked                          6   danger, threshold or policy; needs consent by name
    ├── StateDamaged                     1   a state or plan file is not readable
    ├── SecretUnavailable                1   a secret reference has no value
    └── HostError                        3   one host's operation failed
        └── Unreachable                  7   no connection to the host, or no login

Every error has diagnostics; the command line prints them and exits with `exit_code`. Any other exception that reaches
the command line is a bug, and is reported as one.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from typing import ClassVar, Self

from pmtaform.diagnostics import Definition, Diagnostic, Exit, Kind, Place, Severity


class PmtaformError(Exception):
    """An expected failure, with its diagnostics. Its class follows the kind of its diagnostics."""

    kind: ClassVar[Kind] = Kind.FAILED
    exit_code: ClassVar[Exit] = Exit.ERROR

    def __init_subclass__(cls, kind: Kind | None = None) -> None:
        """Give the subclass its kind, and the exit code that belongs to the kind."""
        if kind is not None:
            cls.kind = kind
            cls.exit_code = kind.exit_code

    def __init__(self, *diagnostics: Diagnostic) -> None:
        self.diagnostics = diagnostics
        super().__init__("; ".join(str(d) for d in diagnostics))

    @classmethod
    def of(
        cls, definition: Definition, detail: str = "", *, place: Place | None = None, host: str | None = None
    ) -> Self:
        """An error with one diagnostic. Returns an instance of the class it is called on."""
        return cls(definition.diagnostic(detail, place, host=host, severity=Severity.ERROR))

    @classmethod
    def all(cls, diagnostics: Iterable[Diagnostic]) -> Self:
        """An error with all of `diagnostics`."""
        return cls(*diagnostics)


class UsageError(PmtaformError, kind=Kind.USAGE):
    """The command line requests something impossible."""


class Invalid(PmtaformError, kind=Kind.INVALID):
    """The stack or a configuration is not valid."""


class Stale(PmtaformError, kind=Kind.STALE):
    """The plan, the state or the live host changed since the plan was made."""


class Locked(PmtaformError, kind=Kind.LOCKED):
    """Another run is at work; the detail names it, and since when it runs."""


class Blocked(PmtaformError, kind=Kind.BLOCKED):
    """A danger, a threshold or a policy blocks the change; the detail names the consent that it needs."""


class StateDamaged(PmtaformError, kind=Kind.STATE_DAMAGED):
    """A state or plan file is not readable."""


class SecretUnavailable(PmtaformError, kind=Kind.SECRET_UNAVAILABLE):
    """A secret reference has no value; the detail names the source, and what else would work."""


class HostError(PmtaformError, kind=Kind.HOST_FAILED):
    """One host's operation failed; the host is as it was before."""


class Unreachable(HostError, kind=Kind.HOST_UNREACHABLE):
    """There was no connection to the host, or no login."""


def where_from(problem: BaseException) -> str:
    """The type and origin of an unexpected exception: "KeyError at look in survey.py:12"."""
    frames = traceback.extract_tb(problem.__traceback__)
    ours = [frame for frame in frames if "pmtaform" in frame.filename] or list(frames)
    name = type(problem).__name__
    if not ours:
        return name
    last = ours[-1]
    return f"{name} at {last.name} in {last.filename.rpartition('/')[2]}:{last.lineno}"
