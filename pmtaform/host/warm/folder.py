"""Where the process listens, and that no other user can listen or look there."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pmtaform import __version__
from pmtaform.diagnostics.codes.connections import WARM_NOT_STARTED, WARM_UNSAFE
from pmtaform.errors import UsageError
from pmtaform.host.wire import agent_source

IDLE: Final = 600.0  # seconds without a client after which the process ends
# What decides which connection a spec means, beside the spec.
_OF_USER: Final = ("HOME", "SSH_AUTH_SOCK", "PATH")
_CREDENTIALS: Final = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class SocketPlace:
    """The socket of one process, and the lock that it holds while it runs."""

    socket: Path

    @property
    def lock(self) -> Path:
        """The file that only one process locks."""
        return self.socket.with_suffix(".lock")

    @property
    def folder(self) -> Path:
        """The folder that belongs to the user alone."""
        return self.socket.parent


def place() -> SocketPlace:
    """The place for this user, version and environment: each has a separate process."""
    base = os.environ.get("XDG_RUNTIME_DIR") or Path("~/.cache").expanduser()
    words = [__version__, agent_source(), str(os.geteuid()), *(os.environ.get(name, "") for name in _OF_USER)]
    name = hashlib.sha256("\0".join(words).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return SocketPlace(Path(base) / "pmtaform" / f"{name}.socket")


def make_folder(folder: Path) -> None:
    """Create the folder where it is missing. Raises `UsageError` if it is not the user's own."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        detail = f"{folder} cannot be created: {error.strerror}. Omit --keep-warm, or name a folder of yours:\n"
        raise UsageError.of(WARM_NOT_STARTED, f"{detail}    export XDG_RUNTIME_DIR=FOLDER") from None
    check_folder(folder)


def check_folder(folder: Path) -> None:
    """Raise `UsageError` if the folder is a link, or other users may enter it."""
    _check(folder, stat.S_ISDIR, 0o700, "a folder")


def check_socket(path: Path) -> None:
    """Raise `UsageError` if the socket is a link, another user's, or open to others."""
    _check(path, stat.S_ISSOCK, 0o600, "a socket")


def _check(path: Path, is_kind: object, mode: int, kind: str) -> None:
    status = path.lstat()
    assert callable(is_kind)
    if not is_kind(status.st_mode):
        why = f"is not {kind}"
    elif status.st_uid != os.geteuid():
        why = "belongs to another user"
    elif stat.S_IMODE(status.st_mode) & ~mode:
        why = f"has the mode {stat.S_IMODE(status.st_mode):04o}, so other users may use it"
    else:
        return
    raise UsageError.of(
        WARM_UNSAFE,
        f"{path} {why}. Others who can use it can use your connections, so none is kept. Remove it:\n    rm -r {path}",
    )


def is_own_peer(connection: socket.socket) -> bool:
    """Whether the process at the other end is one of this user."""
    _, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return bool(uid == os.geteuid())
