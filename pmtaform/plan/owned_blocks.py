"""The blocks of a host that are ours once a plan is applied, with the digests that the state will have of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn

from pmtaform.lang.blocks import Address, Block
from pmtaform.plan.block_digests import Keyed, block_digest

Blocks = Callable[[], Mapping[Address, Block]]


class OwnedBlocks(Mapping[str, str]):
    """Digests by address. That of a declared block is made when it is read: a plan that is only shown needs none.

    `blocks` returns the declared blocks, `known` are the digests of the last apply by address.
    """

    def __init__(self, blocks: Blocks, keyed: Keyed, known: Mapping[str, str]) -> None:
        self._blocks = blocks
        self._keyed = keyed
        self._known = known
        self._digests: dict[str, str] = {}
        self._declared: dict[str, Address] = {}

    def declare(self, name: str, address: Address) -> None:
        """Own a block as it is declared."""
        self._declared[name] = address

    def keep(self, name: str, digest: str) -> None:
        """Own a block as it was when it had this digest."""
        self._declared.pop(name, None)
        self._digests[name] = digest

    def forget(self, name: str) -> None:
        """Do not own a block."""
        self._declared.pop(name, None)
        self._digests.pop(name, None)

    def with_blocks(self, blocks: Blocks) -> OwnedBlocks:
        """The same, with the declared blocks from elsewhere."""
        owned = OwnedBlocks(blocks, self._keyed, self._known)
        owned._digests, owned._declared = self._digests, self._declared
        return owned

    def __getitem__(self, name: str) -> str:
        address = self._declared.get(name)
        if address is not None:
            self._digests[name] = block_digest(self._blocks()[address], self._keyed, self._known.get(name))
            del self._declared[name]
        return self._digests[name]

    def __contains__(self, name: object) -> bool:
        return name in self._declared or name in self._digests

    def __iter__(self) -> Iterator[str]:
        return iter([*self._declared, *self._digests])  # a list: reading a digest moves its name

    def __len__(self) -> int:
        return len(self._declared) + len(self._digests)

    def __getstate__(self) -> tuple[Keyed, dict[str, str], dict[str, Address]]:
        """What leaves the process: no blocks, whose trees stay where they are. `with_blocks` adds them again."""
        return self._keyed, self._digests, self._declared

    def __setstate__(self, state: tuple[Keyed, dict[str, str], dict[str, Address]]) -> None:
        self._blocks, self._known = _elsewhere, {}
        self._keyed, self._digests, self._declared = state


def _elsewhere() -> NoReturn:
    raise AssertionError("the blocks are in the process that sent this")
