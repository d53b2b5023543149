"""Faults of the emulator, so that tests can show what its callers do then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, Unpack

from pmtaform_emulator.layout import Layout
from pmtaform_emulator.store import DaemonStore

Kind = Literal[
    "fail",
    "refuse",
    "hang",
    "crash",
    "garbage",
    "ignore",
    "reworded",
    "fail-after",
    "strict",
    "other-settings",
    "slow",
    "late-listeners",
]
KINDS: Final[Mapping[Kind, str]] = {
    "fail": "an error is reported, nothing is done",
    "refuse": "the daemon cannot be reached",
    "hang": "nothing happens for `seconds` or until the caller gives up; then the command fails",
    "crash": "the daemon dies, and the command with it",
    "garbage": "unreadable output, exit code 0, nothing done",
    "ignore": "success is reported, nothing is done",
    "reworded": "it is done, exit code 0, and the reply is `message` (or nothing) in every form",
    "fail-after": "it is done, and an error is reported",
    "strict": "whatever the guides leave open stops a load; `command` and `times` are ignored",
    "other-settings": "of `show settings`: every value in the reply is `message` (or an invented one)",
    "slow": "of `start` and `restart`: it is done, and the next `seconds` calls of `show status` answer `starting`",
    "late-listeners": "new listeners wait for a restart, as the guides leave open; `command` and `times` are ignored",
}
HANG_LIMIT: Final = 300.0
_PERMANENT: Final = ("strict", "late-listeners")  # a property of the server, not of one call
_FILE: Final = "faults.json"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a command."""

    command: str
    kind: str
    times: int | None
    message: str | None
    exit_code: int | None
    seconds: float

    def concerns(self, command: str) -> bool:
        """Whether it is a fault of `command`."""
        return self.command in ("*", command)


class FaultOptions(TypedDict, total=False):
    """How often a fault happens and what the command answers then."""

    times: int | None  # how many calls fail, 1 by default; None is all until `clear_faults`
    message: str | None
    exit_code: int | None
    seconds: float  # how long `hang` lasts; how many calls of `show status` answer `starting` (`slow`)


def fault(root: Path, command: str = "reload", kind: Kind = "fail", **options: Unpack[FaultOptions]) -> None:
    """Make the next calls of `command` fail as `kind` says; `KINDS` describes each kind.

    `command` is a full name (`reload`, `test config`, `show status`, `start`, `restart`, `stop`), or `*` for all.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of fault: {kind}; known are {', '.join(KINDS)}")
    store = DaemonStore(Layout(Path(root)))
    row = {
        "command": " ".join(command.split()),
        "kind": kind,
        "times": options.get("times", 1),
        "message": options.get("message"),
        "exit_code": options.get("exit_code"),
        "seconds": min(options.get("seconds", HANG_LIMIT), HANG_LIMIT),
    }
    with store.locked():
        store.replace(_FILE, {"faults": [*_rows(store), row]})


def clear_faults(root: Path) -> None:
    """Remove all faults."""
    store = DaemonStore(Layout(Path(root)))
    with store.locked():
        (store.folder / _FILE).unlink(missing_ok=True)


def is_strict(store: DaemonStore) -> bool:
    """Whether a load stops at anything that the guides leave open."""
    return any(row["kind"] == "strict" for row in _rows(store))


def are_listeners_late(store: DaemonStore) -> bool:
    """Whether listeners that a reload adds wait for a restart."""
    return any(row["kind"] == "late-listeners" for row in _rows(store))


def take(store: DaemonStore, command: str) -> Fault | None:
    """The fault of this call of `command`, if there is one; it is counted down."""
    if not any(row["kind"] not in _PERMANENT for row in _rows(store)):
        return None
    with store.locked():
        rows = _rows(store)
        for row in rows:
            candidate = Fault(**row)
            if candidate.kind in _PERMANENT or not candidate.concerns(command) or candidate.times == 0:
                continue
            if candidate.times is not None:
                row["times"] = candidate.times - 1
                store.replace(_FILE, {"faults": [r for r in rows if r["times"] != 0]})
            return candidate
    return None


def _rows(store: DaemonStore) -> list[dict[str, Any]]:
    rows = store.document(_FILE).get("faults", [])
    return rows if isinstance(rows, list) else []
