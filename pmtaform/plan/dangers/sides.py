"""A configuration before and after a change, with the data that checks compare.

Checks compare what mail gets on the two sides. They never look at which line was edited: a limit that is lifted by a
deleted section, a macro, an order or a default that takes over is found in the same way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from pmtaform.lang.blocks import SETTING, Address, Block, BlockPart, nodes_of
from pmtaform.lang.effective import EffectiveChange, Value
from pmtaform.lang.effective.equivalence import Alike, Side
from pmtaform.lang.effective.model import SourceLine
from pmtaform.lang.includes import Configuration
from pmtaform.lang.tree import Directive, Section, Tree
from pmtaform.lang.values.networks import Network
from pmtaform.plan.dangers import words
from pmtaform.plan.dangers.intake import Intake, alike
from pmtaform.plan.dangers.queues import QueueChange, queue_changes
from pmtaform.plan.dangers.sections import Sections, are_same

# Blocks without lines of a queue that decide all the same which lines hold for it.
_STRUCTURE = ("domain-macro", "virtual-mta-pool", "mx-rollup-list", "include", "setting")


class _Span(NamedTuple):
    """The lines of a changed block in its file."""

    first: int
    last: int
    address: Address


class Sides:
    """Both sides of a change.

    `rate_factor`: how many times more a limit may allow before that is a danger. `defaults` is the vendor's
    config-defaults where it is known; it is the same on both sides. `verified` are (selector, domain) pairs whose
    records are in DNS. `effect` is the same change, where it is read already.
    """

    def __init__(
        self,
        before: Configuration,
        after: Configuration,
        rate_factor: float = 3.0,
        defaults: Configuration | None = None,
        verified: Collection[tuple[str, str]] = (),
        effect: EffectiveChange | None = None,
    ) -> None:
        self._effect = effect or EffectiveChange(before, after, defaults)
        self.before, self.after = self._effect.before, self._effect.after
        self.rate_factor = rate_factor
        self.verified = frozenset(verified)
        self._configurations = before, after
        self.memory: dict[str, object] = {}  # what checks share, by its name
        # By the identities of tuples of virtual MTAs: their words, and the tuples, so that no identity comes again.
        self._shown: dict[tuple[int, ...], tuple[str, tuple[tuple[str, ...], ...]]] = {}

    @cached_property
    def changed(self) -> dict[Address, tuple[Block | None, Block | None]]:
        """The blocks that differ, with both sides of each; None where a block is missing."""
        was, now = map(nodes_of, self._configurations)
        pairs = {
            address: (_block(address, was.get(address)), _block(address, now.get(address)))
            for address in dict.fromkeys((*was, *now))
            if not _are_same_lines(was.get(address), now.get(address))
        }
        return {address: pair for address, pair in pairs.items() if not _is_same(*pair)}

    @cached_property
    def sections_before(self) -> Sections:
        """The sections that the host has."""
        return Sections(self._configurations[0])

    @cached_property
    def sections_after(self) -> Sections:
        """The sections that the host will have."""
        return Sections(self._configurations[1])

    def are_same(self, *tags: str) -> bool:
        """Whether all sections with these tags are the same text on both sides, and include nothing."""
        return are_same(self.sections_before, self.sections_after, *tags)

    @property
    def configurations(self) -> tuple[Configuration, Configuration]:
        """What was read, before and after."""
        return self._configurations

    @cached_property
    def queues(self) -> tuple[QueueChange, ...]:
        """Every queue, and every virtual MTA as such, whose effective values change."""
        return tuple(queue_changes(self._effect))

    @cached_property
    def alike(self) -> Alike:
        """The virtual MTAs of both sides, those together that are under the same sections."""
        return Alike(Side(self.before), Side(self.after), self.virtual_mtas)

    @cached_property
    def intakes(self) -> tuple[Intake, Intake]:
        """How the server accepts mail on both sides."""
        return Intake(self.before), Intake(self.after)

    @cached_property
    def clients(self) -> tuple[tuple[Network, ...], ...]:
        """Classes of clients, those together that meet the same on both sides."""
        return alike(*self.intakes)

    @cached_property
    def _included_changes(self) -> bool:
        left, right = (
            {path: tree.lines for path, tree in side.trees.items() if path != side.main}
            for side in self._configurations
        )
        return left != right

    def touches(self, *names: str) -> bool:
        """Whether a section or setting with one of these names may differ: a check that reads no other has no work.

        An included file that changes may hold anything, also in the middle of a section.
        """
        wanted = set(names)
        return self._included_changes or any(
            (address.key if address.kind == SETTING else address.kind) in wanted for address in self.changed
        )

    @cached_property
    def virtual_mtas(self) -> tuple[str, ...]:
        """Every virtual MTA of both sides, `{default}` among them."""
        return tuple(vmta for vmta in self.before.virtual_mtas() if self.after.knows(vmta))

    def over(self, parts: Collection[tuple[str, ...]]) -> str:
        """Virtual MTAs in words, in the order of the configuration; the same parts are put into words once."""
        key = tuple(sorted(map(id, parts)))
        if key not in self._shown:
            names = dict.fromkeys(chain.from_iterable(parts))
            if len(parts) > 1:
                names = {**{name: None for name in self.virtual_mtas if name in names}, **names}
            self._shown[key] = words.virtual_mtas(names, self.virtual_mtas), tuple(parts)
        return self._shown[key][0]

    def because(self, cause: Address | None) -> str:
        """A clause that names the cause: `, because <domain *> is removed`; empty without one."""
        if cause is None:
            return ""
        before, after = self.changed[cause]
        verb = "is removed" if after is None else "is added" if before is None else "changes"
        return f", because {words.block(cause)} {verb}"

    def cause(self, *values: Value | None) -> Address | None:
        """The changed block that brings about a change of effective values: that of a line that decided.

        Where no deciding line is in a changed block, a changed block that decides which lines count (a macro, a pool,
        an include); None where that is not clear either.
        """
        lines = [line for value in reversed(values) if value is not None for line in value.lines]
        return self.cause_of_lines(lines)

    def cause_named(self, kind: str, key: str = "") -> Address | None:
        """The changed block with an address; where that did not change, as `cause`."""
        address = Address(kind, key)
        return address if address in self.changed else self.cause_of_lines(())

    def cause_of_lines(self, lines: Iterable[SourceLine]) -> Address | None:
        """Like `cause`, for lines."""
        for line in lines:
            spans = self._spans.get(id(line.tree), [])
            at = bisect_right(spans, line.number, key=lambda span: span.first) - 1
            if at >= 0 and line.number <= spans[at].last:
                return spans[at].address
        if len(self.changed) == 1:
            return next(iter(self.changed))
        return next((a for kind in _STRUCTURE for a in self.changed if a.kind == kind), None)

    @cached_property
    def _spans(self) -> dict[int, list[_Span]]:
        """By tree (each side has its own): the lines of each changed block, in order; blocks do not overlap."""
        spans: dict[int, list[_Span]] = {}
        for address, pair in self.changed.items():
            for block in pair:
                for part in block.parts if block is not None else ():
                    spans.setdefault(id(part.tree), []).append(_Span(part.node.line, part.node.end, address))
        return {tree: sorted(own, key=lambda span: span.first) for tree, own in spans.items()}


_Nodes = list[tuple[Tree, Directive | Section]]


def _are_same_lines(before: _Nodes | None, after: _Nodes | None) -> bool:
    """Whether both are one piece each, of the same text: nearly all blocks are, and need no closer look."""
    if before is None or after is None or len(before) != 1 or len(after) != 1:
        return False
    (left, here), (right, there) = before[0], after[0]
    return here is there or left.lines[here.line - 1 : here.end] == right.lines[there.line - 1 : there.end]


def _block(address: Address, nodes: _Nodes | None) -> Block | None:
    return None if nodes is None else Block(address, tuple(BlockPart(tree, node) for tree, node in nodes))


def _is_same(before: Block | None, after: Block | None) -> bool:
    return before is not None and after is not None and before.same_as(after)
