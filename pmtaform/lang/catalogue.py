"""The sections and directives of PowerMTA: where each may be, of what type, since when.

The tables are data (`data/directives.json`, `data/sections.json`) that a person can read and correct; every
fact in them names the guide that it comes from. One directive has one `DirectiveSpec` per distinct meaning:
`max-smtp-out` in a domain (per queue) is another thing than in a virtual MTA (in total).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any

GLOBAL = "global"


class Impact(IntEnum):
    """What a change needs to take effect. Ordered: a host's impact is the largest of its changes."""

    NONE = 0
    RELOAD = 1
    RESTART = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, eq=False)
class DirectiveSpec:
    """One meaning of one directive; equal only to itself, so that it is quick to look up by.

    `repeat` is "single", "once" (a second line is an error by the guide) or "accumulates"; `ordered`: the order of its
    lines means something. `key` is "name" or "whole" where each line is a separate entry (`domain-macro NAME …`,
    `include PATH`). `sensitive` is None, "value" or "second" (only what follows the first word is secret).
    `impact_confirmed` is False where the guide is silent and `impact` is our conservative reading. `canonical` names
    the directive that this one is an alias of. `confidence` is "guide", "unclear" (the guide's parts disagree on
    whether it belongs there), "observed" or "memory".
    """

    name: str
    scopes: tuple[str, ...]
    type: str
    enum: tuple[str, ...]
    default: str | None
    format: str | None
    repeat: str
    ordered: bool
    key: str | None
    since: str | None
    until: str | None
    status: str
    replaced_by: str | None
    impact: Impact
    impact_confirmed: bool
    impact_basis: str
    service: str
    clearable: bool
    sensitive: str | None
    aliases: tuple[str, ...]
    canonical: str | None
    summary: str
    notes: str | None
    sources: tuple[str, ...]
    confidence: str

    @property
    def accumulates(self) -> bool:
        """Whether several lines of it add up."""
        return self.repeat == "accumulates"

    @property
    def is_in_guide(self) -> bool:
        """Whether a guide names it, if only in passing."""
        return any("User's Guide" in source for source in self.sources)

    @property
    def types(self) -> tuple[str, ...]:
        """The alternatives of its value type: `bool|enum` is ("bool", "enum")."""
        return tuple(self.type.split("|"))


@dataclass(frozen=True, slots=True, eq=False)
class SectionSpec:
    """One kind of section. `ordered`: its lines are rules, and their order means something.

    `once`: the guide allows one such section in a configuration. `replaced_by` is the section that an old name stands
    for; the same directives belong in both.
    """

    tag: str
    argument: str | None
    argument_required: bool
    parents: tuple[str, ...]
    children: tuple[str, ...]
    ordered: bool
    impact: Impact
    impact_confirmed: bool
    impact_basis: str
    duplicates: str
    precedence: tuple[str, ...]
    special_lines: tuple[str, ...]
    reserved_arguments: Mapping[str, str]
    since: str | None
    status: str
    notes: str | None
    example: str | None
    sources: tuple[str, ...]
    confidence: str
    once: bool = False
    replaced_by: str | None = None


class Catalogue:
    """The tables, indexed. Names are looked up without regard to case (docs/powermta/language.md section 1)."""

    def __init__(self, directives: Iterable[DirectiveSpec], sections: Iterable[SectionSpec]) -> None:
        self.directives = tuple(directives)
        self.sections: Mapping[str, SectionSpec] = {s.tag: s for s in sections}
        self._by_scope: dict[tuple[str, str], DirectiveSpec] = {}
        self._anywhere: dict[str, list[DirectiveSpec]] = {}
        for spec in self.directives:
            self._anywhere.setdefault(spec.name, []).append(spec)
            for scope in spec.scopes:
                if (scope, spec.name) in self._by_scope:
                    raise ValueError(f"catalogue: {spec.name} is in scope {scope} twice")
                self._by_scope[scope, spec.name] = spec
        self._check()

    def _check(self) -> None:
        known = {GLOBAL, *self.sections}
        for spec in self.directives:
            if unknown := set(spec.scopes) - known:
                raise ValueError(f"catalogue: {spec.name} names unknown scopes {sorted(unknown)}")
            if spec.canonical and not any((s, spec.canonical) in self._by_scope for s in spec.scopes):
                raise ValueError(f"catalogue: {spec.name} is an alias of {spec.canonical}, which does not exist")
        for section in self.sections.values():
            if unknown := (set(section.parents) - {"top"} | set(section.children)) - set(self.sections):
                raise ValueError(f"catalogue: <{section.tag}> names unknown sections {sorted(unknown)}")

    def section(self, tag: str) -> SectionSpec | None:
        """The section with this tag, or None."""
        return self.sections.get(tag) or self.sections.get(tag.lower())

    def directive(self, scope: str, name: str) -> DirectiveSpec | None:
        """The meaning of `name` in `scope` ("global" or a section's tag); None when it does not belong there.

        A line that starts with a slash is found under `/REGEX/`, the form of a bounce category rule.
        """
        spec = self._by_scope.get((scope, name))
        if spec is not None:
            return spec
        scope = self._modern_names.get(scope, scope)
        return self._by_scope.get((scope, _key(name)))

    def anywhere(self, name: str) -> tuple[DirectiveSpec, ...]:
        """Every meaning that `name` has in any scope."""
        return tuple(self._anywhere.get(_key(name), ()))

    def canonical(self, scope: str, name: str) -> str:
        """The name under which an alias is compared: lower case, the alias resolved."""
        spec = self.directive(scope, name)
        if spec is None:
            return name.lower() if not name.startswith("/") else name
        return spec.canonical or (spec.name if spec.name != "/REGEX/" else name)

    def names(self, scope: str) -> tuple[str, ...]:
        """All directives that may be in `scope`, in the order of the table."""
        return self._names_by_scope.get(self._modern_names.get(scope, scope), ())

    @cached_property
    def _modern_names(self) -> Mapping[str, str]:
        """The current names of sections by their old names."""
        return {section.tag: section.replaced_by for section in self.sections.values() if section.replaced_by}

    @cached_property
    def _names_by_scope(self) -> dict[str, tuple[str, ...]]:
        grouped: dict[str, list[str]] = {}
        for scope, name in self._by_scope:
            grouped.setdefault(scope, []).append(name)
        return {scope: tuple(names) for scope, names in grouped.items()}

    @cached_property
    def all_names(self) -> frozenset[str]:
        """Every directive's name, in any scope."""
        return frozenset(self._anywhere)

    def may_stand_in(self, tag: str, parent: str | None) -> bool:
        """Whether a section may be in `parent` (None: at top level). Unknown tags may be anywhere."""
        spec = self.section(tag)
        return spec is None or (parent or "top") in spec.parents


def _key(name: str) -> str:
    return "/REGEX/" if name.startswith("/") else name.lower()


def _load(name: str) -> list[dict[str, Any]]:
    # Not importlib.resources, whose import alone costs more than the reading.
    table: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / name).read_bytes())
    for row in table:
        for key, value in row.items():
            if type(value) is list:
                row[key] = tuple(value)
        row["impact"] = Impact[row["impact"].upper()]
    return table


@cache
def catalogue() -> Catalogue:
    """The catalogue that ships with pmtaform, read once."""
    return Catalogue(
        (DirectiveSpec(**row) for row in _load("directives.json")),
        (SectionSpec(**row) for row in _load("sections.json")),
    )
