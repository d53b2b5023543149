"""Comparing configurations as PowerMTA would see them: block by block, not line by line.

Includes count as what they name, spelling and order as far as they mean something. Of a stack, secrets are not loaded
up: a value that only a secret could tell apart is counted, not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pmtaform.diagnostics import Place, did_you_mean
from pmtaform.diagnostics.codes.command_line import AMBIGUOUS_HOST
from pmtaform.errors import UsageError
from pmtaform.host import CONFIG
from pmtaform.lang.blocks import Address, Block, blocks_of
from pmtaform.lang.effective import Effective, PairChange, UnseenInclude, changed_pairs, moved_includes
from pmtaform.lang.effective.flattening import flat_blocks
from pmtaform.lang.includes import is_url, read_configuration
from pmtaform.lang.late_definitions import LateList, late_lists
from pmtaform.lang.values import SENSITIVE
from pmtaform.plan.explain import explain, place_change
from pmtaform.plan.model import Action, Change, Reason, ValueChange
from pmtaform.sources import LoadedConfiguration


@dataclass(frozen=True, slots=True)
class BlockDifference:
    """One block that is not the same: what differs, and where it begins on either side."""

    change: Change
    left: str = ""
    right: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What differs between two configurations.

    `unseen` counts values of which only secrets could tell whether they differ. `moved` are includes with contents that
    no one has seen, in another place: whether the rest is the same is not known then. `pairs` are the queues whose
    effective values differ; None: not compared.
    """

    left: LoadedConfiguration
    right: LoadedConfiguration
    differences: tuple[BlockDifference, ...]
    unseen: int = 0
    moved: tuple[UnseenInclude, ...] = ()
    pairs: tuple[PairChange, ...] | None = None

    @property
    def differ(self) -> bool:
        """Whether anything certainly differs."""
        return bool(self.differences)

    @property
    def is_unsure(self) -> bool:
        """Whether some difference could not be decided."""
        return bool(self.moved) and not self.differences


def compare(left: LoadedConfiguration, right: LoadedConfiguration, *, effective: bool = False) -> Compared:
    """The differences of `right` from `left`."""
    before, after = _blocks(left), _blocks(right)
    declared = left.is_declared or right.is_declared
    late_before, late_after = _late(left, right), _late(right, left)
    differences: list[BlockDifference] = []
    unseen = 0
    for address in dict.fromkeys((*after, *before)):
        old, new = before.get(address), after.get(address)
        values: tuple[ValueChange, ...]
        if old is not None and new is not None and old.same_as(new):
            values = tuple(_moved(address, late_before, late_after, new.place))
            if not values:
                continue
        else:
            values = explain(old, new)
        comparable = tuple(value for value in values if not (declared and _only_secret(value)))
        unseen += len(values) - len(comparable)
        if comparable or not values:
            differences.append(_difference(address, old, new, comparable, left, right))
    pairs = None
    if effective:
        was, now = (Effective(side.configuration, side.defaults) for side in (left, right))
        pairs = tuple(changed_pairs(was, now))
    moved = moved_includes(left.configuration, right.configuration)
    return Compared(left=left, right=right, differences=tuple(differences), unseen=unseen, moved=moved, pairs=pairs)


def _late(side: LoadedConfiguration, other: LoadedConfiguration) -> Mapping[Address, LateList]:
    """The pattern lists that only one side has below a source; where a stack has them may be open."""
    below = late_lists(other.configuration, blocks_of(other.configuration))
    late = late_lists(side.configuration, blocks_of(side.configuration), declared=other.declared)
    return {address: items for address, items in late.items() if address not in below}


def _moved(
    address: Address, before: Mapping[Address, LateList], after: Mapping[Address, LateList], place: Place
) -> Iterator[ValueChange]:
    """A pattern list that is below a source that uses it on one side only."""
    if address in before:
        yield place_change(before[address], place)
    elif address in after:
        change = place_change(after[address], place)
        yield replace(change, before=change.after, after=change.before)


def _blocks(loaded: LoadedConfiguration) -> Mapping[Address, Block]:
    blocks = flat_blocks(loaded.configuration)
    if not loaded.is_declared:
        return blocks
    # What a stack includes and says itself is in its blocks; the line that names the file is no difference.
    return {address: block for address, block in blocks.items() if address.kind != "include" or is_url(address.key)}


def _only_secret(value: ValueChange) -> bool:
    return value.before == value.after and any(SENSITIVE in line for line in value.before)


def _difference(
    address: Address,
    old: Block | None,
    new: Block | None,
    values: tuple[ValueChange, ...],
    left: LoadedConfiguration,
    right: LoadedConfiguration,
) -> BlockDifference:
    action = Action.CREATE if old is None else Action.DELETE if new is None else Action.UPDATE
    change = Change(address=str(address), action=action, reason=Reason.CHANGED, values=values)
    return BlockDifference(
        change,
        left=left.where(old.place) if old is not None else "",
        right=right.where(new.place) if new is not None else "",
    )


def paired(
    left: Mapping[str, LoadedConfiguration], right: Mapping[str, LoadedConfiguration]
) -> list[tuple[LoadedConfiguration, LoadedConfiguration]]:
    """Which configuration is compared with which: one with one, else hosts of the same name.

    A host that only one side has is compared with nothing. Raises `UsageError` when one side has several hosts and
    none of them is meant.
    """
    if len(left) == len(right) == 1:
        return [(next(iter(left.values())), next(iter(right.values())))]
    if len(left) == 1 or len(right) == 1:
        one, many = (left, right) if len(left) == 1 else (right, left)
        name = next(iter(one))
        if name not in many:
            raise UsageError.of(
                AMBIGUOUS_HOST,
                f"One side has several hosts ({', '.join(many)}). Write STACK:HOST.{did_you_mean(name, many)}",
            )
        return [(left[name], right[name])]
    nothing = LoadedConfiguration(name="nothing", configuration=read_configuration(CONFIG, {}))
    return [(left.get(name, nothing), right.get(name, nothing)) for name in dict.fromkeys((*left, *right))]
