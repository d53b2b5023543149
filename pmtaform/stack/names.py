"""The meaning of a key under `config`: a directive, a section, or unknown with a suggestion."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pmtaform.diagnostics import Diagnostic, Diagnostics, Place, Severity, did_you_mean
from pmtaform.diagnostics.codes.values import (
    DEPRECATED_DIRECTIVE,
    MISPLACED_DIRECTIVE,
    MISPLACED_SECTION,
    REMOVED_DIRECTIVE,
    TOO_NEW,
    UNKNOWN_DIRECTIVE,
    UNKNOWN_SECTION,
)
from pmtaform.lang.catalogue import GLOBAL, DirectiveSpec, SectionSpec, catalogue
from pmtaform.lang.inventions import inventions
from pmtaform.lang.suggest import remedy

_VERSION: Final = re.compile(r"(\d+)\.(\d+)")
_UNNAMED: Final = re.compile(r"\((?:none|no name) when nested\)")


@dataclass(frozen=True, slots=True)
class NameMeaning:
    """The meanings of a name in one scope. Both None: the catalogue does not have it there."""

    directive: DirectiveSpec | None
    section: SectionSpec | None


@lru_cache(maxsize=8192)
def meaning(scope: str, name: str) -> NameMeaning:
    """The meaning of `name` in `scope`."""
    known = catalogue()
    section = known.section(name)
    if section is not None and not known.may_stand_in(section.tag, None if scope == GLOBAL else scope):
        section = None
    return NameMeaning(known.directive(scope, name), section)


def takes_argument(section: SectionSpec, scope: str) -> bool:
    """Whether a section in `scope` has a name."""
    if section.argument is None:
        return False
    return scope == GLOBAL or not _UNNAMED.search(section.argument)


def where(scope: str) -> str:
    """A scope in words."""
    return "at top level" if scope == GLOBAL else f"in <{scope}>"


def unknown_name(scope: str, name: str, place: Place, *, severity: Severity, section: bool | None = None) -> Diagnostic:
    """The finding for a name that does not belong in `scope`. `section`: whether it was written as one, if known."""
    known = catalogue()
    scopes = sorted({where(s) for spec in known.anywhere(name) for s in spec.scopes}) if section is not True else []
    spec = known.section(name) if section is not False else None
    if spec is not None:
        scopes += sorted(where(GLOBAL if parent == "top" else parent) for parent in spec.parents)
    if scopes:
        misplaced = MISPLACED_DIRECTIVE if spec is None else MISPLACED_SECTION
        detail = f"`{name}` does not belong {where(scope)}: PowerMTA may refuse the file. "
        detail += f"It belongs {_either(list(dict.fromkeys(scopes)))}."
        return misplaced.diagnostic(detail, place, severity=severity)
    kind = "section" if section else "directive"
    if invented := _invented(name, section):
        detail = f"`{name}`: PowerMTA has no such {kind}. {invented}"
    else:
        detail = f"The catalogue knows no `{name}` {where(scope)}: PowerMTA may refuse the file."
        detail += _meant(scope, name, section)
    unknown = UNKNOWN_SECTION if section else UNKNOWN_DIRECTIVE
    return unknown.diagnostic(detail, place, severity=severity)


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _invented(name: str, section: bool | None) -> str:
    """What PowerMTA has instead of an invented word that published configurations repeat; empty for other words."""
    known = inventions()
    tables = (known.section, known.directive) if section else (known.directive, known.section)
    matches = [each for word in (name, name.replace("_", "-")) for table in tables if (each := table(word))]
    return matches[0].remedy if matches else ""


def _meant(scope: str, name: str, section: bool | None) -> str:
    """` Did you mean "x"?`, or nothing."""
    known, word = catalogue(), name.replace("_", "-")
    if section is not True and (hint := remedy(word, scope)):
        return f" {hint}"
    sections = [tag for tag in known.sections if known.may_stand_in(tag, None if scope == GLOBAL else scope)]
    return did_you_mean(word, sections) if section is not False else ""


def version_of(text: str | None) -> tuple[int, int] | None:
    """`5.0`, or `5.0 (present in …)`, as numbers; None when it does not start with a version."""
    match = _VERSION.match(text or "")
    return (int(match[1]), int(match[2])) if match else None


def age_warnings(
    spec: DirectiveSpec | SectionSpec, place: Place, powermta: tuple[int, int] | None, problems: Diagnostics
) -> None:
    """Warn of deprecated names, and of names that the stack's version of PowerMTA does not have yet."""
    name = spec.name if isinstance(spec, DirectiveSpec) else f"<{spec.tag}>"
    if spec.status != "current":
        replaced = spec.replaced_by if isinstance(spec, DirectiveSpec) else None
        instead = f" Write {replaced} instead." if replaced else " Leave it out."
        aged = REMOVED_DIRECTIVE if spec.status.startswith("removed") else DEPRECATED_DIRECTIVE
        problems.report(aged, f"`{name}` is {spec.status}.{instead}", place)
    since = version_of(spec.since)
    if powermta is not None and since is not None and since > powermta:
        detail = (
            f"`{name}` came with {spec.since}, and the stack is for {powermta[0]}.{powermta[1]}: a PowerMTA that does "
        )
        detail += "not know it may refuse the file. Leave it out, or raise `powermta`."
        problems.report(TOO_NEW, detail, place)
