"""Queues that change, with their settings on both sides: `queue-to` and MX rollup followed.

Mail for a domain with `queue-to` is under the settings of that queue; mail whose MX matches a rule of the
`mx-rollup-list` is under those of the rollup queue (`docs/powermta/`, queue grouping). Both bundle many domains in one
queue, and so under one limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from pmtaform.lang.effective import Effective, EffectiveChange, PairChange, ValueMove
from pmtaform.lang.effective.moves import differing

_QUEUE_TO = "queue-to"
_MOST_HOPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueChange:
    """A destination whose effective values change, for these virtual MTAs in the same way.

    `domain` is a domain or a wildcard as in `PairChange` ("*": every domain that nothing closer names); empty: the
    virtual MTAs' own values change. `mx`: it is an MX pattern, and it is about every domain with such an MX.
    `queue_before` and `queue_after` name the shared queue that its mail is put in; empty: its own queue.
    """

    domain: str
    vmtas: tuple[str, ...]
    moves: tuple[ValueMove, ...]
    mx: bool = False
    queue_before: str = ""
    queue_after: str = ""

    def move(self, name: str) -> ValueMove | None:
        """The change of one directive; None if it does not change."""
        return next((move for move in self.moves if move.name == name), None)


def queue_changes(effect: EffectiveChange) -> Iterator[QueueChange]:
    """Every destination and virtual MTA whose effective values change; the keys of virtual MTAs are not among them."""
    before, after = effect.before, effect.after
    shared: set[tuple[str, tuple[str, ...]]] = set()
    for pair in effect.pairs:
        yield from _followed(pair, before, after, shared)
    yield from _rolled_up(before, after)


def _followed(
    pair: PairChange, before: Effective, after: Effective, shared: set[tuple[str, tuple[str, ...]]]
) -> Iterator[QueueChange]:
    """What a pair's change is once its queue is followed; `shared` are the queues that were looked at by others."""
    if not pair.domain:
        yield QueueChange(domain="", vmtas=pair.vmtas, moves=pair.moves)
        return
    if not any(side.queue_to(pair.domain, pair.vmtas[0]) for side in (before, after)):
        yield QueueChange(domain=pair.domain, vmtas=pair.vmtas, moves=pair.moves)
        return
    for vmtas in _of_one_shape(before, after, pair.vmtas):
        yield from _in_shared_queues(replace(pair, vmtas=vmtas), before, after, shared)


def _of_one_shape(before: Effective, after: Effective, vmtas: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Virtual MTAs under the same sections together: those alike for a domain may differ for the queue it is put in."""
    groups: dict[object, list[str]] = {}
    for vmta in vmtas:
        groups.setdefault((before.shape(vmta), after.shape(vmta)), []).append(vmta)
    yield from map(tuple, groups.values())


def _in_shared_queues(
    pair: PairChange, before: Effective, after: Effective, shared: set[tuple[str, tuple[str, ...]]]
) -> Iterator[QueueChange]:
    vmta = pair.vmtas[0]
    was_in, is_in = _queue_of(before, pair.domain, vmta), _queue_of(after, pair.domain, vmta)
    if was_in == is_in == "":
        yield QueueChange(domain=pair.domain, vmtas=pair.vmtas, moves=pair.moves)
    elif was_in != is_in:
        was = before.settings(was_in or pair.domain, vmta).values
        now = after.settings(is_in or pair.domain, vmta).values
        yield QueueChange(
            domain=pair.domain,
            vmtas=pair.vmtas,
            moves=differing(was, now),
            queue_before=was_in,
            queue_after=is_in,
        )
    elif (is_in, pair.vmtas) not in shared:
        # No section need name the queue itself: what changes for its name is that of a wildcard that leads to it.
        shared.add((is_in, pair.vmtas))
        moves = differing(before.settings(is_in, vmta).values, after.settings(is_in, vmta).values)
        if moves:
            yield QueueChange(domain=is_in, vmtas=pair.vmtas, moves=moves, queue_before=is_in, queue_after=is_in)


def _queue_of(effective: Effective, domain: str, vmta: str) -> str:
    """The final queue of a domain with `queue-to`; empty when the domain has its own queue."""
    queue = domain
    for _ in range(_MOST_HOPS):
        target = effective.queue_to(queue, vmta)
        if not target or target == queue:
            break
        queue = target
    return "" if queue == domain else queue


def _rolled_up(before: Effective, after: Effective) -> Iterator[QueueChange]:
    was, now = before.reading.rollups, after.reading.rollups
    for pattern in dict.fromkeys((*was, *now)):
        if was.get(pattern) == now.get(pattern):
            continue
        left, right = was.get(pattern, ""), now.get(pattern, "")
        for vmtas, moves in _alike(before, after, left or "*", right or "*"):
            yield QueueChange(domain=pattern, vmtas=vmtas, moves=moves, mx=True, queue_before=left, queue_after=right)


def _alike(
    before: Effective, after: Effective, left: str, right: str
) -> Iterator[tuple[tuple[str, ...], tuple[ValueMove, ...]]]:
    """Virtual MTAs of both sides, those together for which `left` and `right` mean the same."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for vmta in _in_both(before, after):
        key = tuple(sorted(before.meaning(left, vmta).items())), tuple(sorted(after.meaning(right, vmta).items()))
        groups.setdefault(key, []).append(vmta)
    for names in groups.values():
        moves = differing(before.settings(left, names[0]).values, after.settings(right, names[0]).values)
        yield tuple(names), moves


def _in_both(before: Effective, after: Effective) -> Iterable[str]:
    return (vmta for vmta in before.virtual_mtas() if after.knows(vmta))
