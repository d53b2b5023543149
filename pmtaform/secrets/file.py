"""`file:PATH`: a file that only its owner may read."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from pmtaform.secrets.provider import MAX_BYTES, ProviderKind, Unresolved, within
from pmtaform.writing import replace_file

_OPEN_TO_OTHERS = 0o066


class FileSecrets:
    """`file:PATH`, relative to `base`; `~/` is the home folder. Refuses what others may read or write."""

    def __init__(self, base: Path) -> None:
        self._base = base

    def fetch(self, name: str, *, deadline: float) -> bytes:
        """The file's content, at most 1 MiB."""
        path = self.path(name)
        try:
            return within(deadline, lambda: _read_private(path))
        except TimeoutError:
            raise _silent(path, deadline) from None

    def holds(self, name: str, *, deadline: float) -> bool:
        """Whether there is anything at that path, readable or not."""
        path = self.path(name)
        try:
            return within(deadline, lambda: os.path.lexists(path))
        except TimeoutError:
            raise _silent(path, deadline) from None

    def store(self, name: str, value: bytes, *, deadline: float) -> None:
        """Write the file atomically, with mode 0600 from its first moment.

        Missing folders are made for their owner only. A symbolic link is followed: its target is replaced.
        """
        path = self.path(name)
        try:
            within(deadline, lambda: _replace(path, value))
        except TimeoutError:
            raise _silent(path, deadline) from None

    def remove(self, name: str, *, deadline: float) -> bool:
        """Delete the file; whether there was one."""
        path = self.path(name)
        try:
            return within(deadline, lambda: _remove(path))
        except TimeoutError:
            raise _silent(path, deadline) from None

    def path(self, name: str) -> Path:
        """The file that `name` means."""
        try:
            return self._base / Path(name).expanduser()
        except RuntimeError:
            raise Unresolved(name, "this user has no home folder", "Write the whole path.") from None


def _silent(path: Path, deadline: float) -> Unresolved:
    why = f"the file system did not answer within {deadline:g} s"
    return Unresolved(str(path), why, "Check whether a network file system is down.")


# -- reading ----


def _read_private(path: Path) -> bytes:
    looked = str(path)
    try:
        # Without O_NONBLOCK a named pipe would hold the open until another process writes.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        fix = "Make the file, or correct the path in the stack." if problem.errno == 2 else ""
        raise Unresolved(looked, os.strerror(problem.errno or 0).lower(), fix) from None
    except ValueError:
        raise Unresolved(looked, "no file can have this name") from None
    try:
        _check_private(looked, os.fstat(descriptor))
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise Unresolved(looked, os.strerror(problem.errno or 0).lower()) from None
    finally:
        os.close(descriptor)
    if len(content) > MAX_BYTES:
        raise Unresolved(looked, "it is larger than 1 MiB, which no key or password is", "Is it the right file?")
    return content


def _check_private(looked: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Unresolved(looked, "it is not a regular file")
    if status.st_mode & _OPEN_TO_OTHERS:
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        why = f"its mode is {mode}: users other than its owner may read or change it, so it is no secret"
        raise Unresolved(looked, why, f"Run: chmod 600 {looked}.")


# -- writing ----


def _replace(path: Path, value: bytes) -> None:
    try:
        target = path.resolve()
        if target.is_dir() or (target.exists() and not target.is_file()):
            raise Unresolved(str(path), "it is not a regular file")
        _make_folder(target.parent)
        replace_file(target, value)
    except OSError as problem:
        _not_written(path, problem)
    except (ValueError, RuntimeError):
        raise Unresolved(str(path), "no file can have this name") from None


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each for its owner only (`mkdir(parents=True)` would use the umask)."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)


def _remove(path: Path) -> bool:
    try:
        if not os.path.lexists(path):
            return False
        if not path.is_symlink() and not path.is_file():
            raise Unresolved(str(path), "it is not a regular file")
        path.unlink()
    except OSError as problem:
        _not_written(path, problem)
    except ValueError:
        raise Unresolved(str(path), "no file can have this name") from None
    return True


def _not_written(path: Path, problem: OSError) -> NoReturn:
    why = f"it could not be written: {os.strerror(problem.errno or 0).lower()}"
    raise Unresolved(str(path), why, "What was there before is there still.") from None


FILE: Final = ProviderKind(
    argument="PATH",
    place="the file",
    open=lambda surroundings: FileSecrets(surroundings.folder),
    is_writable=True,
    is_of_stack=lambda name: not name.startswith(("/", "~")),
)
