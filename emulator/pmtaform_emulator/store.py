"""The emulated daemon's memory: a small document, and a copy of the files of the configuration in force.

Every reader and writer holds the lock only while it reads or writes, never while it waits for anything else.
Documents are replaced atomically, so that a killed command leaves the old or the new one.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pmtaform_emulator.layout import Layout


@dataclass(slots=True)
class State:
    """The daemon as it is recorded.

    `generation` counts successful loads and names the configuration in force. `loaded`, `started` and `web` are the
    restart-class directives that the last load, the last start and the last start of the web monitor read.
    """

    running: bool = False
    started_at: str = ""
    generation: int = 0
    loaded: dict[str, Any] = field(default_factory=dict)
    started: dict[str, Any] = field(default_factory=dict)
    web: dict[str, Any] | None = None
    starts: int = 0
    reloads: int = 0
    queues: dict[str, dict[str, Any]] = field(default_factory=dict)
    smtp: list[str] = field(default_factory=list)  # the arguments of the SMTP listeners in force
    starting: int = 0  # how many more calls of `show status` answer `starting`

    def pending(self) -> list[dict[str, Any]]:
        """Loaded directives that wait for a restart: name, service, the values in force and those loaded."""
        rows = []
        for name in dict.fromkeys([*self.loaded, *self.started, *(self.web or {})]):
            known = [where[name] for where in (self.loaded, self.started, self.web or {}) if name in where]
            service = known[0]["service"]
            before = (self.web or {}) if service == "pmtahttp" else self.started
            old, new = (where.get(name, {}).get("values", []) for where in (before, self.loaded))
            if old != new:
                rows.append({"name": name, "service": service, "inForce": old, "loaded": new})
        return rows


class DaemonStore:
    """The recorded state of one host."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.folder = layout.state

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the host's lock. The kernel releases it when the process ends, however it ends."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def read(self) -> State:
        """The current state. A damaged or missing document means a daemon that was never started."""
        document = self.document("state.json")
        known = {name: document[name] for name in State.__slots__ if name in document}
        return State(**known)

    def write(self, state: State) -> None:
        """Record the state and delete configurations that nothing refers to. The lock must be held."""
        self.replace("state.json", asdict(state))
        for old in self._generations():
            if old.name != str(state.generation):
                _remove(old)

    def keep(self, number: int, files: Mapping[str, bytes]) -> None:
        """Store the files of configuration `number`. The lock must be held."""
        folder = self.folder / "configurations" / str(number)
        _remove(folder)
        for path, content in files.items():
            target = folder / path.lstrip("/")
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.write_bytes(content)

    def files_of(self, number: int) -> dict[str, bytes]:
        """The files of configuration `number`, by PowerMTA's paths."""
        folder = self.folder / "configurations" / str(number)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return {"/" + str(path.relative_to(folder)): path.read_bytes() for path in paths}

    def document(self, name: str) -> dict[str, Any]:
        """A JSON document of the emulator's folder; empty when it is missing or damaged."""
        try:
            content = json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def replace(self, name: str, content: object) -> None:
        """Replace a JSON document as a whole. The lock must be held."""
        new = self.folder / f"{name}.new"
        new.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        new.replace(self.folder / name)

    def log(self, line: Mapping[str, object]) -> None:
        """Add one line to the log of calls. A log that cannot be written is ignored."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.folder / "calls.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.write(handle, (json.dumps(line) + "\n").encode())
            finally:
                os.close(handle)
        except OSError:
            return

    def _generations(self) -> list[Path]:
        try:
            return list((self.folder / "configurations").iterdir())
        except OSError:
            return []


def _remove(folder: Path) -> None:
    """Delete a folder and its content as far as possible; importing shutil would take longer."""
    with suppress(OSError):
        for path in sorted(folder.rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
        folder.rmdir()
