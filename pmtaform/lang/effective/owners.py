"""Settings of a virtual MTA: its own, its pool's, the global ones (docs/powermta/language.md sections 5 and 7)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import GLOBAL, DirectiveSpec
from pmtaform.lang.effective.deciding import normal_values, shown_values, specs_of, with_defaults, without_cleared
from pmtaform.lang.effective.model import Assumption, Overruled, SourceLine, Value
from pmtaform.lang.effective.reading import POOL, VMTA, EffectiveReading
from pmtaform.lang.values.text import EMPTY

# The guide states it for these two: keys of the virtual MTA are tried before global ones (3.3.1.33.1), and headers of
# both are added. All else is replaced by the nearer layer.
_ADDS_UP: Final = frozenset({"domain-key", "include-headers-from"})
# The guide states it for this one (3.3.1.16), and is silent on other lists.
_REPLACES: Final = frozenset({"smtp-source-host"})
_ITSELF, _POOL, _TOP = 2, 1, 0
_WHY: Final = {
    _ITSELF: "settings of the virtual MTA have precedence over its pool and the top level",
    _POOL: "settings of the pool have precedence over the top level",
}


@dataclass(frozen=True, slots=True)
class _Group:
    """The lines of one directive in one section. `layer`: 2 the virtual MTA, 1 a pool, 0 the top level."""

    layer: int
    lines: list[SourceLine]


@cache
def _known() -> Mapping[str, DirectiveSpec]:
    known = dict(specs_of(POOL)) | dict(specs_of(VMTA))
    known.pop(VMTA, None)
    return known


def owner_values(reading: EffectiveReading, name: str) -> dict[str, Value]:
    """Every directive of a virtual MTA (or a pool, or `{default}`), with what it is."""
    result = with_defaults(owner_lines(reading, name), VMTA)
    result.pop(VMTA, None)
    return result


def owner_lines(reading: EffectiveReading, name: str, names: Collection[str] | None = None) -> dict[str, Value]:
    """The directives that lines set for a virtual MTA (or a pool, or `{default}`), with what each is.

    `names`: no others are looked at.
    """
    known = _known()
    groups = _groups(reading, name, names)
    return {directive: _decide(directive, known.get(directive), own) for directive, own in groups.items()}


def owner_meaning(
    reading: EffectiveReading, name: str, names: Collection[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """As `owner_lines`, the values alone, in normal form."""
    known = _known()
    return {
        directive: normal_values(spec := known.get(directive), _deciding(directive, spec, own))
        for directive, own in _groups(reading, name, names).items()
    }


def top_names(reading: EffectiveReading) -> tuple[str, ...]:
    """The directives at top level that hold for virtual MTAs too. Asked for each virtual MTA, so worked out once."""
    if reading.for_virtual_mtas is None:
        known = _known().items()
        names = (name for name, spec in known if GLOBAL in spec.scopes and name in reading.lines)
        reading.for_virtual_mtas = tuple(names)
    return reading.for_virtual_mtas


def _groups(reading: EffectiveReading, name: str, names: Collection[str] | None) -> dict[str, list[_Group]]:
    """The lines of each directive by section, the strongest first."""
    groups: dict[str, list[_Group]] = {}
    for layer, lines in _sections(reading, name):
        here: dict[str, _Group] = {}
        for line in lines:
            if names is None or line.name in names:
                here.setdefault(line.name, _Group(layer, [])).lines.append(line)
        for directive, group in here.items():
            groups.setdefault(directive, []).append(group)
    for directive in top_names(reading):
        if names is None or directive in names:
            groups.setdefault(directive, []).append(_Group(_TOP, reading.lines[directive]))
    return groups


def _sections(reading: EffectiveReading, name: str) -> Iterator[tuple[int, list[SourceLine]]]:
    """The lines of each section that counts, the strongest first."""
    owner = reading.virtual_mtas.get(name)
    for lines in reversed(owner.settings if owner else []):
        yield _ITSELF, lines
    pools = [name] if owner is None and name in reading.pools else reading.pools_of.get(name, [])
    for pool in reversed(pools):
        for lines in reversed(reading.pools[pool].settings):
            yield _POOL, lines


def _deciding(name: str, spec: DirectiveSpec | None, groups: list[_Group]) -> list[SourceLine]:
    """The lines that decide; `groups` is not empty, the strongest first."""
    accumulates = spec is not None and spec.accumulates
    if name in _ADDS_UP:
        return [line for group in groups for line in (group.lines if accumulates else group.lines[-1:])]
    if not accumulates:
        return [groups[0].lines[-1]]
    same = [group for group in groups if group.layer == groups[0].layer]
    return without_cleared([line for group in reversed(same) for line in group.lines])


def _decide(name: str, spec: DirectiveSpec | None, groups: list[_Group]) -> Value:
    """`groups` is not empty, the strongest first."""
    lines = _deciding(name, spec, groups)
    if name in _ADDS_UP:
        return _all(name, spec, groups, lines)
    first = groups[0]
    held = {id(line) for line in lines}
    overruled = tuple(
        Overruled(line, _why(first, group))
        for group in groups
        for line in reversed(group.lines)
        if id(line) not in held
    )
    return Value(
        name=name,
        spec=spec,
        values=shown_values(lines),
        lines=tuple(lines),
        overruled=overruled,
        assumptions=tuple(dict.fromkeys(_assumptions(name, spec, groups, lines))),
    )


def _all(name: str, spec: DirectiveSpec | None, groups: list[_Group], lines: list[SourceLine]) -> Value:
    between = len(groups) > 1 and any(group.layer == _POOL for group in groups)
    assumptions = (Assumption.LAYER_ADDS,) if between else ()
    return Value(name=name, spec=spec, values=shown_values(lines), lines=tuple(lines), assumptions=assumptions)


def _why(winner: _Group, loser: _Group) -> str:
    if winner is loser:
        return "a later line of the same section"
    return _WHY[winner.layer] if winner.layer != loser.layer else "a later section"


def _assumptions(
    name: str, spec: DirectiveSpec | None, groups: list[_Group], lines: list[SourceLine]
) -> Iterator[Assumption]:
    first = groups[0]
    normal = _normal(spec, lines)
    if spec is None:
        yield Assumption.UNKNOWN_DIRECTIVE
    elif any(values.problem(spec, line.value) for line in lines if line.value != EMPTY):
        yield Assumption.DOUBTFUL_VALUE
    list_like = spec is not None and spec.accumulates
    if not list_like and any(_normal(spec, [line]) != normal for line in first.lines):
        yield Assumption.REPEATED_LINE
    for group in groups[1:]:
        differs = _normal(spec, group.lines) != normal
        if group.layer == first.layer and differs:
            pools = group.layer == _POOL and group.lines[0].section != first.lines[0].section
            yield Assumption.SEVERAL_POOLS if pools else Assumption.MERGED_SECTIONS
        elif group.layer == _TOP and differs and list_like and name not in _REPLACES:
            yield Assumption.LAYER_REPLACES


def _normal(spec: DirectiveSpec | None, lines: list[SourceLine]) -> list[str]:
    return [values.normalise(spec, line.value) for line in lines]
