"""The changes of one host, from what it should have, what it has, and what we applied last.

declared, not there                             create
declared, different                             update   (drift, if it is not what we applied last)
applied by us before, no longer declared        delete
there, never declared, never ours               left unchanged and counted, or deleted (`unmanaged: remove`)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pmtaform.lang.blocks import Address
from pmtaform.lang.edit import FileEdit, edit
from pmtaform.model.desired import Desired, KeyFile, ManagedFile, Unmanaged
from pmtaform.model.selection import Selection
from pmtaform.plan.block_digests import Keyed, is_digest_of
from pmtaform.plan.blocks import BlockComparison
from pmtaform.plan.files import FileDifference, Scope, compare_files
from pmtaform.plan.inputs import Live, Previous
from pmtaform.plan.keys import KeyComparison
from pmtaform.plan.ledger import Ledger, is_ignored
from pmtaform.plan.model import Action, Danger, HostPlan

if TYPE_CHECKING:
    from pmtaform.plan.reach import UsedNames


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes of one host, and the edits that make them."""

    plan: HostPlan
    edits: Mapping[str, FileEdit] = field(default_factory=dict)
    write_keys: tuple[KeyFile, ...] = ()
    write_files: tuple[ManagedFile, ...] = ()
    remove_keys: tuple[str, ...] = ()  # paths of keys and managed files
    owned: Mapping[str, str] = field(default_factory=dict)  # address -> digest, once applied
    owned_keys: Mapping[str, str] = field(default_factory=dict)  # address -> path, once applied


def unchanged(desired: Desired, previous: Previous, keyed: Keyed) -> bool:
    """Whether a host whose files are as we left them needs no change.

    This covers most hosts of most plans, without reading the host's files.
    """
    if desired.unmanaged is Unmanaged.REMOVE and previous.unmanaged:
        return False
    if desired.ignore and any(is_ignored(desired, address) for address in desired.blocks):
        return False  # whether an ignored block differs is not known from what we applied
    wanted = {str(a): b for a, b in desired.blocks.items()}
    if wanted.keys() != previous.blocks.keys():
        return False
    if {str(k.address): k.path for k in desired.whole_files} != dict(previous.keys):
        return False
    return all(is_digest_of(previous.blocks[address], block, keyed) for address, block in wanted.items())


def difference(
    desired: Desired,
    live: Live,
    previous: Previous,
    keyed: Keyed,
    selection: Selection | None = None,
) -> Difference:
    """Return what has to change on one host."""
    selection = selection or Selection()
    result = _Comparison(desired, live, previous, keyed, selection).run()
    if not (selection.targets or selection.excludes):
        return result
    ours = {path: Address.parse(name) for name, path in previous.keys.items()}
    from pmtaform.plan.dependencies import along

    more = along(desired, live.configuration, ours, result.plan)
    if more.taken:
        selection = replace(selection, also=frozenset(more.taken))
        result = _Comparison(desired, live, previous, keyed, selection).run()
    notes = (*result.plan.notes, *more.notes(desired.host))
    return replace(result, plan=replace(result.plan, notes=notes))


class _Comparison:
    """Compares one host: its blocks, then its keys, then its other files."""

    def __init__(self, desired: Desired, live: Live, previous: Previous, keyed: Keyed, selection: Selection) -> None:
        self.desired = desired
        self.live = live
        self.keyed = keyed
        self.ledger = Ledger(desired, previous, selection, keyed)
        self.blocks = BlockComparison(self.ledger, live, keyed)
        self.keys = KeyComparison(self.ledger, live.keys)

    def run(self) -> Difference:
        """Return the changes of the host, and the edits that make them."""
        self.blocks.run()
        for key in self.desired.keys:
            self.keys.declared(key)
        edits = self._edits()
        from pmtaform.plan.reach import UsedNames

        named = UsedNames(self.live.configuration, edits)
        self.keys.undeclared(named)
        files = self._files(named)
        ledger = self.ledger
        return Difference(
            plan=self._plan(removed_files=len(files.remove)),
            edits=edits,
            write_keys=tuple(self.keys.write),
            write_files=tuple(files.write),
            remove_keys=(*self.keys.remove, *files.remove),
            owned=ledger.owned,
            owned_keys=ledger.owned_keys,
        )

    def _edits(self) -> Mapping[str, FileEdit]:
        blocks = self.blocks
        return edit(
            self.live.configuration,
            blocks.wanted,
            blocks.removed,
            files=self.desired.files,
            live=blocks.blocks,
            before=blocks.moved,
        )

    def _plan(self, *, removed_files: int) -> HostPlan:
        ledger = self.ledger
        return HostPlan(
            host=self.desired.host,
            changes=tuple(ledger.changes),
            left=tuple(ledger.left),
            adopted=tuple(ledger.adopted),
            forgotten=tuple(ledger.forgotten),
            unmanaged=self.blocks.unmanaged,
            dangers=self._dangers(removed_files),
            notes=tuple(ledger.notes),
        )

    def _dangers(self, removed_files: int) -> tuple[Danger, ...]:
        from pmtaform.plan.dangers.by_change import many_deletions

        deletions = sum(1 for change in self.ledger.changes if change.action is Action.DELETE) - removed_files
        limits = self.desired.limits
        return many_deletions(deletions, len(self.blocks.blocks), limits.deletions_percent, limits.deletions_free)

    def _files(self, named: UsedNames) -> FileDifference:
        """Return the changes of managed files; the ledger has them beside those of blocks and keys."""
        from pmtaform.plan.reach import read_at_start

        configuration, ledger, blocks = self.live.configuration, self.ledger, self.blocks
        scope = Scope(
            host=self.desired.host,
            ours=ledger.previous.keys,
            ignored=ledger.is_ignored,
            leave=ledger.leave,
            is_left=ledger.is_left,
            keyed=self.keyed,
            configuration=configuration.trees.keys() - configuration.fragments,
            named=named,
            at_start=read_at_start({**blocks.blocks, **blocks.wanted}),
            activates=self.desired.activates,
            now=self.live.now,
        )
        key_paths = [key.path for key in self.desired.keys]
        result = compare_files(self.desired.managed, self.live.files, key_paths, scope)
        ledger.changes += result.changes
        ledger.notes += result.notes
        ledger.adopted += result.adopted
        ledger.forgotten += result.forgotten
        ledger.owned_keys |= result.owned
        return result
