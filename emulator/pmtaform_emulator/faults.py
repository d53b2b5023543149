"""Telling the emulator to misbehave, so that tests can see what its callers do then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pmtaform_emulator.layout import Layout
from pmtaform_emulator.store import Store

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
KINDS: Final[tuple[str, ...]] = get_args(Kind)
HANG_LIMIT: Final = 300.0
_STANDING: Final = ("strict", "late-listeners")  # not of one call: how the server is
_FILE: Final = "faults.json"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault that a command is to suffer."""

    command: str
    kind: str
    times: int | None
    message: str | None
    exit_code: int | None
    seconds: float

    def suits(self, command: str) -> bool:
        """Whether it is meant for `command`."""
        return self.command in ("*", command)


def fault(
    root: Path,
    command: str = "reload",
    kind: Kind = "fail",
    *,
    times: int | None = 1,
    message: str | None = None,
    exit_code: int | None = None,
    seconds: float = HANG_LIMIT,
) -> None:
    """Make the next `times` calls of `command` go wrong; None is all until `clear_faults`.

    `command` is the whole name (`reload`, `test config`, `show status`, `start`, `restart`, `stop`) or `*`. Kinds:

    - `fail`: an error is reported and nothing is done;
    - `refuse`: the daemon cannot be reached;
    - `hang`: nothing happens until the caller gives up, at most `seconds`, and then it fails;
    - `crash`: the daemon dies, and the command with it;
    - `garbage`: unreadable output, exit code 0, nothing done;
    - `ignore`: success is reported, nothing is done;
    - `reworded`: it is done, exit code 0, and `message` (or nothing) is answered in every form;
    - `fail-after`: it is done, and an error is reported;
    - `other-settings` (of `show settings`): every value is answered as `message` (or a made-up one), whatever is in
      force;
    - `slow` (of `start` and `restart`): it is done, and `show status` says `starting` the next `seconds` times that it
      is asked (a number of calls, not a time);
    - `strict`: what the guides leave open stops a load. `command` and `times` do not matter;
    - `late-listeners`: listeners wait for a restart, for the guides do not say. `command` and `times` do not matter.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of fault: {kind}; known are {', '.join(KINDS)}")
    store = Store(Layout(Path(root)))
    row = {
        "command": " ".join(command.split()),
        "kind": kind,
        "times": times,
        "message": message,
        "exit_code": exit_code,
        "seconds": min(seconds, HANG_LIMIT),
    }
    with store.locked():
        store.replace(_FILE, {"faults": [*_rows(store), row]})


def clear_faults(root: Path) -> None:
    """Make the emulator behave again."""
    store = Store(Layout(Path(root)))
    with store.locked():
        (store.folder / _FILE).unlink(missing_ok=True)


def is_strict(store: Store) -> bool:
    """Whether what the guides leave open stops a load."""
    return any(row["kind"] == "strict" for row in _rows(store))


def are_listeners_late(store: Store) -> bool:
    """Whether listeners that a reload brings wait for a restart."""
    return any(row["kind"] == "late-listeners" for row in _rows(store))


def take(store: Store, command: str) -> Fault | None:
    """The fault that this call of `command` is to suffer, counted down."""
    if not any(row["kind"] not in _STANDING for row in _rows(store)):
        return None
    with store.locked():
        rows = _rows(store)
        for row in rows:
            found = Fault(**row)
            if found.kind in _STANDING or not found.suits(command) or found.times == 0:
                continue
            if found.times is not None:
                row["times"] = found.times - 1
                store.replace(_FILE, {"faults": [r for r in rows if r["times"] != 0]})
            return found
    return None


def _rows(store: Store) -> list[dict[str, Any]]:
    rows = store.document(_FILE).get("faults", [])
    return rows if isinstance(rows, list) else []
