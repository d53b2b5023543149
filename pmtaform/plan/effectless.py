"""Changes without effect on mail: lines that move, are split, spelled out or spelled differently."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pmtaform.lang.effective import Effective, EffectiveChange
from pmtaform.lang.effective.sources import Sources
from pmtaform.lang.values.networks import Network

# The blocks whose effect can be compared in full; of any other that differs, nothing is claimed.
_QUEUES: Final = ("domain", "virtual-mta", "virtual-mta-pool", "domain-macro", "include")
_COMPARED: Final = (*_QUEUES, "source")
_READ_SOURCES: Final = frozenset({"source", "include"})
_BY_MACRO: Final = ("relay-domain", "domain-key")  # lines that a macro may change without any queue


def has_no_effect(change: EffectiveChange, kinds: Collection[str]) -> bool:
    """Whether the settings of all queues, virtual MTAs, pools and clients stay the same; False where that is not known.

    `kinds` are those of all blocks that differ.
    """
    if not kinds or not set(kinds) <= set(_COMPARED):
        return False
    left, right = change.before, change.after
    if "domain-macro" in kinds and _use_macros(right):
        return False
    if _READ_SOURCES & set(kinds) and not _same_sources(left.sources, right.sources):
        return False
    return _pools(left) == _pools(right) and change.is_same is True


def _use_macros(effective: Effective) -> bool:
    return any("$" in line.value for name in _BY_MACRO for line in effective.reading.lines.get(name, ()))


def _pools(effective: Effective) -> dict[str, tuple[str, ...]]:
    """The members of each pool. They are used in turn, so their order means nothing."""
    reading = effective.reading
    return {pool: tuple(sorted(v for v, pools in reading.pools_of.items() if pool in pools)) for pool in reading.pools}


def _same_sources(left: Sources, right: Sources) -> bool:
    if set(left.names) != set(right.names):
        return False
    clients: list[Network | None] = [None, *left.networks, *right.networks]
    named: list[tuple[str, ...]] = [(), *((name,) for name in left.names)]
    return all(_settings(left, client, name) == _settings(right, client, name) for client in clients for name in named)


def _settings(sources: Sources, client: Network | None, named: tuple[str, ...]) -> dict[str, object]:
    return {name: value.normal for name, value in sources.settings(client, *named).items()}
