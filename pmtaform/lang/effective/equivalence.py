"""Virtual MTAs that are alike in a change: what holds for one of them holds for all, and is looked at once.

Most virtual MTAs have no section for most domains. For such a domain they are under the sections at top level only,
and so all together, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from pmtaform.lang.effective.patterns import DomainIndex
from pmtaform.lang.effective.reading import Owner, SectionLines
from pmtaform.lang.effective.settings import Effective


@dataclass(frozen=True, slots=True)
class Signature:
    """A section's names, whether they come from a macro, and what it says: its text, or its meaning with includes."""

    names: tuple[str, ...]
    from_macro: bool
    says: object
    body: SectionLines = field(compare=False, repr=False)


Owned = tuple[tuple[Signature, ...], tuple[Signature, ...]]  # of a virtual MTA itself, and of its pools


class Side:
    """One configuration's domain sections in comparable form, each looked at once."""

    def __init__(self, effective: Effective) -> None:
        self.effective = effective
        self._known: dict[int, Signature] = {}
        self._pools: dict[str, tuple[Signature, ...]] = {}

    @cached_property
    def top(self) -> tuple[Signature, ...]:
        """What the sections at top level say, in order."""
        return self._of(self.effective.reading.domains)

    def own(self, vmta: str) -> tuple[Signature, ...]:
        """What the virtual MTA's own sections say."""
        owner = self.effective.reading.virtual_mtas.get(vmta)
        return self._of(owner.domains) if owner is not None and _has_sections(owner) else ()

    def of_pools(self, vmta: str) -> tuple[Signature, ...]:
        """What the sections of its pools say."""
        pools = self.effective.reading.pools_of.get(vmta, ())
        return tuple(signature for pool in pools for signature in self._of_pool(pool))

    def _of_pool(self, pool: str) -> tuple[Signature, ...]:
        if pool not in self._pools:
            self._pools[pool] = self._of(self.effective.reading.pools[pool].domains)
        return self._pools[pool]

    def _of(self, bodies: Iterable[SectionLines]) -> tuple[Signature, ...]:
        return tuple(map(self._one, bodies))

    def _one(self, body: SectionLines) -> Signature:
        if id(body) not in self._known:
            names = self.effective.names.of(body.argument)
            says = body.written if body.written is not None else body.meaning
            self._known[id(body)] = Signature(names, "$" in body.argument, says, body)
        return self._known[id(body)]


def _has_sections(owner: Owner) -> bool:
    return owner.written is None or any("<" in text for text in owner.written)


def owned_on_both(before: Side, after: Side, vmta: str) -> tuple[Owned, Owned]:
    """What the sections of a virtual MTA and of its pools say on both sides; those of the same text are read once."""
    own = before.own(vmta)
    other = own if _is_same_text(before.effective, after.effective, vmta) else after.own(vmta)
    return (own, before.of_pools(vmta)), (other, after.of_pools(vmta))


def _is_same_text(before: Effective, after: Effective, vmta: str) -> bool:
    left, right = before.reading.virtual_mtas.get(vmta), after.reading.virtual_mtas.get(vmta)
    if left is None or right is None or left.written is None:
        return False
    if not left.is_same(right) and left.written != right.written:
        return False
    return before.reading.macros == after.reading.macros or not any("$" in text for text in left.written)


@dataclass(frozen=True, slots=True)
class Group:
    """Virtual MTAs with the same domain sections, their own or their pools', on both sides."""

    vmtas: tuple[str, ...]
    owned: tuple[Owned, Owned]
    indexes: tuple[DomainIndex, ...]

    @property
    def is_exact(self) -> bool:
        """Whether its sections are for written-out names only."""
        return not any(i.suffix or i.networks or i.local or i.every for i in self.indexes)

    def takes(self, domain: str, *, is_local: bool) -> bool:
        """Whether it has a section for a domain."""
        return any(True for index in self.indexes for _ in index.matches(domain, 0, is_local=is_local))

    def asked_for_by(self, chosen: Callable[[SectionLines], bool]) -> Iterator[str]:
        """A domain for each of its chosen sections."""
        return (name for index in self.indexes for name in index.asked_for_by(chosen))


class Alike:
    """The virtual MTAs of a change in groups; those without own sections are in none."""

    def __init__(self, before: Side, after: Side, vmtas: Iterable[str]) -> None:
        self._vmtas = tuple(vmtas)
        self._local = before.effective.reading.host_names | after.effective.reading.host_names
        members: dict[tuple[Owned, Owned], list[str]] = {}
        for vmta in self._vmtas:
            owned = owned_on_both(before, after, vmta)
            if any(any(side) for side in owned):
                members.setdefault(owned, []).append(vmta)
        self.groups = [
            Group(tuple(names), owned, tuple(_own_indexes(before, after, owned, names[0])))
            for owned, names in members.items()
        ]
        self._rest: dict[tuple[int, ...], tuple[str, ...]] = {}

    @cached_property
    def _by_name(self) -> dict[str, dict[int, None]]:
        """The groups with a section for a written-out name."""
        layers_by_name: dict[str, dict[int, None]] = {}
        for number, group in enumerate(self.groups):
            for name in (name for index in group.indexes for name in index.exact):
                layers_by_name.setdefault(name, {})[number] = None
        return layers_by_name

    @cached_property
    def _wide(self) -> list[int]:
        return [number for number, group in enumerate(self.groups) if not group.is_exact]

    def apart(self, domain: str) -> list[Group]:
        """The groups that have their own section for a domain."""
        return [self.groups[number] for number in self._apart(domain)]

    def _apart(self, domain: str) -> list[int]:
        local = domain in self._local
        wide = (number for number in self._wide if self.groups[number].takes(domain, is_local=local))
        return sorted({*self._by_name.get(domain, ()), *wide})

    def taking(self, domains: Iterable[str]) -> Iterator[tuple[Group, list[str]]]:
        """Every group with the domains for which it has its own section."""
        names_by_layer: dict[int, list[str]] = {}
        for domain in domains:
            for number in self._apart(domain):
                names_by_layer.setdefault(number, []).append(domain)
        return ((group, names_by_layer.get(number, [])) for number, group in enumerate(self.groups))

    def together(self, domain: str) -> tuple[str, ...]:
        """The virtual MTAs without one: for all of them the sections at top level decide."""
        apart = tuple(self._apart(domain))
        if apart not in self._rest:
            others = {vmta for number in apart for vmta in self.groups[number].vmtas}
            self._rest[apart] = tuple(vmta for vmta in self._vmtas if vmta not in others) if others else self._vmtas
        return self._rest[apart]


def _own_indexes(before: Side, after: Side, owned: tuple[Owned, Owned], vmta: str) -> Iterator[DomainIndex]:
    """The layers of both sides that are not at top level; where both say the same, they have the same names."""
    for side in (before,) if owned[0] == owned[1] else (before, after):
        yield from (index for layer, index in side.effective.layers(vmta) if layer and not index.is_empty)
