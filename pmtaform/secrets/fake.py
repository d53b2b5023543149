"""Secrets for tests, demonstrations and dry runs: kept in memory; they can fail as real providers do."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from pmtaform.secrets.provider import Unresolved


class FakeSecrets:
    """A provider over a dictionary. `asked` lists the names that were fetched, in order.

    `locked`: every call fails as one does that waited for its deadline, without spending the time.
    """

    def __init__(self, values: Mapping[str, str | bytes] | None = None, *, locked: bool = False) -> None:
        given = values or {}
        self._values = {name: v.encode() if isinstance(v, str) else v for name, v in given.items()}
        self._lock = threading.Lock()
        self.locked = locked
        self.asked: list[str] = []

    def fetch(self, name: str, *, deadline: float) -> bytes:
        """The value given for `name`."""
        with self._lock:
            self.asked.append(name)
            self._refuse_if_locked(deadline)
            if name not in self._values:
                raise Unresolved("the fake secrets", f'there is no entry "{name}"', "Give it one.")
            return self._values[name]

    def holds(self, name: str, *, deadline: float) -> bool:
        """Whether there is a value for `name`; it does not count as asked for."""
        with self._lock:
            self._refuse_if_locked(deadline)
            return name in self._values

    def store(self, name: str, value: bytes, *, deadline: float) -> None:
        """Keep `value` under `name`."""
        with self._lock:
            self._refuse_if_locked(deadline)
            self._values[name] = value

    def remove(self, name: str, *, deadline: float) -> bool:
        """Forget `name`; whether there was one."""
        with self._lock:
            self._refuse_if_locked(deadline)
            return self._values.pop(name, None) is not None

    def _refuse_if_locked(self, deadline: float) -> None:
        if self.locked:
            raise Unresolved("the fake secrets", f"they did not answer within {deadline:g} s", "Unlock them.")

    def __repr__(self) -> str:
        return f"<fake secrets, {len(self._values)} entries>"
