"""Paths under a host's root, and the version that is installed there."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

CONFIG = "/etc/pmta/config"
DEFAULTS = "/etc/pmta/config-defaults"
LICENSE = "/etc/pmta/license"
LOGS = "/var/log/pmta"
STATE = "/var/lib/pmta-emulator"
VERSION = "5.0r8"


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one emulated host. Paths as PowerMTA names them (`/etc/pmta/config`) are under `root`."""

    root: Path

    def real(self, path: str) -> Path:
        """Where the file that PowerMTA calls `path` is on this machine."""
        return self.root / path.lstrip("/")

    @property
    def state(self) -> Path:
        """The emulator's own folder. It may be a symbolic link to a folder elsewhere."""
        return self.real(STATE)

    def is_closed_to_us(self) -> bool:
        """Whether the caller may not use the programs: PowerMTA's require root or a member of their group."""
        try:
            self.state.stat()
        except FileNotFoundError:
            return False
        except PermissionError:
            return True
        return not os.access(self.state, os.R_OK | os.W_OK | os.X_OK)

    def version(self) -> str:
        """The version that was installed."""
        try:
            version = json.loads((self.state / "install.json").read_bytes())["version"]
        except (OSError, ValueError, KeyError, TypeError):
            return VERSION
        return str(version)


def release(version: str) -> tuple[int, int]:
    """The release that a version belongs to: `5.0r8` is (5, 0). Text that does not start with a version is (0, 0)."""
    match = re.match(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)
