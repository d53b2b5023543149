"""Changes of blocks: declared blocks that differ, our blocks that are no longer declared, and lists that move."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pmtaform.diagnostics import Place
from pmtaform.lang.blocks import Address, Block, BlockPart, blocks_of
from pmtaform.lang.catalogue import Impact
from pmtaform.lang.late_definitions import late_lists
from pmtaform.model.desired import Unmanaged
from pmtaform.plan.block_digests import Keyed, digest_below, is_digest_of
from pmtaform.plan.explain import explain, place_change
from pmtaform.plan.impact import impact_of_change
from pmtaform.plan.inputs import Live
from pmtaform.plan.ledger import Ledger
from pmtaform.plan.model import Action, Change, LeftBy, Reason, ValueChange
from pmtaform.plan.threeway import with_causes

_DRIFT = frozenset({Reason.DRIFT, Reason.BOTH, Reason.MISSING})


class BlockComparison:
    """Compares the blocks of one host. Its decisions are in the ledger; the blocks to write and remove are here."""

    def __init__(self, ledger: Ledger, live: Live, keyed: Keyed) -> None:
        self.ledger = ledger
        self.live = live
        self.keyed = keyed
        self.blocks = blocks_of(live.configuration)
        self.applied = ledger.previous.blocks if ledger.previous.left is None else ledger.previous.left
        self.wanted: dict[Address, Block] = {}
        self.removed: list[Address] = []
        self.moved: dict[Address, BlockPart] = {}
        self.unmanaged = 0

    def run(self) -> None:
        """Compare every block that is declared, and every block that the host has."""
        for address, block in self.ledger.desired.blocks.items():
            self._declared(address, block)
        self._undeclared()
        self._late()

    def _declared(self, address: Address, block: Block) -> None:
        name = str(address)
        live = self.blocks.get(address)
        same = live is not None and live.same_as(block)
        action = Action.CREATE if live is None else Action.UPDATE
        if self.ledger.is_ignored(address):
            if not same:
                self.ledger.leave(address, action, LeftBy.IGNORE)
            return
        if same:
            self.ledger.owned.declare(name, address)
            if name not in self.ledger.previous.blocks:
                self.ledger.adopted.append(name)
            return
        if self.ledger.is_left(address, action, block):
            self._keep_ownership(name)
            return
        self.wanted[address] = block
        self.ledger.owned.declare(name, address)
        self._change(address, action, self._reason(name, live, block), live, block)

    def _keep_ownership(self, name: str) -> None:
        if name in self.ledger.previous.blocks:
            self.ledger.owned.keep(name, self.ledger.previous.blocks[name])

    def _reason(self, name: str, live: Block | None, wanted: Block) -> Reason:
        applied = self.applied.get(name)
        if live is None:
            return Reason.MISSING if self._is_applied(applied, wanted) else Reason.NEW
        if applied is None or self._is_applied(applied, live):
            return Reason.CHANGED
        return Reason.DRIFT if self._is_applied(applied, wanted) else Reason.BOTH

    def _is_applied(self, applied: str | None, block: Block) -> bool:
        """Whether a digest is that of a block, wherever an apply left it."""
        return applied is not None and (is_digest_of(applied, block, self.keyed) or applied == self._below(block))

    def _below(self, block: Block) -> str:
        """The digest of a list that an apply left below its source."""
        return digest_below(block, self.keyed)

    def _undeclared(self) -> None:
        for address, block in self.blocks.items():
            if address in self.ledger.desired.blocks:
                continue
            name = str(address)
            if self.ledger.is_ignored(address):
                if name in self.ledger.previous.blocks or self.ledger.desired.unmanaged is Unmanaged.REMOVE:
                    self.ledger.leave(address, Action.DELETE, LeftBy.IGNORE)
                continue
            if name in self.ledger.previous.blocks:
                self._delete(address, block, Reason.REMOVED)
            elif self.ledger.desired.unmanaged is Unmanaged.REMOVE:
                self._delete(address, block, Reason.UNMANAGED)
            else:
                self.unmanaged += 1
        gone = self.ledger.previous.blocks.keys() - self.ledger.owned.keys()  # most are still ours
        if gone:
            gone -= {str(address) for address in (*self.blocks, *self.ledger.desired.blocks)}
        self.ledger.forgotten += sorted(gone)

    def _delete(self, address: Address, block: Block, reason: Reason) -> None:
        if self.ledger.is_left(address, Action.DELETE, block):
            self._keep_ownership(str(address))
            return
        self.removed.append(address)
        self._change(address, Action.DELETE, reason, block, None)

    def _change(
        self, address: Address, action: Action, reason: Reason, before: Block | None, after: Block | None
    ) -> None:
        from pmtaform.plan.dangers.by_change import restart_needed

        changed = explain(before, after)
        desired, base = self.ledger.desired, self.ledger.previous.base
        left = base.get(address) if base is not None and reason in _DRIFT else None
        if left is not None:
            changed = with_causes(changed, left, before, after)
        impact, note = impact_of_change(address, action, changed)
        block = after or before
        if block is None:
            raise AssertionError("a change without a block")
        file = before.parts[0].tree.path if before else desired.files.get(address, desired.config)
        if impact is Impact.RESTART and not desired.activates:
            impact, note = Impact.RELOAD, "takes effect when PowerMTA is restarted; this host's `activation` is none"
        self.ledger.changes.append(
            Change(
                address=str(address),
                action=action,
                reason=reason,
                values=changed,
                impact=impact,
                impact_note=note,
                file=file,
                place=_place(changed) or block.place,
                dangers=restart_needed(address, impact),
            )
        )

    def _late(self) -> None:
        """Move the lists that are, or would be, below a source that uses them, where the stack has them above it."""
        sides = (self.live.configuration, self.blocks, self.wanted, self.removed)
        late = late_lists(*sides)
        moving = late_lists(*sides, declared=self.ledger.desired.blocks) if late else {}
        for address in late.keys() - moving.keys():
            self._own_below(address)
        for address, late_list in moving.items():
            block = self.ledger.desired.blocks[address]
            moves = place_change(late_list, block.place)
            if address in self.wanted:
                self.moved[address] = late_list.part
                changes = self.ledger.changes
                at = next(n for n, change in enumerate(changes) if change.address == str(address))
                changes[at] = replace(changes[at], values=(*changes[at].values, moves))
            elif self.ledger.is_ignored(address):
                self.ledger.leave(address, Action.UPDATE, LeftBy.IGNORE)
            elif self.ledger.is_left(address, Action.UPDATE, block):
                self._keep_late(address)
            else:
                self.moved[address] = late_list.part
                self._move(address, block, moves)

    def _keep_late(self, address: Address) -> None:
        """Own a list that stays below its source only if it was ours."""
        name = str(address)
        if name in self.ledger.adopted:
            self.ledger.adopted.remove(name)
            self.ledger.owned.forget(name)
        self._own_below(address)

    def _own_below(self, address: Address) -> None:
        """Own a list as one below its source. Every plan compares it, because a stack may move it above."""
        name = str(address)
        if name in self.ledger.owned:
            self.ledger.owned.keep(name, self._below(self.ledger.desired.blocks[address]))

    def _move(self, address: Address, block: Block, moves: ValueChange) -> None:
        name = str(address)
        if name in self.ledger.adopted:
            self.ledger.adopted.remove(name)
        was_above = name in self.ledger.previous.blocks and self.applied.get(name) != self._below(block)
        reason = Reason.DRIFT if was_above else Reason.CHANGED
        file = self.blocks[address].parts[0].tree.path
        change = Change(
            address=name, action=Action.UPDATE, reason=reason, values=(moves,), file=file, place=block.place
        )
        self.ledger.changes.append(change)


def _place(changed: Iterable[ValueChange]) -> Place | None:
    return next((change.place for change in changed if change.place is not None), None)
