"""What is wrong, as data.

A diagnostic's `summary` is short and constant, so that people learn to recognise it; everything particular
(names, values, remedies) is in `detail`. Diagnostics are collected, not raised one by one.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pmtaform.diagnostics.kinds import Kind

if TYPE_CHECKING:
    from pmtaform.diagnostics.definition import Definition


class Severity(StrEnum):
    """How bad it is. Only `ERROR` stops a command."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file. `line` and `column` count from 1; None is "the file as a whole"."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.file]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding. Made from a `Definition`, which has the code, the summary, the kind and the usual severity.

    `code` is a stable kebab-case name (`unknown-directive`); `detail` states what is wrong, why it matters and
    what to do; `related` are further places ("first defined here").
    """

    code: str
    summary: str
    kind: Kind = Kind.FAILED
    detail: str = ""
    severity: Severity = Severity.ERROR
    place: Place | None = None
    host: str | None = None
    address: str | None = None
    related: tuple[Place, ...] = ()

    def at(self, place: Place | None) -> Diagnostic:
        """The same finding, placed at `place` if it had no place."""
        return self if self.place is not None or place is None else replace(self, place=place)

    def is_any_of(self, *definitions: Definition) -> bool:
        """Whether the finding has the code of one of `definitions`."""
        return any(definition.code == self.code for definition in definitions)

    def for_host(self, host: str) -> Diagnostic:
        """The same finding, about `host`."""
        return replace(self, host=host)

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        detail = f": {self.detail}" if self.detail else ""
        return f"{where}{self.severity}: {self.summary}{detail} [{self.code}]"


class Diagnostics:
    """A growing collection of findings, in the order in which they were made.

    `only_errors`: the caller reads no warnings, so what can only warn need not look.
    """

    __slots__ = ("_items", "only_errors")

    def __init__(self, items: Iterable[Diagnostic] = (), *, only_errors: bool = False) -> None:
        self._items: list[Diagnostic] = list(items)
        self.only_errors = only_errors

    def add(self, item: Diagnostic) -> None:
        """Keep one finding."""
        self._items.append(item)

    def extend(self, items: Iterable[Diagnostic]) -> None:
        """Keep several findings."""
        self._items.extend(items)

    def report(
        self,
        definition: Definition,
        detail: str = "",
        place: Place | None = None,
        *,
        related: tuple[Place, ...] = (),
        severity: Severity | None = None,
    ) -> None:
        """Keep a diagnostic of this definition. `severity` overrules the table, which should be rare."""
        self._items.append(definition.diagnostic(detail, place, related=related, severity=severity))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """Those that stop a command."""
        return tuple(d for d in self._items if d.severity is Severity.ERROR)

    @property
    def has_errors(self) -> bool:
        """Whether any finding stops a command."""
        return any(d.severity is Severity.ERROR for d in self._items)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return bool(self._items)


_MOST_NAMES: Final = 20


def some_of(names: Collection[str]) -> str:
    """`a, b, c`; of many, the first 20 and how many more there are."""
    shown = ", ".join(itertools.islice(names, _MOST_NAMES))
    more = len(names) - _MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def did_you_mean(word: str, known: Iterable[str], *, several: int = 1) -> str:
    """` Did you mean "x"?` for the nearest of `known`, or the empty string when none is near."""
    near = difflib.get_close_matches(word.lower(), sorted(set(known)), n=several, cutoff=0.7)
    if not near:
        return ""
    return " Did you mean " + " or ".join(f'"{name}"' for name in near) + "?"
