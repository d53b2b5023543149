"""Registries of named things: our own with one line each, and those of plug-ins through entry points.

A registry holds text until a name is looked up, so a line costs no import. A name of our own never starts the search
for plug-ins. The search does not use `importlib.metadata`, whose import alone takes 80 ms: it reads the entry points of
each installed distribution (5 ms for 70 of them), once for each `sys.path`.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Generic, NoReturn, TypeVar

from pmtaform.diagnostics.codes.project_files import PLUGIN_BROKEN
from pmtaform.errors import PmtaformError

T = TypeVar("T")

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_METADATA: Final = (".dist-info", ".egg-info")


class PlugInBroken(PmtaformError):
    """A plug-in cannot be used; the detail names its distribution."""


@dataclass(frozen=True, slots=True)
class PlugIn:
    """An entry point of an installed distribution: `value` is "module:attribute"."""

    group: str
    name: str
    value: str
    distribution: str  # name and version


class Registry(Generic[T]):
    """The things of one kind, by name.

    `group` is the entry points' group, `noun` the kind in words, `kind` the class of each thing and `own` our own
    things, both as "module:attribute". A plug-in cannot replace a thing of our own.
    """

    def __init__(self, group: str, *, noun: str, kind: str, own: Mapping[str, str]) -> None:
        self.group = group
        self.noun = noun
        self._kind = kind
        self._own = dict(own)
        self._provided: Mapping[str, T] = {}
        self._loaded: dict[str, T] = {}  # of our own: a look-up for each host would import twice

    @contextmanager
    def providing(self, things: Mapping[str, T]) -> Iterator[None]:
        """Add `things` by these names until the end of the block: for tests, and for programs with their own things."""
        before = self._provided
        self._provided = {**before, **things}
        try:
            yield
        finally:
            self._provided = before

    def __contains__(self, name: str) -> bool:
        return (
            name in self._own or name in self._provided or any(plug_in.name == name for plug_in in plug_ins(self.group))
        )

    def __getitem__(self, name: str) -> T:
        """The thing called `name`. Raises `KeyError` where there is none, `PlugInBroken`."""
        if name in self._own:
            if name not in self._loaded:
                self._loaded[name] = self._checked(_attribute(self._own[name]))
            return self._loaded[name]
        if name in self._provided:
            return self._provided[name]
        matches = [plug_in for plug_in in plug_ins(self.group) if plug_in.name == name]
        if not matches:
            raise KeyError(name)
        if len(matches) > 1:
            self._refuse(matches[0], f"{matches[1].distribution} has one of the same name.")
        return self._plug_in(matches[0])

    def names(self) -> tuple[str, ...]:
        """Every name: our own in their order, then those of plug-ins."""
        others = ({plug_in.name for plug_in in plug_ins(self.group)} | self._provided.keys()) - self._own.keys()
        return (*self._own, *sorted(others))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def all(self) -> Iterator[tuple[str, T]]:
        """Every name with its thing. Raises `PlugInBroken`."""
        return ((name, self[name]) for name in self.names())

    def usable(self) -> Iterator[tuple[str, T]]:
        """As `all`, without broken plug-ins: for lists of choices. A broken one is reported where it is used."""
        for name in self.names():
            try:
                yield name, self[name]
            except PlugInBroken:
                continue

    def _plug_in(self, plug_in: PlugIn) -> T:
        if not _NAME.fullmatch(plug_in.name):
            self._refuse(plug_in, "Its name may have small letters, digits and single dashes only.")
        try:
            return self._checked(_attribute(plug_in.value))
        except Exception as problem:
            why = "".join(char for char in str(problem) if char.isprintable())
            self._refuse(plug_in, f"{plug_in.value} cannot be loaded: {type(problem).__name__}: {why}.")

    def _checked(self, thing: Any) -> T:
        kind = _attribute(self._kind)
        if not isinstance(thing, kind):
            raise TypeError(f"it is of type {type(thing).__name__}, not {kind.__name__}")
        return thing  # type: ignore[no-any-return]  # just checked

    def _refuse(self, plug_in: PlugIn, why: str) -> NoReturn:
        detail = (
            f"The {self.noun} {plug_in.name!r} comes from {plug_in.distribution}. {why}\n"
            f"Upgrade that distribution, or remove it:\n    pip uninstall {plug_in.distribution.partition(' ')[0]}"
        )
        raise PlugInBroken.of(PLUGIN_BROKEN, detail)


def plug_ins(group: str) -> tuple[PlugIn, ...]:
    """The entry points of `group` that installed distributions have, in the order of `sys.path`."""
    return tuple(plug_in for plug_in in _plug_ins(tuple(sys.path)) if plug_in.group == group)


@functools.lru_cache(maxsize=4)
def _plug_ins(path: tuple[str, ...]) -> tuple[PlugIn, ...]:
    metadata = [folder for entry in path for folder in _with_groups(entry or ".")]
    if not metadata:
        return ()
    from importlib.metadata import Distribution

    by_name: dict[str, Distribution] = {}
    for folder in metadata:
        distribution = Distribution.at(folder)
        by_name.setdefault(distribution.name.lower(), distribution)  # as for modules, the first in the path counts
    return tuple(
        PlugIn(entry.group, entry.name, entry.value, f"{distribution.name} {distribution.version}")
        for distribution in by_name.values()
        for entry in distribution.entry_points
        if entry.group.startswith("pmtaform.")
    )


def _with_groups(entry: str) -> list[Path]:
    """The metadata folders in `entry` of distributions that have entry points for us."""
    try:
        names = sorted(name for name in os.listdir(entry) if name.endswith(_METADATA))
    except OSError:
        return []  # zip files and folders that do not exist
    return [Path(entry, name) for name in names if _has_group(os.path.join(entry, name, "entry_points.txt"))]


def _has_group(file: str) -> bool:
    try:
        with open(file, "rb") as text:  # a Path for each distribution costs as much as reading it
            return b"[pmtaform." in text.read()
    except OSError:
        return False


def _attribute(value: str) -> Any:
    module, _, attribute = value.partition(":")
    return functools.reduce(getattr, attribute.split("."), import_module(module))
