"""Everything that the catalogue knows of a directive or a section, as data.

Nothing comes from memory: a fact is in the tables in `data/`, or the text states that the guide does not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.command_line import NOT_IN_SCOPE, UNKNOWN_NAME
from pmtaform.lang.catalogue import GLOBAL, DirectiveSpec, SectionSpec, catalogue
from pmtaform.lang.explain.kinds import in_words
from pmtaform.lang.explain.mistakes import Mistake, invention, mistakes_about
from pmtaform.lang.explain.relations import Related, related_to_directive, related_to_section
from pmtaform.lang.suggest import remedy, section_remedy

_CONFIDENCE: Final = {
    "guide": "PowerMTA's guide",
    "unclear": "PowerMTA's guide, which contradicts itself on whether it belongs there",
    "observed": "public configurations; the 5.0 guide does not have it",
    "memory": "recollection of older manuals, not verified",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact. `basis` is its source when that is not among the explanation's sources."""

    label: str
    text: str
    basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """One meaning of a directive, or what a section is. `scopes` are the sections that it may be in."""

    title: str
    summary: str
    scopes: tuple[str, ...]
    facts: tuple[Fact, ...]
    notes: str = ""
    example: str = ""
    directives: tuple[str, ...] = ()  # of a section: what may be in it
    basis: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What is known of a name."""

    name: str
    meanings: tuple[Meaning, ...]
    related: tuple[Related, ...] = ()
    mistakes: tuple[Mistake, ...] = ()


def explain(name: str, scope: str | None = None) -> Explanation | None:
    """What is known of a directive or, as `<name>` or where no directive has the name too, of a section.

    `scope` is "global" or a section's tag: only what the directive means there. None when there is nothing.
    """
    word = name.strip()
    bare = word.strip("<>/ ").split(None, 1)[0] if word.strip("<>/ ") else ""
    known = catalogue()
    wanted = _scope(scope)
    specs = () if word.startswith("<") else known.anywhere(word if word.startswith("/") else bare)
    specs = tuple(spec for spec in specs if wanted is None or wanted in spec.scopes)
    section = known.section(bare) if bare and (wanted is None or wanted in known.sections) else None
    if section is not None and wanted is not None and wanted not in section.parents:
        section = None
    if not specs and section is None:
        return None
    meanings = [_directive(spec) for spec in specs]
    related: list[Related] = [relation for spec in specs for relation in related_to_directive(spec)]
    if section is not None:
        meanings.append(_section(section))
        related += related_to_section(section)
    title = specs[0].name if specs else f"<{section.tag}>" if section else bare
    unique = {relation.name: relation for relation in reversed(related) if relation.name != title}
    return Explanation(
        name=title,
        meanings=tuple(meanings),
        related=tuple(reversed(unique.values())),
        mistakes=tuple(mistakes_about(title.strip("<>"))),
    )


def _scope(scope: str | None) -> str | None:
    if scope is None:
        return None
    text = scope.strip("<> ").lower()
    return GLOBAL if text in ("", "top", "top level", GLOBAL) else text


def unknown(name: str, scope: str | None = None) -> Diagnostic:
    """Why there is nothing to explain: a known invention, another scope, a misspelling, or none of these."""
    word = name.strip().strip("<>/ ") or name.strip()
    known = catalogue()
    elsewhere = known.anywhere(word)
    if scope is not None and elsewhere:
        places = sorted({where(scope_name) for spec in elsewhere for scope_name in spec.scopes})
        detail = f"{word} does not belong {where(_scope(scope) or GLOBAL)}; it belongs {', '.join(places)}."
        return NOT_IN_SCOPE.diagnostic(detail)
    invented = invention(word)
    if invented is not None:
        detail = f"PowerMTA has no {word}, although tutorials use it. {invented.remedy}"
    else:
        instead = remedy(word, _scope(scope)) or section_remedy(word)
        detail = f'Neither 5.0 guide has "{word}".' + (f" {instead}" if instead else "")
    return UNKNOWN_NAME.diagnostic(detail)


def where(scope: str) -> str:
    """A scope in words."""
    return "at top level" if scope in (GLOBAL, "top") else f"in <{scope}>"


# -- directives --------------------------------------------------------------------------------------------------------


def _directive(spec: DirectiveSpec) -> Meaning:
    return Meaning(
        title=f"{spec.name}, {_list(where(scope) for scope in spec.scopes)}",
        summary=spec.summary,
        scopes=spec.scopes,
        facts=tuple(_facts(spec)),
        notes=spec.notes or "",
        basis=_CONFIDENCE.get(spec.confidence, spec.confidence),
        sources=spec.sources,
    )


def _facts(spec: DirectiveSpec) -> Iterator[Fact]:
    kind = in_words(spec)
    yield Fact("takes", kind.text, kind.basis)
    if spec.format:
        yield Fact("form", spec.format)
    if kind.examples:
        yield Fact("examples", "; ".join(f"{spec.name} {example}" for example in kind.examples))
    yield Fact("default", spec.default if spec.default is not None else "none is documented")
    yield Fact("stands", f"{_list(where(scope) for scope in spec.scopes)}")
    yield Fact("repeated", _repeated(spec))
    if spec.clearable:
        yield Fact("emptied", f'{spec.name} "" clears what would be inherited')
    yield from _history(spec)
    impact = f"{'a' if str(spec.impact) == 'reload' else 'a full'} {spec.impact}" if spec.impact else "nothing"
    if spec.service != "pmta":
        impact += f" of {spec.service}"
    unsure = (
        "" if spec.impact_confirmed else "; the guide does not state it for this directive, this is the careful reading"
    )
    yield Fact("takes effect by", impact + unsure, spec.impact_basis)
    if spec.canonical:
        yield Fact("alias of", spec.canonical)
    elif spec.aliases:
        yield Fact("also spelt", ", ".join(spec.aliases))
    if spec.sensitive:
        what = "what follows the first word" if spec.sensitive == "second" else "the value"
        yield Fact("secret", f"{what} is never shown; a stack holds a reference to it")


def _repeated(spec: DirectiveSpec) -> str:
    if spec.key == "name":
        return "each line is a separate entry, identified by its first word"
    if spec.repeat == "once":
        return "at most once; a second line is an error"
    if not spec.accumulates:
        return "one line; the effect of a second one is not documented (the last is assumed to win)"
    return "lines add up, and their order means something" if spec.ordered else "lines add up, in any order"


def _history(spec: DirectiveSpec) -> Iterator[Fact]:
    if spec.since:
        yield Fact("since", spec.since)
    if spec.until:
        yield Fact("until", spec.until)
    if spec.status != "current":
        instead = f"; use {spec.replaced_by}" if spec.replaced_by else ""
        yield Fact("status", spec.status + instead)
    elif spec.replaced_by:
        yield Fact("better", spec.replaced_by)


# -- sections ----------------------------------------------------------------------------------------------------------


def _section(spec: SectionSpec) -> Meaning:
    known = catalogue()
    places = _list(where(parent) for parent in spec.parents)
    return Meaning(
        title=f"<{spec.tag}>, a section {places}",
        summary=f"<{spec.tag}{' ' + spec.argument if spec.argument else ''}> … </{spec.tag}>",
        scopes=tuple(GLOBAL if parent == "top" else parent for parent in spec.parents),
        facts=tuple(_section_facts(spec)),
        notes=spec.notes or "",
        example=spec.example or "",
        directives=known.names(spec.tag),
        basis=_CONFIDENCE.get(spec.confidence, spec.confidence),
        sources=spec.sources,
    )


def _section_facts(spec: SectionSpec) -> Iterator[Fact]:
    if spec.argument is None:
        yield Fact("argument", "none")
    else:
        yield Fact("argument", spec.argument + ("" if spec.argument_required else " (may be left out)"))
    for text, meaning in spec.reserved_arguments.items():
        yield Fact(f"<{spec.tag} {text}>", meaning)
    yield Fact("stands", _list(where(parent) for parent in spec.parents))
    if spec.children:
        yield Fact("may hold", _list(f"<{child}>" for child in spec.children))
    for line in spec.special_lines:
        yield Fact("lines", line)
    yield Fact(
        "order of its lines", "means something" if spec.ordered else "means nothing, except for ordered directives"
    )
    for rule in spec.precedence:
        yield Fact("precedence", rule)
    yield Fact("repeated", spec.duplicates)
    if spec.since:
        yield Fact("since", spec.since)
    if spec.status != "current":
        yield Fact("status", spec.status)
    unsure = "" if spec.impact_confirmed else "; the guide does not state it, this is the careful reading"
    yield Fact("takes effect by", f"a {spec.impact}{unsure}", spec.impact_basis)


def _list(items: Iterable[str]) -> str:
    listed = list(items)
    return ", ".join(listed[:-1]) + " and " + listed[-1] if len(listed) > 1 else "".join(listed)
