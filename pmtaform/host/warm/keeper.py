"""The connections that the process keeps, and when one may be used again."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pmtaform.errors import PmtaformError
from pmtaform.host.model import HostSpec
from pmtaform.host.ssh import forget_settings, is_same_way, open_ssh
from pmtaform.host.ssh_channel import SshSession
from pmtaform.host.warm.frames import key_of

_ANSWERS_WITHIN: Final = 3.0  # seconds, or the connection is not used again
_DEFAULT_KEYS: Final = ("~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519")


@dataclass(slots=True, eq=False)
class WarmConnection:
    """One connection. `files` are the private keys that it was made with: changed ones need a new login."""

    spec: HostSpec
    session: SshSession
    files: tuple[object, ...]
    since: float
    used: float
    is_busy: bool = True


@dataclass(slots=True)
class ConnectionKeeper:
    """Opens connections and keeps them. Each is used by one client at a time."""

    clock: Callable[[], float] = time.time
    open: Callable[[HostSpec], SshSession] = open_ssh
    _kept: dict[tuple[object, ...], WarmConnection] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, spec: HostSpec) -> WarmConnection | None:
        """The connection to a host, made if there is none to use; None where another client uses it.

        Raises what `open_ssh` raises.
        """
        with self._lock:
            kept = self._kept.get(key_of(spec))
            if kept is not None and kept.is_busy:
                return None
            if kept is not None:
                kept.is_busy = True
        if kept is not None:
            if self._may_use(kept):
                return kept
            self.drop(kept)
        session, now = self.open(spec), self.clock()
        made = WarmConnection(spec, session, _stamps(session), now, now)
        with self._lock:
            # Of two clients that connect at once, one has its connection kept.
            is_first = self._kept.setdefault(key_of(spec), made) is made
        if is_first:
            self._drop_others(spec)
        return made

    def give_back(self, kept: WarmConnection) -> None:
        """Keep the connection for the next client."""
        kept.session.rest()
        kept.used, kept.is_busy = self.clock(), False
        if not self._has(kept):
            kept.session.close()

    def drop(self, kept: WarmConnection) -> None:
        """Close a connection, and keep it no more."""
        with self._lock:
            if self._has(kept):
                del self._kept[key_of(kept.spec)]
        kept.session.close()

    def forget_settings(self) -> None:
        """Read the files of ssh_config anew: a client expects its own changes to count."""
        forget_settings()

    def list(self) -> list[WarmConnection]:
        """What is kept, by host."""
        with self._lock:
            return sorted(self._kept.values(), key=lambda kept: kept.spec.name)

    def close(self) -> None:
        """Close everything."""
        for kept in self.list():
            self.drop(kept)

    def _has(self, kept: WarmConnection) -> bool:
        return self._kept.get(key_of(kept.spec)) is kept

    def _may_use(self, kept: WarmConnection) -> bool:
        """Whether the same login would lead to the same machine, and that is still there."""
        with contextlib.suppress(PmtaformError, OSError, ValueError):
            session = kept.session
            return (
                session.is_open
                and _stamps(session) == kept.files
                and is_same_way(kept.spec, session.way)
                and session.answers(_ANSWERS_WITHIN)
            )
        return False

    def _drop_others(self, spec: HostSpec) -> None:
        """Close what was kept of the same host by other settings."""
        for kept in self.list():
            if kept.spec.name == spec.name and key_of(kept.spec) != key_of(spec) and not kept.is_busy:
                self.drop(kept)


def _stamps(session: SshSession) -> tuple[object, ...]:
    names = dict.fromkeys(name for hop, _ in session.way for name in (hop.identity_files or _DEFAULT_KEYS))
    return tuple(_stamp(name) for name in names)


def _stamp(name: str) -> tuple[object, ...]:
    try:
        status = Path(name).expanduser().stat()
    except OSError:
        return (name,)
    return name, status.st_mtime_ns, status.st_size, status.st_ino
