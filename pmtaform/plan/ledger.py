"""The decisions of the comparison of one host: changes, differences that stay, and what is ours afterwards."""

from __future__ import annotations

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.plans import PROTECTED
from pmtaform.lang.blocks import Address, Block
from pmtaform.model.desired import Desired
from pmtaform.model.selection import Selection, matches
from pmtaform.plan.block_digests import Keyed
from pmtaform.plan.inputs import Previous
from pmtaform.plan.model import Action, Change, Left, LeftBy
from pmtaform.plan.owned_blocks import OwnedBlocks


class Ledger:
    """Collects the decisions on blocks, keys and files of one host, and what keeps a change from being made."""

    def __init__(self, desired: Desired, previous: Previous, selection: Selection, keyed: Keyed) -> None:
        self.desired = desired
        self.previous = previous
        self.changes: list[Change] = []
        self.left: list[Left] = []
        self.notes: list[Diagnostic] = []
        self.owned = OwnedBlocks(lambda: desired.blocks, keyed, previous.blocks)  # once applied
        self.owned_keys: dict[str, str] = {}  # address -> path, once applied
        self.adopted: list[str] = []
        self.forgotten: list[str] = []
        self._selection = selection

    def is_ignored(self, address: Address) -> bool:
        """Whether `lifecycle.ignore` names a block."""
        return is_ignored(self.desired, address)

    def leave(self, address: Address, action: Action, by: LeftBy) -> None:
        """Record a difference that stays."""
        self.left.append(Left(str(address), action, by))

    def is_left(self, address: Address, action: Action, block: Block | None = None) -> bool:
        """Whether the choice of blocks or `protect` keeps a change from being made; if so, it is recorded."""
        by = self._kept_by(address, action, block)
        if by is not None:
            self.leave(address, action, by)
        return by is not None

    def _kept_by(self, address: Address, action: Action, block: Block | None) -> LeftBy | None:
        host = self.desired.host
        if self._selection.excluded(host, address):
            return LeftBy.EXCLUDE
        if not self._selection.targeted(host, address):
            return LeftBy.TARGET
        pattern = next((p for p in self.desired.protect if matches(p, str(address))), None)
        if pattern is None or action is Action.CREATE:
            return None
        what = "deleted" if action is Action.DELETE else "changed"
        self.notes.append(_protected_note(host, address, what, pattern, block))
        return LeftBy.PROTECT


def is_ignored(desired: Desired, address: Address) -> bool:
    """Whether the stack's `lifecycle.ignore` names a block of the host."""
    return bool(desired.ignore) and any(matches(pattern, str(address)) for pattern in desired.ignore)


def _protected_note(host: str, address: Address, what: str, pattern: str, block: Block | None) -> Diagnostic:
    return PROTECTED.diagnostic(
        f"{address} would be {what}, but `lifecycle.protect` has {pattern!r}. It stays unchanged. Remove the pattern "
        "from the stack if the change is intended.",
        host=host,
        address=str(address),
        place=block.place if block is not None else None,
    )
