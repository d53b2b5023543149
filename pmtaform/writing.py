"""Write files atomically: on disk before they have their name, and readable by their owner only from the start.

Everything here raises `OSError`; callers report which file was not written, and what that means.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

TEMPORARY: Final = ".tmp"
_MODE: Final = 0o600
_GATHERED: Final = 256 * 1024  # bytes


def replace_file(path: Path, content: bytes | Iterable[bytes], *, like: os.stat_result | None = None) -> None:
    """Give `path` the new `content`, durably when this returns; the old file stays whole if anything fails.

    Content in pieces is written as they come, so that a large file is not in memory as a whole.

    Its mode is 0600; with `like`, mode and owner are those (the owner only as root, who alone may give files away).
    """
    with _temporary(path, content, like) as temporary:
        temporary.replace(path)
        sync_folder(path.parent)


def create_file(path: Path, content: bytes) -> bool:
    """Make `path` with `content`, mode 0600, unless there is one already; return whether it was made."""
    with _temporary(path, content, None) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:
            if not _create_in_place(path, content, None):  # a file system without hard links
                return False
        sync_folder(path.parent)
        return True


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of `content`, however many calls it takes."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_folder(folder: Path) -> None:
    """Put the names in `folder` on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces joined to ones of some size: a call of the system for each of 10,000 small ones costs 10 ms."""
    gathered, size = [], 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size > _GATHERED:
            yield b"".join(gathered)
            gathered, size = [], 0
    yield b"".join(gathered)


@contextmanager
def _temporary(path: Path, content: bytes | Iterable[bytes], like: os.stat_result | None) -> Iterator[Path]:
    """A file beside `path` with `content`, safe on the disk; removed afterwards unless it was renamed."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}{TEMPORARY}")
    try:
        _create_in_place(temporary, content, like)
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _create_in_place(path: Path, content: bytes | Iterable[bytes], like: os.stat_result | None) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    except FileExistsError:
        return False
    try:
        for piece in (content,) if isinstance(content, bytes) else _gathered(content):
            write_all(descriptor, piece)
        if like is not None:
            if os.geteuid() == 0:
                os.fchown(descriptor, like.st_uid, like.st_gid)
            os.fchmod(descriptor, like.st_mode & 0o7777)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True
