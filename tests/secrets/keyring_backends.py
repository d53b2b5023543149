"""Keyring backends for tests: one in memory, one over a file, and ones that fail as real ones do."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class MemoryKeyring(KeyringBackend):
    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[str, str] = {}
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        return self.entries.get(f"{service}\0{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[f"{service}\0{username}"] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop(f"{service}\0{username}", None) is None:
            raise PasswordDeleteError(username)


class FileKeyring(MemoryKeyring):
    """A headless backend: every call reads and writes a real file."""

    path = Path()

    def get_password(self, service: str, username: str) -> str | None:
        self._load()
        return super().get_password(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._load()
        super().set_password(service, username, password)
        self.path.write_text(json.dumps(self.entries))

    def delete_password(self, service: str, username: str) -> None:
        self._load()
        super().delete_password(service, username)
        self.path.write_text(json.dumps(self.entries))

    def _load(self) -> None:
        self.entries = json.loads(self.path.read_text()) if self.path.exists() else {}


class LockedKeyring(MemoryKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        raise KeyringLocked("canary-in-backend-text")


class HangingKeyring(MemoryKeyring):
    """Waits, as a Secret Service does for a prompt that no one sees, until the test lets it go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        self.let_go.wait()
        return "too late"


class BrokenKeyring(MemoryKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError("canary-in-backend-text")
