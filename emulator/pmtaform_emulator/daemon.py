"""The emulated daemon: start, stop and reload, as recorded actions.

Nothing runs in the background unless it was installed with listeners (`listeners`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pmtaform_emulator.faults import are_listeners_late, is_strict
from pmtaform_emulator.layout import LOGS, Layout
from pmtaform_emulator.store import DaemonStore, State

if TYPE_CHECKING:
    from pmtaform_emulator.loading import Loaded

NOT_RUNNING = "Cannot connect to PowerMTA: it is not running"


class Refused(Exception):
    """The daemon rejected the command; the text is what PowerMTA would print."""


class Daemon:
    """One host's daemon."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.store = DaemonStore(layout)

    def test(self) -> None:
        """Check the configuration on disk. The daemon need not run."""
        self._load()

    def reload(self) -> None:
        """Load the configuration on disk, or reject it and keep the old one."""
        with self.store.locked():
            state = self.store.read()
            if not state.running:
                raise Refused(NOT_RUNNING)
            smtp = state.smtp
            self._put_into_force(state, self._load())
            if are_listeners_late(self.store):
                state.smtp = smtp
            state.reloads += 1
            self.store.write(state)
            self._follow(state)

    def start(self) -> bool:
        """Start the daemon; False when it was running already. A startup error is logged and raised."""
        with self.store.locked():
            state = self.store.read()
            if state.running:
                return False
            self._start(state)
            return True

    def restart(self) -> None:
        """Stop and start. With a broken configuration the daemon is down afterwards."""
        with self.store.locked():
            state = self.store.read()
            self._stop(state)
            self._start(state)

    def stop(self) -> bool:
        """Stop the daemon; False when it was not running."""
        with self.store.locked():
            state = self.store.read()
            was_running = state.running
            self._stop(state)
            return was_running

    def restart_web_monitor(self) -> None:
        """Restart the web monitor: directives that it reads once take effect."""
        with self.store.locked():
            state = self.store.read()
            state.web = state.loaded
            self.store.write(state)
            self._follow(state)

    def slow_down(self, calls: int) -> None:
        """Answer `starting` to the next `calls` calls of `show status`."""
        with self.store.locked():
            state = self.store.read()
            state.starting = calls
            self.store.write(state)

    def is_starting(self) -> bool:
        """Whether this call of `show status` is to answer `starting`; each call is counted."""
        if not self.store.read().starting:
            return False
        with self.store.locked():
            state = self.store.read()
            still = state.starting > 0
            state.starting = max(0, state.starting - 1)
            self.store.write(state)
            return still

    def state(self) -> State:
        """The daemon as it is recorded now."""
        return self.store.read()

    def in_force(self) -> dict[str, bytes]:
        """The files that the last successful load read, by PowerMTA's paths; none when the daemon is down."""
        if not self.store.folder.is_dir():
            return {}
        with self.store.locked():
            state = self.store.read()
            return self.store.files_of(state.generation) if state.running else {}

    def _load(self) -> Loaded:
        from pmtaform_emulator import crosschecks, loading

        strict = is_strict(self.store)
        try:
            loaded = loading.read(self.layout, version=self.layout.version(), strict=strict)
            crosschecks.check(loaded, strict=strict)
        except (loading.LoadError, loading.Unreadable) as error:
            raise Refused(str(error)) from error
        return loaded

    def _put_into_force(self, state: State, loaded: Loaded) -> None:
        from pmtaform_emulator.listeners import smtp_of
        from pmtaform_emulator.restarts import slow

        state.generation += 1
        self.store.keep(state.generation, loaded.files)
        state.loaded = slow(loaded.top)
        state.smtp = smtp_of(loaded)

    def _stop(self, state: State) -> None:
        """Forget what a stopped process forgets: the modes of queues are normal again."""
        state.running = False
        state.queues = {}
        state.starting = 0
        self.store.write(state)
        self._follow(state)

    def _start(self, state: State) -> None:
        from pmtaform_emulator.crosschecks import has_log_file

        try:
            loaded = self._load()
        except Refused as error:
            raise self._startup_error(str(error)) from error
        if not has_log_file(loaded):
            raise self._startup_error("No logging file specified")
        self._put_into_force(state, loaded)
        state.started = state.loaded
        state.web = state.loaded if state.web is None else state.web
        state.running = True
        state.starts += 1
        state.started_at = _now()
        self.store.write(state)
        self._follow(state)

    def _follow(self, state: State) -> None:
        """Open and close ports as the configuration in force says. A port that cannot be opened is only logged."""
        if not self.store.document("install.json").get("listen"):
            return
        from pmtaform_emulator.listeners import follow

        for row in follow(self.store, state):
            self.store.log({"program": "pmtad", "command": "listen", "arguments": [], "exit": 1, **row})

    def _startup_error(self, reason: str) -> Refused:
        """Log why the daemon does not start; return it in the words of the daemon."""
        line = f"{_now()} Startup error: {reason}"
        log = self.layout.real(LOGS + "/pmta-startuperr.log")
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a", encoding="utf-8", errors="surrogateescape") as file:
                file.write(line + "\n")
        except OSError:
            pass
        return Refused(line)


def _now() -> str:
    return datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
