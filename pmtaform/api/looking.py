"""Reading a whole configuration from wherever it is: a file, a folder, a live host, or a stack at some revision.

Nothing is changed anywhere; a live host is only probed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from glob import glob
from pathlib import Path
from typing import Final

from pmtaform.api.restoring import spec_of
from pmtaform.diagnostics import Diagnostic, Place, Severity
from pmtaform.errors import HostError, PmtaformError, UsageError
from pmtaform.host import CONFIG, HostSpec, Known, probe
from pmtaform.lang.blocks import Address, Block
from pmtaform.lang.includes import Configuration, absolute_includes, includes_in, is_pattern, read_configuration
from pmtaform.project import Project
from pmtaform.reading import read_any, read_regular
from pmtaform.stack import Stack

DEFAULTS: Final = "/etc/pmta/config-defaults"
_HOME: Final = "/etc/pmta"


@dataclass(frozen=True, slots=True)
class Looked:
    """A configuration, and how its files are called where it was read.

    `defaults` is the vendor's config-defaults, if it is there. `real` maps PowerMTA's paths to the names that a person
    would open; paths that are not in it are shown as they are. `declared`: it is what a stack says, without secrets;
    `stated` are its blocks then, each where it was written.
    """

    name: str
    configuration: Configuration
    defaults: Configuration | None = None
    real: Mapping[str, str] = field(default_factory=dict)
    declared: bool = False
    stated: Mapping[Address, Block] | None = None

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """What could not be followed, each thing once, at the first place that asks for it."""
        found: dict[tuple[str, str], Diagnostic] = {}
        for each in (*self.configuration.diagnostics, *(self.defaults.diagnostics if self.defaults else ())):
            place = None
            if each.place is not None:
                place = replace(each.place, file=self.real.get(each.place.file, each.place.file))
            found.setdefault((each.code, each.detail), replace(each, severity=Severity.WARNING, place=place))
        return tuple(found.values())

    def where(self, place: Place) -> str:
        """A place as a person would open it: `hosts/mta1/etc/pmta/config:12`."""
        file = self.real.get(place.file, place.file)
        return file if place.line is None else f"{file}:{place.line}"


def look_at(target: str, project: Project | None, stack: str | None = None) -> Looked:
    """What PATH or HOST has. A path that exists is one, unless a stack is named.

    `project` is None outside a project. Raises `UsageError`, `HostError` and `Unreachable`.
    """
    path = Path(target)
    if stack is None and path.exists():
        return look_at_path(path)
    if project is None:
        raise UsageError.of(
            "no-such-configuration",
            "There is no such configuration",
            f'"{target}" is no file and no folder, and no project is here whose host it could be.',
        )
    return look_at_host(project.load(stack), target)


# -- files -------------------------------------------------------------------------------------------------------------


def look_at_path(path: Path) -> Looked:
    """What a file has, or a folder that stands for a machine's root or for /etc/pmta. Raises `UsageError`."""
    main = _main_file(path)
    at_home = main.parent.parent.name == "etc" and main.parent.name == "pmta"
    root = main.parent.parent.parent if at_home else None
    reader = _Reader(main, root)
    configuration = reader.read(CONFIG)
    beside = main.name == "config" and reader.real(DEFAULTS).is_file()
    defaults = reader.read(DEFAULTS) if beside else None
    return Looked(str(path), configuration, defaults, {known: str(reader.real(known)) for known in reader.files})


def _main_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for inside in ("etc/pmta/config", "config"):
        if (path / inside).is_file():
            return path / inside
    raise UsageError.of(
        "no-configuration-there",
        "The folder holds no configuration",
        f"{path} has neither etc/pmta/config (a machine's root) nor config (its /etc/pmta). Name the file itself.",
    )


class _Reader:
    """Reads files by PowerMTA's paths: below a root, or with the main file's folder for /etc/pmta."""

    def __init__(self, main: Path, root: Path | None) -> None:
        self._main = main
        self._root = root
        self.files: dict[str, bytes] = {}
        self.patterns: dict[str, tuple[str, ...]] = {}

    def real(self, path: str) -> Path:
        """Where the file that PowerMTA calls `path` is."""
        if path == CONFIG:
            return self._main
        path = posixpath.normpath(path)
        if self._root is not None:
            return self._root / path.lstrip("/")
        return self._main.parent / posixpath.relpath(path, _HOME) if self._is_home(path) else Path(path)

    def _is_home(self, path: str) -> bool:
        return path.startswith(_HOME + "/")

    def read(self, main: str) -> Configuration:
        """The configuration that begins in `main`. Raises `UsageError` when that cannot be read."""
        pending = [main]
        while pending:
            path = pending.pop()
            if path in self.files:
                continue
            content = self._content(path, wanted=path == main)
            if content is not None:
                self.files[path] = content
                pending += self._included(path, content)
        return read_configuration(main, self.files, self.patterns)

    def _content(self, path: str, *, wanted: bool) -> bytes | None:
        real = self.real(path)
        if not self._may_read(real, path):
            return None
        try:
            return read_any(real) if wanted else read_regular(real)
        except OSError as problem:
            if wanted:
                raise UsageError.of(
                    "configuration-unreadable",
                    "The configuration cannot be read",
                    f"{problem.strerror or problem}.",
                    place=Place(str(real)),
                ) from None
            return None

    def _may_read(self, real: Path, path: str) -> bool:
        """Only what belongs to the configuration that was named: an include leads to no other file of this machine."""
        if path == CONFIG:
            return True
        base = (self._root or self._main.parent).resolve()
        return self._is_this_machine() or real.resolve().is_relative_to(base)

    def _is_this_machine(self) -> bool:
        return self._main.absolute() == Path(CONFIG)

    def _included(self, path: str, content: bytes) -> Iterable[str]:
        for argument in includes_in(path, content):
            if not is_pattern(argument):
                yield argument
                continue
            named = self._matches(argument)
            self.patterns[argument] = named
            yield from named

    def _matches(self, pattern: str) -> tuple[str, ...]:
        folder, _, _ = posixpath.normpath(pattern).partition("*")
        base = posixpath.dirname(folder) if not is_pattern(folder) else ""
        if not base.startswith("/"):
            return ()
        rest = posixpath.relpath(posixpath.normpath(pattern), base)
        # As in a shell, a wildcard names no hidden file; with Path.glob it does.
        found = glob(rest, root_dir=self.real(base + "/x").parent)  # noqa: PTH207
        return tuple(sorted(path for name in found if self.real(path := posixpath.join(base, name)).is_file()))


# -- hosts -------------------------------------------------------------------------------------------------------------


def look_at_host(stack: Stack, host: str) -> Looked:
    """What a live host has now. Raises `UsageError`, `HostError` and `Unreachable`."""
    spec = spec_of(stack, host)
    session = spec.open()
    try:
        known = Known(files={DEFAULTS: None})
        snapshot = probe(session, spec, known, absolute_includes)
    finally:
        session.close()
    _require_readable(spec, snapshot.unreadable)
    files = {path: live.content for path, live in snapshot.files.items() if live.content is not None}
    configuration = read_configuration(spec.config, files, snapshot.patterns)
    defaults = read_configuration(DEFAULTS, files, snapshot.patterns) if DEFAULTS in files else None
    return Looked(host, configuration, defaults)


def _require_readable(spec: HostSpec, reasons: Mapping[str, str]) -> None:
    for path, why in sorted(reasons.items()):
        if path != DEFAULTS:
            raise HostError.of(
                "file-unreadable",
                "A file of the host cannot be used",
                f"{path} is {why}. What holds there cannot be told without it.",
                host=spec.name,
            )


def project_if_any(find: Path | None) -> Project | None:
    """The project that a folder lies in, or None."""
    try:
        return Project.find(find)
    except PmtaformError:
        return None
