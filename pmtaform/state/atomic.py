"""Files that are there whole or not at all: 0600 from their first moment, on the disk before they have their name."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.state import STATE_NOT_WRITTEN
from pmtaform.errors import PmtaformError
from pmtaform.reading import read_regular

_MODE = 0o600
_TEMPORARY = ".tmp"


def ensure_folder(folder: Path) -> None:
    """Make `folder`, for its owner only, if it is not there."""
    with writing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Give `path` the new `content`. Whatever fails on the way, the old file is still there, whole.

    Raises `PmtaformError` (code `state-not-written`).
    """
    with writing(path), _temporary(path, content) as temporary:
        temporary.replace(path)
        _sync_folder(path.parent)


def create_file(path: Path, content: bytes) -> bool:
    """Make `path` with `content`, unless there is one already; whether it was made. Nobody sees half of it."""
    with writing(path), _temporary(path, content) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:
            if not _create_in_place(path, content):  # a file system without hard links
                return False
        _sync_folder(path.parent)
        return True


def copy_file(source: Path, target: Path) -> None:
    """Make `target` what `source` is now."""
    with writing(target):
        content = read_regular(source)
    replace_file(target, content)


def sweep(path: Path) -> None:
    """Take away what killed processes left of `path`. Only for who holds the lock."""
    for leftover in path.parent.glob(f".{glob_escape(path.name)}.*{_TEMPORARY}"):
        with suppress(OSError):
            leftover.unlink()


def glob_escape(name: str) -> str:
    """`name` as a pattern that means itself."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns every OSError within into a told one."""
    try:
        yield
    except OSError as problem:
        not_written(path, problem)


def not_written(path: Path, problem: OSError) -> NoReturn:
    """Say that `path` could not be written, and that nothing is lost by it."""
    reason = (problem.strerror or type(problem).__name__).lower()
    detail = (
        f"{path}: {reason}. What was there before is there still, whole. Make room, or give {path.parent} back its "
        "permissions, and run `pmtaform plan`: it sees by the hosts themselves what was done and was not noted here."
    )
    raise PmtaformError.of(STATE_NOT_WRITTEN, detail, place=Place(str(path)))


@contextmanager
def _temporary(path: Path, content: bytes) -> Iterator[Path]:
    """A file beside `path` with `content`, safe on the disk; gone afterwards if nobody renamed it."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}{_TEMPORARY}")
    try:
        _create_in_place(temporary, content)
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _create_in_place(path: Path, content: bytes) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    except FileExistsError:
        return False
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of `content`, however many calls it takes."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
