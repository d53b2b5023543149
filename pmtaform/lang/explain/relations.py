"""Which directives and sections belong together, as far as names, values and notes of the catalogue tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from pmtaform.lang.catalogue import Catalogue, DirectiveSpec, SectionSpec, catalogue

_MOST_FAMILY: Final = 12
_VERBS: Final = frozenset({"add", "allow", "default", "ignore", "max", "no", "process", "remove", "use"})  # no families
_WORD: Final = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)+|[a-z]{4,}")
# A prefix that makes another directive of the same thing, and what it is then.
_PREFIXES: Final = {
    "backoff-": "used instead of {} in back-off mode",
    "source-ip-": "{} for each local address",
    "second-": "{} for a second signature",
    "total-": "{} for the whole server",
}


@dataclass(frozen=True, slots=True)
class Related:
    """Another directive or section (`<tag>`), and what it has to do with the one in question."""

    name: str
    why: str


def related_to_directive(spec: DirectiveSpec) -> Iterator[Related]:
    """What belongs to a directive, the nearest first."""
    known = catalogue()
    name = spec.name
    for alias in (*spec.aliases, *([spec.canonical] if spec.canonical else ())):
        yield Related(alias, "another name for it")
    for other in known.directives:
        if other.replaced_by and name in _words(other.replaced_by):
            yield Related(other.name, f"{other.status}: replaced by {name}")
    if spec.replaced_by:
        for word in _words(spec.replaced_by):
            if word in known.all_names:
                yield Related(word, "replaces it")
    yield from _prefixed(name, known)
    if tag := _section_named_by(spec, known):
        yield Related(f"<{tag}>", "the section that it names")
    for word in _words(f"{spec.notes or ''} {spec.summary} {spec.default or ''}"):
        if word != name and word in known.all_names and ("-" in word or word in _scope_names(spec, known)):
            yield Related(word, "mentioned in its description")
    for other_name in _mentions().get(name, ()):
        yield Related(other_name, "mentions it")
    yield from _family(spec, known)


def related_to_section(spec: SectionSpec) -> Iterator[Related]:
    """What belongs to a section: the directives that name it, and the sections around and inside it."""
    known = catalogue()
    for directive in known.directives:
        if _section_named_by(directive, known) == spec.tag:
            yield Related(directive.name, f"names a <{spec.tag}>")
    for parent in spec.parents:
        if parent not in ("top", spec.tag):
            yield Related(f"<{parent}>", "may hold it")
    for child in spec.children:
        if child != spec.tag:
            yield Related(f"<{child}>", "may be in it")


def _prefixed(name: str, known: Catalogue) -> Iterator[Related]:
    for prefix, why in _PREFIXES.items():
        if prefix + name in known.all_names:
            yield Related(prefix + name, why.format(name))
        bare = name.removeprefix(prefix)
        if bare != name and bare in known.all_names:
            yield Related(bare, f"{name} is {why.format(bare)}")


def _section_named_by(spec: DirectiveSpec, known: Catalogue) -> str | None:
    """The section whose name a directive takes: the longest tag that its own name ends with."""
    if "name-ref" not in spec.types:
        return None
    tags = [tag for tag in known.sections if spec.name == tag or spec.name.endswith("-" + tag)]
    return max(tags, key=len, default=None)


def _family(spec: DirectiveSpec, known: Catalogue) -> Iterator[Related]:
    """Directives of the same sections whose names start alike; none where too many do."""
    first = spec.name.split("-", 1)[0]
    same = [name for name in _scope_names(spec, known) if name.startswith(first + "-") and name != spec.name]
    if 0 < len(same) <= _MOST_FAMILY and "-" in spec.name and first not in _VERBS:
        for name in same:
            yield Related(name, f"also begins with {first}-")


def _scope_names(spec: DirectiveSpec, known: Catalogue) -> list[str]:
    return list(dict.fromkeys(name for scope in spec.scopes for name in known.names(scope)))


@cache
def _mentions() -> dict[str, tuple[str, ...]]:
    """By directive, those whose description mentions it."""
    known = catalogue()
    by_name: dict[str, dict[str, None]] = {}
    for spec in known.directives:
        for word in _words(f"{spec.notes or ''} {spec.summary} {spec.default or ''}"):
            if "-" in word and word in known.all_names and word != spec.name:
                by_name.setdefault(word, {})[spec.name] = None
    return {name: tuple(others) for name, others in by_name.items()}


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(_WORD.findall(text.lower())))
