"""Read a configuration from files of this machine: one file, a machine's root, or a copy of /etc/pmta."""

from __future__ import annotations

import errno
import glob
import os
import posixpath
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.command_line import CONFIGURATION_UNREADABLE, FOLDER_WITHOUT_CONFIGURATION
from pmtaform.errors import UsageError
from pmtaform.lang.includes import Configuration, absolute_includes, is_pattern, read_configuration
from pmtaform.reading import read_any, read_regular
from pmtaform.sources.model import (
    DEFAULTS,
    LARGEST,
    MOST_FILES,
    FindFiles,
    LoadedConfiguration,
    Unread,
    without_defaults,
)

CONFIG: Final = "/etc/pmta/config"
_HOME: Final = "/etc/pmta"
_WHY: Final = {
    errno.ENOENT: "it does not exist",
    errno.EISDIR: "it is a folder",
    errno.EINVAL: "it is not a regular file",
    errno.ENXIO: "it is not a regular file",
    errno.EFBIG: "it is larger than 64 MiB",
    errno.EACCES: "permission to read it is missing",
    errno.EPERM: "permission to read it is missing",
    errno.ELOOP: "it is a symbolic link that leads to itself",
}


@dataclass(frozen=True, slots=True)
class Root:
    """The folder of this machine that stands for `stands_for` ("/" or "/etc/pmta") of the configured one."""

    folder: str
    stands_for: str = "/"

    @property
    def is_this_machine(self) -> bool:
        """Whether the configured machine is this one."""
        return self.folder == "/" and self.stands_for == "/"

    def local(self, path: str) -> str | None:
        """The file of this machine for a path of the configured one; None: it lies outside of the folder."""
        path = posixpath.normpath(path)
        if self.stands_for == "/":
            return os.path.join(self.folder, path.lstrip("/"))  # text in, text out
        if not path.startswith(self.stands_for + "/"):
            return None
        return os.path.join(self.folder, path[len(self.stands_for) + 1 :])

    def matching(self, pattern: str) -> list[str]:
        """The paths of the configured machine that an include pattern names. As in a shell, not the hidden ones."""
        local = self.local(pattern)
        if local is None:
            return []
        base = os.path.join(self.folder, "")  # ends with a slash
        names = glob.glob(glob.escape(base) + local[len(base) :])  # patterns are the product's
        top = self.stands_for.rstrip("/") + "/"
        return sorted(top + name[len(base) :] for name in names if not Path(name).is_dir())


@dataclass(frozen=True, slots=True)
class Located:
    """Where a configuration is: its root, and its main file by PowerMTA's path and on this machine.

    `is_named`: the operator named the main file itself, not its folder.
    """

    root: Root
    main: str
    file: str
    is_named: bool


def locate(path: Path) -> Located:
    """Where the configuration in `path` is. Raises `UsageError` for a folder without one."""
    if not path.is_dir():
        return _located(str(path), is_named=True)
    if (path / "etc/pmta/config").exists():
        return Located(Root(str(path)), CONFIG, str(path / "etc/pmta/config"), is_named=False)
    if (path / "config").exists():
        return _located(str(path / "config"), is_named=False)
    raise UsageError.of(
        FOLDER_WITHOUT_CONFIGURATION,
        f"{path} has neither etc/pmta/config (a machine's root) nor config (its /etc/pmta). Name the file itself.",
        place=Place(str(path)),
    )


def _located(file: str, *, is_named: bool) -> Located:
    """A main file: as part of a machine's root where it lies below etc/pmta, else its folder is /etc/pmta."""
    absolute = os.path.abspath(file)  # links are not resolved
    at = absolute.find(_HOME + "/")
    if at < 0:
        folder = os.path.dirname(file)  # text in, text out; "" is the current folder
        return Located(Root(folder, _HOME), f"{_HOME}/{Path(file).name}", file, is_named)
    shown = file[: len(file) - len(absolute) + at] if file.endswith(absolute[at:]) else absolute[:at]
    return Located(Root("/" if at == 0 else shown), absolute[at:], file, is_named)


class FolderReader:
    """Reads files by PowerMTA's paths; which ones, the policy of this package says."""

    def __init__(self, at: Located, main: str | None = None) -> None:
        self._at = at
        self._main = main or at.main
        self.contents: dict[str, bytes] = {}
        self.patterns: dict[str, list[str]] = {}
        self.unread: dict[str, str] = {}

    def real(self, path: str) -> str:
        """Where the file that PowerMTA calls `path` is on this machine."""
        return self._at.file if path == self._main else self._at.root.local(path) or path

    def content(self, path: str) -> bytes | Unread | None:
        """The content of a file; None: it does not exist here."""
        local = self._at.root.local(path)
        if local is None:
            return None
        if not self._is_inside(local):
            return Unread(f"it leads out of {self._at.root.folder or 'the current folder'}")
        try:
            return read_regular(Path(local), LARGEST)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as problem:
            return Unread(_why(problem))

    def read(self, main: str) -> Configuration:
        """The configuration that starts in `main`. Raises `UsageError` when that cannot be read."""
        self.load(main)
        return read_configuration(main, self.contents, self.patterns, self.unread)

    def load(self, main: str) -> None:
        """Put the contents of the configuration that starts in `main` into `contents`. Raises as `read`."""
        if main not in self.contents:
            self.contents[main] = self._required(main)
        pending = list(self._included(main))
        while pending:
            path = pending.pop()
            if path not in self.contents and path not in self.unread and self.has(path):
                pending += self._included(path)

    def has(self, path: str) -> bool:
        """Whether a file exists and was read; where it exists only, the reason is in `unread`."""
        if path not in self.contents and (content := self._optional(path)) is not None:
            self.contents[path] = content
        return path in self.contents

    def modes(self, paths: Iterable[str]) -> dict[str, int | None]:
        """The permissions of files, as far as they can be seen; None: the file does not exist."""
        modes: dict[str, int | None] = {}
        for path in paths:
            try:
                modes[path] = stat.S_IMODE(Path(self.real(path)).stat().st_mode)
            except FileNotFoundError:
                modes[path] = None
            except (OSError, ValueError):
                continue  # nothing is known of a file that this user may not look at
        return modes

    def _is_inside(self, local: str) -> bool:
        root = self._at.root
        base = os.path.realpath(root.folder)
        return root.is_this_machine or Path(os.path.realpath(local)).is_relative_to(base)

    def _required(self, main: str) -> bytes:
        if self._at.is_named:
            return read_named(Path(self._at.file))
        content = self.content(main)
        if isinstance(content, bytes):
            return content
        raise _main_not_read(self._at.file, content.why if content is not None else "it does not exist")

    def _optional(self, path: str) -> bytes | None:
        if len(self.contents) >= MOST_FILES:
            content: bytes | Unread | None = Unread(f"the configuration has more than {MOST_FILES} files")
        else:
            content = self.content(path)
        if isinstance(content, Unread):
            self.unread[path] = content.why
            return None
        return content

    def _included(self, path: str) -> Iterable[str]:
        for argument in absolute_includes(path, self.contents[path]):
            if not is_pattern(argument):
                yield argument
                continue
            self.patterns[argument] = self._at.root.matching(argument)
            yield from self.patterns[argument]


def read_named(path: Path) -> bytes:
    """The content of a file that the operator named; it may be a pipe. Raises `UsageError`."""
    try:
        return read_any(path, LARGEST)
    except (OSError, ValueError) as problem:
        raise _main_not_read(str(path), _why(problem)) from None


def _main_not_read(file: str, why: str) -> UsageError:
    detail = f"{why[:1].upper()}{why[1:]}."
    return UsageError.of(CONFIGURATION_UNREADABLE, detail, place=Place(file))


def _why(problem: OSError | ValueError) -> str:
    """Why a file was not read; a `ValueError` is about a NUL in its name."""
    if isinstance(problem, OSError):
        return _WHY.get(problem.errno or 0, problem.strerror or str(problem))
    return str(problem)


def read_path(path: Path, named: FindFiles | None = None) -> LoadedConfiguration:
    """The configuration in a file or a folder. Raises `UsageError`.

    `named` finds the files that it names, whose permissions count if the configuration is this machine's own.
    """
    at = locate(path)
    reader = FolderReader(at)
    configuration = reader.read(at.main)
    unread = dict(reader.unread)
    defaults = reader.read(DEFAULTS) if at.main != DEFAULTS and reader.has(DEFAULTS) else None
    why = reader.unread.get(DEFAULTS) if DEFAULTS not in unread else None
    modes = None
    if named is not None and at.root.is_this_machine:
        modes = reader.modes(dict.fromkeys((*named(configuration), *configuration.trees)))
    return LoadedConfiguration(
        name=str(path),
        configuration=configuration,
        defaults=defaults,
        real={known: reader.real(known) for known in reader.contents},
        notes=(without_defaults(why),) if why else (),
        unread=unread,
        modes=modes,
    )
