"""Deciding one directive: which line holds, which do not and why, and what is not certain of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import DirectiveSpec, catalogue
from pmtaform.lang.effective.model import Assumption, Overruled, Source, SourceLine, Value
from pmtaform.lang.effective.patterns import Match, PatternKind, Rank
from pmtaform.lang.effective.reading import DOMAIN
from pmtaform.lang.values.text import EMPTY

_LAYERS: Final = {2: "the virtual MTA's own domains", 1: "the pool's domains", 0: "domains at top level"}
_FALLBACK: Final = re.compile(r"value of ([a-z0-9.-]+) if set, else (\S+)")
_FOR_ONE: Final = re.compile(r"(\S+) for (\S+), else (\S+)")
_CONDITION: Final = re.compile(r" (?:when|if|else|for|per) ")


@cache
def specs_of(scope: str) -> Mapping[str, DirectiveSpec]:
    """Every directive of a scope by name, without `include` and aliases."""
    known = catalogue()
    every = {name: known.directive(scope, name) for name in known.names(scope) if name != "include"}
    return {name: spec for name, spec in every.items() if spec is not None and spec.canonical is None}


def winning(name: str, spec: DirectiveSpec | None, matches: Sequence[Match]) -> list[SourceLine]:
    """The lines that decide; `matches` are those that have lines of `name`, the strongest first."""
    top = [match for match in matches if match.key == matches[0].key]
    if spec is None or not spec.accumulates:
        return [top[0].body.lines[name][-1]]
    return without_cleared([line for match in reversed(top) for line in match.body.lines[name]])


def without_cleared(lines: list[SourceLine]) -> list[SourceLine]:
    """A list's lines from the last `""` on: it empties what is before it, and gives way to what follows."""
    for at in range(len(lines) - 1, -1, -1):
        if lines[at].value == EMPTY:
            return lines[at + 1 :] or [lines[at]]
    return lines


def shown_values(lines: Sequence[SourceLine]) -> tuple[str, ...]:
    """The values of deciding lines; none when they empty the directive, or have no value."""
    return tuple(line.value for line in lines if line.value not in ("", EMPTY))


def normal_values(spec: DirectiveSpec | None, lines: Sequence[SourceLine]) -> tuple[str, ...]:
    """The values of deciding lines as compared: equal where PowerMTA sees no difference."""
    normalised = [values.normalise(spec, text) for text in shown_values(lines)]
    return tuple(normalised if spec is None or spec.ordered else sorted(normalised))


def decide(name: str, spec: DirectiveSpec | None, every: Sequence[Match]) -> Value | None:
    """What `name` is by the sections of `every`, the strongest first; None when none of them sets it."""
    matches = [match for match in every if name in match.body.lines]
    if not matches:
        return None
    lines = winning(name, spec, matches)
    overruled = list(_overruled(name, matches, lines))
    assumptions = dict.fromkeys(_assumptions(name, spec, every, matches, lines))
    return Value(
        name=name,
        spec=spec,
        values=shown_values(lines),
        lines=tuple(lines),
        overruled=tuple(overruled),
        assumptions=tuple(assumptions),
    )


# -- what gave way -----------------------------------------------------------------------------------------------------


def _overruled(name: str, matches: Sequence[Match], lines: Sequence[SourceLine]) -> Iterator[Overruled]:
    held = {id(line) for line in lines}
    winner = matches[0]
    for match in matches:
        for line in reversed(match.body.lines[name]):
            if id(line) not in held:
                yield Overruled(line, _why(winner, match))


def _why(winner: Match, loser: Match) -> str:
    if winner.body is loser.body:
        return "a later line of the same section"
    if winner.layer != loser.layer:
        return f"{_LAYERS[winner.layer]} have precedence over {_LAYERS[loser.layer]}"
    if winner.rank == loser.rank:
        return "a later section for the same domain"
    if winner.rank[:3] == loser.rank[:3]:
        return "a domain that is written out has precedence over the same domain from a macro"
    return f"{winner.pattern} is more specific than {loser.pattern}"


# -- what is not certain -----------------------------------------------------------------------------------------------


def _assumptions(
    name: str, spec: DirectiveSpec | None, every: Sequence[Match], matches: Sequence[Match], lines: Sequence[SourceLine]
) -> Iterator[Assumption]:
    winner = matches[0]
    if spec is None:
        yield Assumption.UNKNOWN_DIRECTIVE
    elif any(values.problem(spec, line.value) for line in lines if line.value != EMPTY):
        yield Assumption.DOUBTFUL_VALUE
    if spec is not None and not spec.clearable and all(line.value == EMPTY for line in lines):
        yield Assumption.CLEARED
    if winner.rank.kind is PatternKind.LOCAL:
        yield Assumption.LOCAL_NAMES
    single = spec is None or not spec.accumulates
    if single and len({_normal(spec, line) for line in winner.body.lines[name]}) > 1:
        yield Assumption.REPEATED_LINE
    if not winner.rank.literal and any(_writes_out(match, winner) for match in every):
        yield Assumption.MACRO_REST
    spellings = {_normal(spec, line) for line in lines}
    for match in every:
        if match.body is winner.body:
            continue
        sets = name in match.body.lines
        differs = sets and {_normal(spec, line) for line in match.body.lines[name]} != spellings
        if match.key == winner.key:
            if differs or not sets:
                yield _tie(winner, match)
        elif differs:
            yield from _against(winner, match, single=single)


def _writes_out(match: Match, winner: Match) -> bool:
    """Whether a section writes out the name for which the winner comes from a macro."""
    return match.rank.literal and match.layer == winner.layer and match.rank[:3] == winner.rank[:3]


def _tie(winner: Match, other: Match) -> Assumption:
    if winner.body.vendor != other.body.vendor:
        return Assumption.VENDOR_DEFAULTS
    if winner.body.owner != other.body.owner:
        return Assumption.SEVERAL_POOLS
    if winner.rank.literal or winner.body.argument == other.body.argument:
        return Assumption.MERGED_SECTIONS
    return Assumption.TWO_MACROS


def _against(winner: Match, loser: Match, *, single: bool) -> Iterator[Assumption]:
    if not single:
        yield Assumption.LIST_REPLACED
    if winner.layer != loser.layer:
        if _closeness(loser.rank) > _closeness(winner.rank):
            yield Assumption.LAYER_OVER_NAME
    elif winner.rank[:2] == loser.rank[:2] and winner.rank.strict != loser.rank.strict:
        yield Assumption.SAME_SUFFIX


def _closeness(rank: Rank) -> tuple[int, int]:
    return rank.kind, rank.length


def _normal(spec: DirectiveSpec | None, line: SourceLine) -> str:
    return values.normalise(spec, line.value)


# -- defaults ----------------------------------------------------------------------------------------------------------


def with_defaults(written: Mapping[str, Value], scope: str, domain: str = "") -> dict[str, Value]:
    """Every directive of a scope in the catalogue's order, then those that the catalogue does not have."""
    known = specs_of(scope)
    result = {
        name: written[name] if name in written else default_of(spec, written, domain) for name, spec in known.items()
    }
    return result | {name: value for name, value in written.items() if name not in known}


def default_of(spec: DirectiveSpec, written: Mapping[str, Value], domain: str = "") -> Value:
    """What a directive is where nothing sets it: the guide's default, which may be another directive's value."""
    text = spec.default
    if text is None:
        return Value(name=spec.name, spec=spec, source=Source.NONE)
    if fallback := _FALLBACK.fullmatch(text):
        other = written.get(fallback[1])
        if other is None:
            return Value(name=spec.name, spec=spec, source=Source.DEFAULT, values=(fallback[2],), words=text)
        return Value(
            name=spec.name,
            spec=spec,
            source=Source.FALLBACK,
            values=other.values,
            lines=other.lines,
            assumptions=other.assumptions,
            words=text,
            via=other.name,
        )
    if match := _FOR_ONE.fullmatch(text):
        value = match[1] if domain == match[2] else match[3]
        return Value(name=spec.name, spec=spec, source=Source.DEFAULT, values=(value,), words=text)
    if " " not in text:
        return Value(name=spec.name, spec=spec, source=Source.DEFAULT, values=(text,))
    first = text.split(None, 1)[0].rstrip(",")
    plain = spec.type not in ("string", "list") and not _CONDITION.search(text) and not values.problem(spec, first)
    doubt = (Assumption.DEFAULT_IN_WORDS,)
    value = (first,) if plain else ()
    return Value(name=spec.name, spec=spec, source=Source.DEFAULT, values=value, words=text, assumptions=doubt)


def fallback_of(spec: DirectiveSpec) -> str:
    """The directive whose value is the default of this one; empty: none."""
    fallback = _FALLBACK.fullmatch(spec.default or "")
    return fallback[1] if fallback else ""


@cache
def falling_back_on(scope: str) -> Mapping[str, tuple[str, ...]]:
    """By directive: those that have its value where nothing sets them."""
    by_fallback: dict[str, tuple[str, ...]] = {}
    for name, spec in specs_of(scope).items():
        if other := fallback_of(spec):
            by_fallback[other] = (*by_fallback.get(other, ()), name)
    return by_fallback


def values_by_name(every: Sequence[Match], names: Iterable[str] | None = None) -> dict[str, Value]:
    """What the sections of `every` decide, for each directive that any of them sets; `names`: of no others."""
    if names is None:
        names = dict.fromkeys(name for match in every for name in match.body.lines)
    known = specs_of(DOMAIN)
    by_name = {name: decide(name, known.get(name), every) for name in names}
    return {name: value for name, value in by_name.items() if value is not None}


def meaning(every: Sequence[Match], names: Collection[str] | None = None) -> dict[str, tuple[str, ...]]:
    """The deciding values alone, in normal form: what a queue does, without who said it. `names`: of no others."""
    known = specs_of(DOMAIN)
    by_name: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(name for match in every for name in match.body.lines):
        if names is None or name in names:
            spec = known.get(name)
            lines = winning(name, spec, [match for match in every if name in match.body.lines])
            normal = [_normal(spec, line) for line in lines]
            by_name[name] = tuple(sorted(normal) if spec is not None and not spec.ordered else normal)
    return by_name
