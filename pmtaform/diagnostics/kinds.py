"""What kind of thing went wrong, and the exit code that a command ends with because of it."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Self


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


class Kind(StrEnum):
    """The kind of a diagnostic. It travels with every copy, so text, JSON and exit code agree.

    The exit code is that of a command which ends because of this diagnostic; a warning or a remark ends none.
    """

    exit_code: Exit

    def __new__(cls, value: str, exit_code: Exit) -> Self:
        """A kind with the exit code that belongs to it."""
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.exit_code = exit_code
        return kind

    FAILED = "failed", Exit.ERROR  # a command could not do its work, for another reason than those below
    USAGE = "usage", Exit.USAGE  # the command line is wrong or requests something impossible
    INVALID = "invalid", Exit.INVALID  # the stack or a configuration is not valid
    STALE = "stale", Exit.STALE  # the stack, the state or a live file changed since the plan was made
    LOCKED = "locked", Exit.LOCKED  # another run is at work, or a host waits for a confirmation
    BLOCKED = "blocked", Exit.BLOCKED  # a danger, a threshold or a policy needs consent
    STATE_DAMAGED = (
        "state-damaged",
        Exit.ERROR,
    )  # a state, a plan or a history is not readable
    SECRET_UNAVAILABLE = "secret-unavailable", Exit.ERROR  # no provider returned the value of a reference
    HOST_FAILED = "host-failed", Exit.SOME_FAILED  # a host was reached, and the operation on it failed
    HOST_UNREACHABLE = "host-unreachable", Exit.UNREACHABLE  # there was no connection to the host, or no login
    CHECK_FAILED = "check-failed", Exit.SOME_FAILED  # a check of DNS, keys or signatures found something wrong
    NOTE = "note", Exit.OK  # information for the reader; it never ends a command
    BUG = "bug", Exit.ERROR  # a mistake in pmtaform
