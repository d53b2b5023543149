"""What a key under `config` is, by the catalogue: a directive, a section, or neither, and then what was meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pmtaform.diagnostics import Diagnostic, Diagnostics, Place, Severity, did_you_mean
from pmtaform.lang.catalogue import GLOBAL, DirectiveSpec, SectionSpec, catalogue

_VERSION: Final = re.compile(r"(\d+)\.(\d+)")
_UNNAMED: Final = re.compile(r"\((?:none|no name) when nested\)")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one name may be in one scope. Both None: nothing that the catalogue knows there."""

    directive: DirectiveSpec | None
    section: SectionSpec | None


@lru_cache(maxsize=8192)
def meaning(scope: str, name: str) -> Meaning:
    """What `name` means in `scope`."""
    known = catalogue()
    section = known.section(name)
    if section is not None and not known.may_stand_in(section.tag, None if scope == GLOBAL else scope):
        section = None
    return Meaning(known.directive(scope, name), section)


def takes_argument(section: SectionSpec, scope: str) -> bool:
    """Whether a section has a name when it stands in `scope`."""
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
        return Diagnostic(
            code="misplaced-directive" if spec is None else "misplaced-section",
            summary="It does not belong there",
            detail=f"`{name}` does not stand {where(scope)}: PowerMTA may refuse the file. "
            f"It stands {_either(list(dict.fromkeys(scopes)))}.",
            place=place,
            severity=severity,
        )
    sections = [s for s in known.sections if known.may_stand_in(s, None if scope == GLOBAL else scope)]
    directives = known.names(scope)
    candidates = {True: sections, False: directives, None: [*directives, *sections]}[section]
    hint = did_you_mean(name.replace("_", "-"), candidates) or _elsewhere(name)
    kind = "section" if section else "directive"
    return Diagnostic(
        code=f"unknown-{kind}",
        summary=f"PowerMTA has no such {kind}",
        detail=f"The catalogue knows no `{name}` {where(scope)}: PowerMTA may refuse the file.{hint}",
        place=place,
        severity=severity,
    )


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _elsewhere(name: str) -> str:
    hint = did_you_mean(name.replace("_", "-"), [*catalogue().all_names, *catalogue().sections])
    return f"{hint} (It stands elsewhere.)" if hint else ""


def version_of(text: str | None) -> tuple[int, int] | None:
    """`5.0`, or `5.0 (present in …)`, as numbers; None when it does not begin with a version."""
    found = _VERSION.match(text or "")
    return (int(found[1]), int(found[2])) if found else None


def age_warnings(
    spec: DirectiveSpec | SectionSpec, place: Place, powermta: tuple[int, int] | None, found: Diagnostics
) -> None:
    """Warn of what is going away, and of what the stack's version of PowerMTA does not have yet."""
    name = spec.name if isinstance(spec, DirectiveSpec) else f"<{spec.tag}>"
    if spec.status != "current":
        replaced = spec.replaced_by if isinstance(spec, DirectiveSpec) else None
        instead = f" Write {replaced} instead." if replaced else " Leave it out."
        removed = spec.status.startswith("removed")
        found.warning(
            "removed-directive" if removed else "deprecated-directive",
            "It is not there any more" if removed else "It is outdated",
            f"`{name}` is {spec.status}.{instead}",
            place,
        )
    since = version_of(spec.since)
    if powermta is not None and since is not None and since > powermta:
        detail = (
            f"`{name}` came with {spec.since}, and the stack is for {powermta[0]}.{powermta[1]}: a PowerMTA that does "
        )
        detail += "not know it may refuse the file. Leave it out, or raise `powermta`."
        found.warning("too-new", "It is newer than the stack's PowerMTA", detail, place)
