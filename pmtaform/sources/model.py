"""A configuration that was read, wherever it was, and files that were not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pmtaform.diagnostics import Diagnostic, Place, Severity
from pmtaform.diagnostics.codes.language import INCLUDE_NOT_READ
from pmtaform.lang.blocks import Address, Block
from pmtaform.lang.includes import Configuration

DEFAULTS: Final = "/etc/pmta/config-defaults"
LARGEST: Final = 64 * 1024 * 1024  # bytes of one file, as on a host
MOST_FILES: Final = 20_000

FindFiles = Callable[[Configuration], Iterable[str]]  # the files that a configuration names, beside includes


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that exists and was not read. `why` completes "it was not read: "."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfiguration:
    """A configuration, and how its files are called where it was read.

    `defaults` is the vendor's config-defaults, if it is there. `real` maps PowerMTA's paths to the names that a person
    would open; paths that are not in it are shown as they are. `notes` are about the source as a whole. `unread` are
    the files that exist and were not read, by PowerMTA's path, with the reason.

    `modes` has the permissions of the configuration's own files and of those that it names; None as a value: the file
    does not exist. Only a live host and this machine's own /etc/pmta have them. `version` is PowerMTA's there.

    `is_declared`: it is what a stack declares, without secrets; `declared` are its blocks, each where it was written.
    """

    name: str
    configuration: Configuration
    defaults: Configuration | None = None
    real: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Diagnostic, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    modes: Mapping[str, int | None] | None = None
    version: str | None = None
    is_declared: bool = False
    declared: Mapping[Address, Block] | None = None

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """What could not be followed, each thing once, at the first place that needs it; the notes come first."""
        problems: dict[tuple[str, str], Diagnostic] = {(note.code, note.detail): note for note in self.notes}
        for each in (*self.configuration.diagnostics, *(self.defaults.diagnostics if self.defaults else ())):
            place = None
            if each.place is not None:
                place = replace(each.place, file=self.real.get(each.place.file, each.place.file))
            problems.setdefault((each.code, each.detail), replace(each, severity=Severity.WARNING, place=place))
        return tuple(problems.values())

    def where(self, place: Place) -> str:
        """A place as a person would open it: `hosts/mta1/etc/pmta/config:12`."""
        file = self.real.get(place.file, place.file)
        return file if place.line is None else f"{file}:{place.line}"


def without_defaults(why: str) -> Diagnostic:
    """The note that the vendor's defaults exist and were not read."""
    return INCLUDE_NOT_READ.diagnostic(
        f"{DEFAULTS} exists, but it was not read: {why}. The values that it sets are not known.",
        severity=Severity.WARNING,
    )
