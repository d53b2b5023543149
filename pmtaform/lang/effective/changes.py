"""What a change of the configuration does to queues: the pairs whose values differ, and nothing else.

Virtual MTAs that say the same before and say the same after are compared once. Of domains, only those are looked at
that fall under a section that changed; one stands for each class that PowerMTA can tell apart, so nothing is missed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from pmtaform.lang.effective.deciding import specs_of
from pmtaform.lang.effective.model import Value
from pmtaform.lang.effective.patterns import DomainIndex, plain
from pmtaform.lang.effective.reading import VMTA, Body, normal
from pmtaform.lang.effective.settings import Effective
from pmtaform.lang.effective.unseen import moved_includes

MOST_CHANGES: Final = 1000


@dataclass(frozen=True, slots=True)
class _Signature:
    """A section's names, whether they come from a macro, and what it says: its text, or its meaning with includes."""

    names: tuple[str, ...]
    from_macro: bool
    says: object
    body: Body = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ValueMove:
    """One directive whose effective value changes; None: the virtual MTA is not there on that side."""

    name: str
    before: Value | None
    after: Value | None


@dataclass(frozen=True, slots=True)
class PairChange:
    """A domain whose values change, and the virtual MTAs for which they change in the same way.

    `domain` empty: the virtual MTAs' own values change. A wildcard stands for every domain that it covers and that is
    not named more closely.
    """

    domain: str
    vmtas: tuple[str, ...]
    moves: tuple[ValueMove, ...]


def changed_pairs(
    before: Effective,
    after: Effective,
    vmtas: Iterable[str] = ("*",),
    domains: Iterable[str] | None = None,
    *,
    most: int | None = MOST_CHANGES,
) -> list[PairChange]:
    """The pairs whose effective values change, at most `most` (None: all).

    `vmtas` are patterns with `*`; `domains`, if given, are looked at instead of one for each class.
    """
    return list(islice(_changes(before, after, tuple(vmtas), domains), most))


def same_effect(before: Effective, after: Effective) -> bool | None:
    """Whether no queue and no virtual MTA is changed: what holds for domains and virtual MTAs is the same.

    None: that cannot be told, because an include whose contents are not seen is in another place. It says nothing of
    the rest of a configuration (sources, listeners, logs).
    """
    if next(_changes(before, after, ("*",), None), None) is not None:
        return False
    return None if moved_includes(before.configuration, after.configuration) else True


def _changes(
    before: Effective, after: Effective, patterns: tuple[str, ...], domains: Iterable[str] | None
) -> Iterator[PairChange]:
    chosen = [v for v in dict.fromkeys((*before.virtual_mtas(), *after.virtual_mtas())) if _fits(v, patterns)]
    yield from _owner_changes(before, after, chosen)
    sides = _Side(before), _Side(after)
    groups: dict[tuple[object, ...], list[str]] = {}
    for vmta in chosen:
        if before.knows(vmta) and after.knows(vmta):
            groups.setdefault(tuple(side.owned(vmta) for side in sides), []).append(vmta)
    affected = _Affected(*sides)
    for names in groups.values():
        asked = affected.of(names[0]) if domains is None else dict.fromkeys(plain(d) for d in domains)
        for domain in asked:
            if moves := _moves(before, after, domain, names[0]):
                yield PairChange(domain, tuple(names), moves)


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name, re.DOTALL) for pattern in patterns)


def _owner_changes(before: Effective, after: Effective, vmtas: Iterable[str]) -> Iterator[PairChange]:
    """The virtual MTAs that come, go, or say otherwise themselves."""
    groups: dict[tuple[object, ...], list[str]] = {}
    same_top = _top(before) == _top(after)
    for vmta in vmtas:
        if same_top and (texts := _written(before, vmta)) is not None and texts == _written(after, vmta):
            continue
        sides = [frozenset(e.owner_meaning(vmta).items()) if e.knows(vmta) else None for e in (before, after)]
        if sides[0] is None or sides[0] != sides[1]:
            groups.setdefault(tuple(sides), []).append(vmta)
    for names in groups.values():
        yield PairChange("", tuple(names), _own_moves(before, after, names[0]))


def _top(effective: Effective) -> dict[str, list[tuple[str, str]]]:
    """What the top level says of virtual MTAs."""
    lines = effective.reading.lines
    return {name: [normal(line, VMTA) for line in lines[name]] for name in specs_of(VMTA) if name in lines}


def _written(effective: Effective, vmta: str) -> tuple[tuple[str, ...], ...] | None:
    """The text of a virtual MTA and of its pools; None where equal texts may mean different things."""
    reading = effective.reading
    owners = [reading.virtual_mtas.get(vmta), *(reading.pools[pool] for pool in reading.pools_of.get(vmta, ()))]
    texts = [owner.written if owner is not None else () for owner in owners]
    return tuple(text for text in texts if text is not None) if None not in texts else None


def _moves(before: Effective, after: Effective, domain: str, vmta: str) -> tuple[ValueMove, ...]:
    if before.meaning(domain, vmta) == after.meaning(domain, vmta):
        return ()
    return differing(before.settings(domain, vmta).values, after.settings(domain, vmta).values)


def _own_moves(before: Effective, after: Effective, vmta: str) -> tuple[ValueMove, ...]:
    was, now = (e.owner_values(vmta) if e.knows(vmta) else {} for e in (before, after))
    found = differing(was, now)
    return tuple(move for move in found if any(side is not None and side.is_set for side in (move.before, move.after)))


def differing(was: Mapping[str, Value], now: Mapping[str, Value]) -> tuple[ValueMove, ...]:
    """The directives that are another value. A default that a line now says is none."""
    pairs = [(name, was.get(name), now.get(name)) for name in dict.fromkeys((*now, *was))]
    return tuple(
        ValueMove(name, left, right)
        for name, left, right in pairs
        if left is None or right is None or left.normal != right.normal
    )


# -- which domains to look at ------------------------------------------------------------------------------------------


class _Side:
    """One configuration's domain sections in comparable form, each looked at once."""

    def __init__(self, effective: Effective) -> None:
        self.effective = effective
        self._known: dict[int, _Signature] = {}
        self.top = self.of(effective.reading.domains)

    def of(self, bodies: Iterable[Body]) -> tuple[_Signature, ...]:
        """What sections say, in order."""
        return tuple(self._one(body) for body in bodies)

    def _one(self, body: Body) -> _Signature:
        if id(body) not in self._known:
            names = self.effective.names.of(body.argument)
            says = body.written if body.written is not None else body.meaning
            self._known[id(body)] = _Signature(names, "$" in body.argument, says, body)
        return self._known[id(body)]

    def owned(self, vmta: str) -> tuple[tuple[_Signature, ...], ...]:
        """What the virtual MTA's own sections say, and its pools'."""
        reading = self.effective.reading
        own = reading.virtual_mtas.get(vmta)
        pools = [reading.pools[pool] for pool in reading.pools_of.get(vmta, ())]
        return self.of(own.domains if own else ()), self.of(body for pool in pools for body in pool.domains)

    def hides(self, vmta: str) -> set[str]:
        """The directives that a virtual MTA or its pools set for every domain: nothing at top level shows through."""
        layers = [index for layer, index in self.effective.layers(vmta) if layer]
        return {name for index in layers for body in index.every for name in body.lines}


class _Affected:
    """Which domains a change may concern, each class once."""

    def __init__(self, before: _Side, after: _Side) -> None:
        self._sides = before, after
        moved = _moved(before.top, after.top)
        self._top = _names(before.top + after.top, moved)
        self._directives = {name for signature in moved for name in signature.body.lines}
        self._local = before.effective.reading.host_names ^ after.effective.reading.host_names
        self._top |= dict.fromkeys(sorted(self._local))

    def of(self, vmta: str) -> dict[str, None]:
        """The domains to look at for a virtual MTA."""
        before, after = self._sides
        touched = dict(self._top)
        own: dict[str, None] = {}
        for left, right in zip(before.owned(vmta), after.owned(vmta), strict=True):
            own |= _names(left + right, _moved(left, right))
        if not own and not self._local and self._directives <= before.hides(vmta) & after.hides(vmta):
            return {}
        touched |= own
        wild = [name for name in touched if _is_wild(name)]
        names = {name: None for name in touched if not _is_wild(name)}
        if wild:
            index = _wildcards(wild)
            local = before.effective.reading.host_names | after.effective.reading.host_names
            candidates = dict.fromkeys((*before.effective.domains(vmta), *after.effective.domains(vmta)))
            names |= {d: None for d in candidates if any(index.matches(d, 0, is_local=d in local))}
        return names


def _moved(left: tuple[_Signature, ...], right: tuple[_Signature, ...]) -> set[_Signature]:
    """The sections that differ, or that do not stand where they stood among the others."""
    if left == right:
        return set()
    here, there = Counter(left), Counter(right)
    common = here & there
    pairs = zip((s for s in left if s in common), (s for s in right if s in common), strict=False)
    changed = set((here - there) + (there - here))
    return changed | {signature for pair in pairs if pair[0] != pair[1] for signature in pair}


def _names(sections: Iterable[_Signature], chosen: set[_Signature]) -> dict[str, None]:
    """The names of the chosen sections, in order."""
    return dict.fromkeys(name for signature in sections if signature in chosen for name in signature.names)


def _is_wild(name: str) -> bool:
    return name == "local" or name.startswith(("*", "["))


def _wildcards(patterns: Iterable[str]) -> DomainIndex:
    index = DomainIndex()
    body = Body("", "*", None, 0, vendor=False)  # type: ignore[arg-type]
    for pattern in patterns:
        index.put(pattern, body)
    return index
