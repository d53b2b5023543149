"""Dial before the SSH library is imported: its import takes as long as a server needs to answer.

Only where ssh_config cannot give another address: a file that may is left to the library that reads it.
"""

from __future__ import annotations

import contextlib
import glob
import socket
import sys
from pathlib import Path

from pmtaform.host.model import HostSpec

_HARMLESS = frozenset(
    {"host", "sendenv", "setenv", "hashknownhosts", "gssapiauthentication", "gssapidelegatecredentials"}
)


def dial(spec: HostSpec) -> socket.socket | None:
    """A connection to where `spec` is, when that is plain and the library is not loaded yet; else None.

    A failure here is not reported: the library fails again when it dials, and reports it.
    """
    if "pmtaform.host.ssh" in sys.modules or spec.proxy_jump is not None:
        return None
    from pmtaform.host import sockets

    with contextlib.suppress(OSError, UnicodeError):
        if not any(_may_redirect(path) for path in _files(spec)):
            return sockets.connect(spec.address or spec.name, spec.port or 22, spec.connect_timeout)
    return None


def _files(spec: HostSpec) -> tuple[Path, ...]:
    if spec.ssh_config is not None:
        return (Path(spec.ssh_config).expanduser(),)
    return Path("~/.ssh/config").expanduser(), Path("/etc/ssh/ssh_config")


def _may_redirect(path: Path) -> bool:
    if not path.exists():
        return False
    for line in path.read_text(encoding="utf-8").splitlines():
        word, _, rest = line.replace("=", " ", 1).strip().partition(" ")
        if not word or word.startswith("#") or word.lower() in _HARMLESS:
            continue
        if word.lower() == "include" and not any(glob.glob(name) for name in rest.split()):  # noqa: PTH207  (absolute)
            continue
        return True
    return False
