"""Read a file of this machine within limits: a FIFO blocks a reader for ever, a device never ends."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

LARGEST: Final = 256 * 1024 * 1024  # bytes; far above any state, plan or configuration


def read_regular(path: Path, most: int = LARGEST) -> bytes:
    """The content of a regular file, links followed.

    Raises `OSError`, also for anything that is not a regular file and for one of more than `most` bytes; its
    `strerror` has the reason.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        return _bounded(file.read(most + 1), most, path)


def read_any(path: Path, most: int = LARGEST) -> bytes:
    """As `read_regular`, for a file that the operator has named: it may be a pipe (`<(command)`), not a device."""
    mode = path.stat().st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise OSError(errno.EINVAL, "Not a regular file or a pipe", str(path))
    with path.open("rb") as file:
        return _bounded(file.read(most + 1), most, path)


def _bounded(content: bytes, most: int, path: Path) -> bytes:
    if len(content) > most:
        raise OSError(errno.EFBIG, f"Larger than {most // (1024 * 1024)} MB", str(path))
    return content
