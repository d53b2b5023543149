"""Virtual MTAs that come, go, or say otherwise themselves: in their sections, their pools' or at top level.

A virtual MTA whose own text does not change is looked at for those directives only that move at top level.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from pmtaform.lang.effective.deciding import default_of, specs_of
from pmtaform.lang.effective.model import Value
from pmtaform.lang.effective.moves import PairChange, ValueMove, differing
from pmtaform.lang.effective.owners import top_names
from pmtaform.lang.effective.reading import VMTA, EffectiveReading, Owner, normal
from pmtaform.lang.effective.settings import Effective

_Meaning = Mapping[str, tuple[str, ...]]


def owner_changes(
    before: Effective, after: Effective, vmtas: Iterable[str], without: Collection[str] = ()
) -> Iterator[PairChange]:
    """The virtual MTAs that come, go, or say otherwise themselves, those together that do so in the same way.

    Virtual MTAs of both sides are not compared by directives of `without`.
    """
    owners = _Owners(before, after, without)
    groups: dict[object, tuple[list[str], Collection[str] | None]] = {}
    for vmta in vmtas:
        if owners.is_untouched(vmta):
            continue  # nearly all of a large host
        key, names = owners.change(vmta)
        if key is not None:
            groups.setdefault(key, ([], names))[0].append(vmta)
    for members, names in groups.values():
        yield PairChange("", tuple(members), _moves(before, after, members[0], names))


class _Owners:
    """Both sides' virtual MTAs and pools."""

    def __init__(self, before: Effective, after: Effective, without: Collection[str]) -> None:
        self._sides = before, after
        self._without = without
        self._top = self._differing(_top(before.reading), _top(after.reading))
        self._pools: dict[str, bool] = {}

    def is_untouched(self, vmta: str) -> bool:
        """Whether nothing that a virtual MTA says or inherits differs: a quick look."""
        was, now = self._sides[0].reading, self._sides[1].reading
        left, right = was.virtual_mtas.get(vmta), now.virtual_mtas.get(vmta)
        if self._top or left is None or right is None or vmta in was.pools_of or vmta in now.pools_of:
            return False
        return left.is_same(right)

    def change(self, vmta: str) -> tuple[object, Collection[str] | None]:
        """What tells this change from others, and the directives it is about (None: all); None: there is none."""
        before, after = self._sides
        if not (before.knows(vmta) and after.knows(vmta)):
            return tuple(_frozen(side.owner_meaning(vmta)) if side.knows(vmta) else None for side in self._sides), None
        if not self._is_same(vmta):
            was, now = before.owner_meaning(vmta), after.owner_meaning(vmta)
            names = self._differing(was, now)
            return ((_frozen(was), _frozen(now)) if names else None), names
        if not self._top:
            return None, ()
        was, now = (side.owner_meaning(vmta, self._top) for side in self._sides)
        names = self._differing(was, now)
        return (tuple((name, was.get(name), now.get(name)) for name in names) or None), names

    def _differing(self, was: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
        names = dict.fromkeys((*now, *was))
        return [name for name in names if name not in self._without and was.get(name) != now.get(name)]

    def _is_same(self, vmta: str) -> bool:
        """Whether the virtual MTA and its pools say the same on both sides."""
        was, now = (side.reading for side in self._sides)
        left, right = was.virtual_mtas.get(vmta), now.virtual_mtas.get(vmta)
        if (left is None) != (right is None) or was.pools_of.get(vmta) != now.pools_of.get(vmta):
            return False
        if (
            left is not None
            and right is not None
            and not left.is_same(right)
            and not (left.written == right.written if left.written is not None else _has_same_lines(left, right))
        ):
            return False
        pools = [vmta] if left is None and vmta in was.pools else was.pools_of.get(vmta, ())
        return all(map(self._is_same_pool, pools))

    def _is_same_pool(self, pool: str) -> bool:
        if pool not in self._pools:
            left, right = (side.reading.pools.get(pool) for side in self._sides)
            self._pools[pool] = left is not None and right is not None and _has_same_lines(left, right)
        return self._pools[pool]


def _top(reading: EffectiveReading) -> dict[str, list[tuple[str, str]]]:
    """What the top level says of virtual MTAs."""
    return {name: [normal(line, VMTA) for line in reading.lines[name]] for name in top_names(reading)}


def _has_same_lines(left: Owner, right: Owner) -> bool:
    """Whether two sections say the same, the members of a pool left out."""
    if left.is_same(right) or (left.written is not None and left.written == right.written):
        return True
    was, now = ([[normal(line, owner.tag) for line in lines] for lines in owner.settings] for owner in (left, right))
    return was == now


def _frozen(meaning: _Meaning) -> frozenset[tuple[str, tuple[str, ...]]]:
    return frozenset(meaning.items())


def _moves(before: Effective, after: Effective, vmta: str, names: Collection[str] | None) -> tuple[ValueMove, ...]:
    """The directives of a virtual MTA that move; only those that a line sets on either side."""
    was, now = (side.owner_lines(vmta, names) if side.knows(vmta) else None for side in (before, after))
    known = specs_of(VMTA)
    lines = dict.fromkeys((*(now or ()), *(was or ())))
    ordered = [*(name for name in known if name in lines), *(name for name in lines if name not in known)]
    return differing(_completed(was, ordered), _completed(now, ordered))


def _completed(written: Mapping[str, Value] | None, names: Iterable[str]) -> dict[str, Value]:
    """The values of these directives, defaults where no line sets them; none where the virtual MTA is not there."""
    if written is None:
        return {}
    known = specs_of(VMTA)
    unset = {name: default_of(known[name], written) for name in names if name not in written and name in known}
    return {
        name: written[name] if name in written else unset[name] for name in names if name in written or name in unset
    }
