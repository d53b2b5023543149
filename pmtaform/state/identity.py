"""Who is at work, on which machine, in which process: for locks, journals and the state."""

from __future__ import annotations

import os
import pwd
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_PROC = Path("/proc")


def who() -> str:
    """`user@machine`; `uid1234@machine` where the user has no name, as in many containers. Never raises."""
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except (KeyError, OSError):
        user = f"uid{os.geteuid()}"
    return _printable(f"{user}@{machine()}")


def machine() -> str:
    """The name of the machine that this runs on."""
    return _printable(os.uname().nodename) or "unknown"


def utc_now() -> str:
    """The time, ISO 8601 in UTC to the second: `2026-01-31T12:00:00Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_run_id() -> str:
    """A name for one run: sorts by time, never the same twice."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ-") + uuid.uuid4().hex[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process, told apart from every other that has had or will have its number.

    `boot` names the boot of the kernel and `namespace` the space in which `pid` counts; `started` is in clock
    ticks since that boot. Empty or 0: not known on this system.
    """

    host: str
    boot: str
    namespace: str
    pid: int
    started: int

    @classmethod
    def current(cls) -> Process:
        """The process that asks."""
        return cls(
            host=machine(), boot=_boot(), namespace=_namespace(), pid=os.getpid(), started=_started(os.getpid())[0]
        )

    def is_dead(self) -> bool:
        """Whether it is known to have ended. False when it lives, and whenever that cannot be known from here."""
        here = Process.current()
        if not self.boot or (self.host, self.boot, self.namespace) != (here.host, here.boot, here.namespace):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass  # it belongs to another user; it lives
        started, condition = _started(self.pid)
        return condition in ("Z", "X") or bool(started and self.started and started != self.started)


def _boot() -> str:
    with suppress(OSError):
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return ""


def _namespace() -> str:
    with suppress(OSError):
        return str((_PROC / "self/ns/pid").readlink())
    return ""


def _started(pid: int) -> tuple[int, str]:
    """When process `pid` started, in ticks since boot, and its condition's letter; 0 and "" when not told."""
    with suppress(OSError, ValueError, IndexError):
        # The program's name is in parentheses and may itself contain parentheses and spaces.
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        return int(fields[19]), fields[0]
    return 0, ""


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())
