"""What a change of the configuration does to queues: the pairs whose values differ, and nothing else.

Virtual MTAs that say the same before and say the same after are compared once. Of domains, only those are looked at
that fall under a section that changed; one is for each class that PowerMTA can tell apart, so nothing is missed.
Only directives in changed sections are compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from itertools import islice
from typing import Final

from pmtaform.lang.effective.deciding import falling_back_on, specs_of
from pmtaform.lang.effective.equivalence import Alike, Group, Side, Signature, owned_on_both
from pmtaform.lang.effective.model import DEFAULT_VMTA
from pmtaform.lang.effective.moves import PairChange, ValueMove, differing
from pmtaform.lang.effective.owner_changes import owner_changes
from pmtaform.lang.effective.patterns import DomainIndex, plain
from pmtaform.lang.effective.reading import DOMAIN, SectionLines
from pmtaform.lang.effective.settings import Effective
from pmtaform.lang.effective.unseen import moved_includes

MOST_CHANGES: Final = 1000


def changed_pairs(
    before: Effective,
    after: Effective,
    vmtas: Iterable[str] = ("*",),
    domains: Iterable[str] | None = None,
    *,
    most: int | None = MOST_CHANGES,
    without: Collection[str] = (),
) -> list[PairChange]:
    """The pairs whose effective values change, at most `most` (None: all).

    `vmtas` are patterns with `*`; `domains`, if given, are looked at instead of one for each class. Virtual MTAs
    themselves are not compared by directives of `without`.
    """
    return list(islice(_changes(before, after, tuple(vmtas), domains, without), most))


def same_effect(before: Effective, after: Effective) -> bool | None:
    """Whether no queue and no virtual MTA is changed: what holds for domains and virtual MTAs is the same.

    None: not known, because an include whose contents are not seen is in another place. The rest of a
    configuration (sources, listeners, logs) is not compared.
    """
    if next(_changes(before, after, ("*",), None), None) is not None:
        return False
    return None if moved_includes(before.configuration, after.configuration) else True


def _changes(
    before: Effective,
    after: Effective,
    patterns: tuple[str, ...],
    domains: Iterable[str] | None,
    without: Collection[str] = (),
) -> Iterator[PairChange]:
    every = dict.fromkeys((*before.virtual_mtas(), *after.virtual_mtas()))
    chosen = list(every) if "*" in patterns else [vmta for vmta in every if _fits(vmta, patterns)]
    yield from owner_changes(before, after, chosen, without)
    common = [vmta for vmta in chosen if before.knows(vmta) and after.knows(vmta)]
    if domains is None:
        yield from _Affected(before, after, common).changes()
    else:
        yield from _queues_to_compare(before, after, common, dict.fromkeys(map(plain, domains)))


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name, re.DOTALL) for pattern in patterns)


def _queues_to_compare(
    before: Effective, after: Effective, vmtas: list[str], domains: Iterable[str]
) -> Iterator[PairChange]:
    """What changes for these very domains."""
    alike = Alike(Side(before), Side(after), vmtas)
    for domain in domains:
        for names in (alike.together(domain), *(group.vmtas for group in alike.apart(domain))):
            if names and (moves := _moves(before, after, domain, names[0])):
                yield PairChange(domain, names, moves)


def _moves(
    before: Effective, after: Effective, domain: str, vmta: str, names: Collection[str] | None = None
) -> tuple[ValueMove, ...]:
    """The directives that move, of `names` (None: of all), and of those that have their values for a default."""
    was, now = before.meaning(domain, vmta, names), after.meaning(domain, vmta, names)
    moved = {name for name in (*was, *now) if was.get(name) != now.get(name)}
    if not moved:
        return ()
    known = specs_of(DOMAIN)
    following = falling_back_on(DOMAIN)
    wanted = {*moved, *(other for name in moved for other in following.get(name, ()))}
    ordered = [*(name for name in known if name in wanted), *(name for name in (*now, *was) if name not in known)]
    ordered = [name for name in ordered if name in wanted]
    return differing(before.values(domain, vmta, ordered), after.values(domain, vmta, ordered))


# -- which domains to look at ------------------------------------------------------------------------------------------


class _Affected:
    """Which domains a change may concern, each class once, and for which virtual MTAs."""

    def __init__(self, before: Effective, after: Effective, vmtas: list[str]) -> None:
        self._before, self._after = before, after
        self._sides = Side(before), Side(after)
        self._vmtas = vmtas
        moved: set[Signature] = set()
        self._touched: dict[str, None] = {}
        if not _are_same(before, after):
            was, now = (side.top for side in self._sides)
            moved = _moved(was, now)
            self._touched = _names(was + now, moved)
        self._directives = _directives(moved)
        self._local = before.reading.host_names ^ after.reading.host_names
        self._touched |= dict.fromkeys(sorted(self._local))
        self._names = before.reading.host_names | after.reading.host_names

    def changes(self) -> Iterator[PairChange]:
        """The pairs that change."""
        for domain in self._top_domains:
            together = self._alike.together(domain)
            if together and (moves := self._moves(domain, together[0], self._directives)):
                yield PairChange(domain, together, moves)
        for group, taken in self._alike.taking(self._top_domains):
            directives, domains = self._of(group, taken)
            for domain in domains:
                if moves := self._moves(domain, group.vmtas[0], directives):
                    yield PairChange(domain, group.vmtas, moves)

    def _moves(self, domain: str, vmta: str, directives: frozenset[str]) -> tuple[ValueMove, ...]:
        return _moves(self._before, self._after, domain, vmta, None if self._local else directives)

    @cached_property
    def _alike(self) -> Alike:
        """The virtual MTAs that the change may concern."""
        vmtas = self._vmtas
        if not self._touched:
            pairs = ((vmta, owned_on_both(*self._sides, vmta)) for vmta in vmtas if not self._is_same_text(vmta))
            vmtas = [vmta for vmta, (left, right) in pairs if left != right]
        return Alike(*self._sides, vmtas)

    def _is_same_text(self, vmta: str) -> bool:
        """Whether a virtual MTA without pools is the same text with the same macros: a quick look."""
        was, now = self._before.reading, self._after.reading
        left, right = was.virtual_mtas.get(vmta), now.virtual_mtas.get(vmta)
        if was.macros != now.macros or vmta in was.pools_of or vmta in now.pools_of:
            return False
        return left is right is None or (
            left is not None
            and right is not None
            and (left.is_same(right) or (left.written is not None and left.written == right.written))
        )

    @cached_property
    def _candidates(self) -> dict[str, None]:
        """One domain for each class that the top level tells apart."""
        return dict.fromkeys((*self._before.domains(DEFAULT_VMTA), *self._after.domains(DEFAULT_VMTA)))

    @cached_property
    def _top_domains(self) -> dict[str, None]:
        """The domains that a change at top level may concern."""
        return self._spelled_out(self._touched, self._candidates)

    def _of(self, group: Group, taken: Iterable[str]) -> tuple[frozenset[str], dict[str, None]]:
        """The directives and the domains to look at for virtual MTAs with their own sections.

        `taken`: the domains that a change at top level may concern and that they have sections for.
        """
        own: dict[str, None] = {}
        directives: set[str] = set()
        for left, right in zip(*group.owned, strict=True):
            moved = _moved(left, right)
            own |= _names(left + right, moved)
            directives |= _directives(moved)
        if not own and not self._local and self._directives <= self._hidden(group):
            return frozenset(), {}
        vmta = group.vmtas[0]
        candidates = dict.fromkeys((*self._own_domains(self._before, vmta), *self._own_domains(self._after, vmta)))
        affected = dict.fromkeys(taken)
        affected |= self._spelled_out(own, {**candidates, **self._candidates})
        affected |= self._spelled_out({name: None for name in self._touched if _is_wild(name)}, candidates)
        return self._directives | directives, affected

    def _own_domains(self, effective: Effective, vmta: str) -> Iterator[str]:
        for layer, index in effective.layers(vmta):
            if layer:
                yield from index.asked_for()
                if index.local:
                    yield from sorted(effective.reading.host_names)

    def _hidden(self, group: Group) -> set[str]:
        """What virtual MTAs or their pools set for every domain: nothing at top level shows through."""
        was, now = (_for_every_domain(side, group.vmtas[0]) for side in (self._before, self._after))
        return was & now

    def _spelled_out(self, touched: Iterable[str], candidates: Iterable[str]) -> dict[str, None]:
        """The domains that these names stand for: themselves, and for a wildcard the candidates that it covers."""
        wild = [name for name in touched if _is_wild(name)]
        names = {name: None for name in touched if not _is_wild(name)}
        if wild:
            index = _wildcards(wild)
            names |= {d: None for d in candidates if any(index.matches(d, 0, is_local=d in self._names))}
        return names


def _are_same(before: Effective, after: Effective) -> bool:
    """Whether all domain sections at top level are the same objects, and mean the same: a quick look."""
    was, now = before.reading, after.reading
    return (
        was.macros == now.macros
        and len(was.domains) == len(now.domains)
        and all(one.is_same(another) for one, another in zip(was.domains, now.domains, strict=True))
    )


def _for_every_domain(effective: Effective, vmta: str) -> set[str]:
    layers = [index for layer, index in effective.layers(vmta) if layer]
    return {name for index in layers for body in index.every for name in body.lines}


def _directives(sections: Iterable[Signature]) -> frozenset[str]:
    return frozenset(name for signature in sections for name in signature.body.lines)


def _moved(left: tuple[Signature, ...], right: tuple[Signature, ...]) -> set[Signature]:
    """The sections that differ, or that are not where they were among the others."""
    if left == right:
        return set()
    here, there = Counter(left), Counter(right)
    common = here & there
    pairs = zip((s for s in left if s in common), (s for s in right if s in common), strict=False)
    changed = set((here - there) + (there - here))
    return changed | {signature for pair in pairs if pair[0] != pair[1] for signature in pair}


def _names(sections: Iterable[Signature], chosen: set[Signature]) -> dict[str, None]:
    """The names of the chosen sections, in order."""
    return dict.fromkeys(name for signature in sections if signature in chosen for name in signature.names)


def _is_wild(name: str) -> bool:
    return name == "local" or name.startswith(("*", "["))


def _wildcards(patterns: Iterable[str]) -> DomainIndex:
    index = DomainIndex()
    # Only names are looked up in this index, so its section has no inside.
    body = SectionLines("", "*", None, 0, vendor=False)  # type: ignore[arg-type]
    for pattern in patterns:
        index.put(pattern, body)
    return index
