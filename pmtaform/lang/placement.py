"""The place of new blocks: after the last of their kind, or by the canonical order.

Order that means something to PowerMTA is kept: a `pattern-list` is before the `source` that uses it, a macro
before its use (docs/powermta/language.md section 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from pmtaform.lang.blocks import SETTING, Address, Block, address_of, directives_in
from pmtaform.lang.includes import Configuration
from pmtaform.lang.layout import start_of
from pmtaform.lang.tree import Junk, Node, Section, Tree

CANONICAL_ORDER: Final = (
    SETTING,
    "domain-macro",
    "include",
    "spool",
    "dns",
    "vault",
    "proxy",
    "smtp-listener",
    "transmissions-api",
    "transmissions-api-listener",
    "source-group",
    "address-list",
    "rewrite-list",
    "aliases",
    "pattern-list",
    "source",
    "smtp-user",
    "domain-key-list",
    "smtp-pattern-list",
    "bounce-category-patterns",
    "mx-rollup-list",
    "domain",
    "virtual-mta",
    "virtual-mta-pool",
    "bounce-processor",
    "feedback-loop-processor",
    "signals-filter",
    "signals",
    "acct-file",
)
_RANK: Final = {kind: rank for rank, kind in enumerate(CANONICAL_ORDER)}
_MACRO: Final = re.compile(r"\$(\w+)")


def rank(kind: str) -> int:
    """A kind's place in the canonical order; unknown kinds come last."""
    return _RANK.get(kind, len(_RANK))


def references(block: Block) -> set[Address]:
    """The blocks that must be before this one."""
    addresses: set[Address] = set()
    for part in block.parts:
        if isinstance(part.node, Section):
            addresses |= {Address("domain-macro", name) for name in _MACRO.findall(part.node.argument)}
    for part, path, directive in directives_in(block):
        addresses |= {Address("domain-macro", name) for name in _MACRO.findall(" ".join(path))}
        if directive.name == "domain-macro" or isinstance(part.node, Section) is False:
            addresses |= {Address("domain-macro", name) for name in _MACRO.findall(directive.value)}
        if block.address.kind == "source" and directive.name.lower() == "pattern-list":
            addresses.add(Address("pattern-list", directive.value))
    addresses.discard(block.address)
    return addresses


class Placement:
    """Decides for each new block the file, and the line that it goes before."""

    def __init__(
        self,
        configuration: Configuration,
        live: Mapping[Address, Block],
        wanted: Mapping[Address, Block],
        files: Mapping[Address, str],
    ) -> None:
        self.configuration = configuration
        self.live = live
        self.files = files
        self.users = _users({**live, **wanted}, live)
        self.top = [(tree, node) for tree, node in configuration.top_level() if not isinstance(node, Junk)]
        self.by_path: dict[str, list[tuple[Address, Node]]] = {}
        self.last_of_kind: dict[tuple[str, str], Node] = {}
        self.home_of_kind: dict[str, str] = {}
        for tree, node in self.top:
            address = address_of(node)
            self.by_path.setdefault(tree.path, []).append((address, node))
            self.last_of_kind[tree.path, address.kind] = node
            self.home_of_kind[address.kind] = tree.path

    def positions(self, new: Mapping[Address, Block]) -> Iterator[tuple[str, int, list[Block]]]:
        """(path, line index to insert before, blocks in order): blocks that go to one place come together."""
        placed: dict[Address, tuple[str, int]] = {}
        grouped: dict[tuple[str, int], list[Block]] = {}
        for address in self._in_order(new):
            path = self._file(address)
            at = self._line(path, address)
            for definition in references(new[address]):
                if definition in placed and placed[definition][0] == path:
                    at = max(at, placed[definition][1])
                at = max(at, self._end_in(path, definition))
            for user in self.users.get(address, ()):
                at = min(at, self._start_in(path, user, at))
            placed[address] = (path, at)
            grouped.setdefault((path, at), []).append(new[address])
        for (path, at), blocks in grouped.items():
            yield path, at, blocks

    def _in_order(self, new: Mapping[Address, Block]) -> list[Address]:
        """Canonical order, and within a kind definitions before what refers to them."""
        ordered = sorted(new, key=lambda address: rank(address.kind))
        done: dict[Address, None] = {}

        def take(address: Address, above: frozenset[Address]) -> None:
            if address in done or address in above:
                return
            for definition in sorted(references(new[address]) & new.keys()):
                take(definition, above | {address})
            done[address] = None

        for address in ordered:
            take(address, frozenset())
        return list(done)

    def _file(self, address: Address) -> str:
        if address in self.files:
            return self.files[address]
        main = self.configuration.main
        if address.kind == SETTING or (main, address.kind) in self.last_of_kind:
            return main
        return self.home_of_kind.get(address.kind, main)

    def _line(self, path: str, address: Address) -> int:
        nodes = self.by_path.get(path, [])
        if not nodes:
            tree = self.configuration.trees.get(path)
            return len(tree.lines) if tree else 0
        if address.kind == SETTING:
            return self._after_settings(path, nodes)
        last = self.last_of_kind.get((path, address.kind))
        if last is not None:
            return last.end
        before = [node for other, node in nodes if rank(other.kind) <= rank(address.kind)]
        return max(node.end for node in before) if before else self._before(path, nodes[0][1])

    def _after_settings(self, path: str, nodes: list[tuple[Address, Node]]) -> int:
        """After the settings that a file starts with; else after its last setting; else before its first block."""
        leading: Node | None = None
        for address, node in nodes:
            if isinstance(node, Section):
                break
            if address.kind == SETTING:
                leading = node
        leading = leading or self.last_of_kind.get((path, SETTING))
        return leading.end if leading else self._before(path, nodes[0][1])

    def _before(self, path: str, node: Node) -> int:
        """Before a node and the comment lines right above it."""
        return start_of(self.configuration.trees[path], node)

    def _end_in(self, path: str, address: Address) -> int:
        parts = self.live[address].parts if address in self.live else ()
        return max((part.node.end for part in parts if part.tree.path == path), default=0)

    def _start_in(self, path: str, address: Address, default: int) -> int:
        parts = self.live[address].parts if address in self.live else ()
        return min((self._before(path, part.node) for part in parts if part.tree.path == path), default=default)


def _users(blocks: Mapping[Address, Block], live: Mapping[Address, Block]) -> dict[Address, list[Address]]:
    """For each definition, the live blocks that refer to it or will."""
    by_definition: dict[Address, list[Address]] = {}
    for address, block in blocks.items():
        if address in live and (address.kind in ("source", "domain-macro") or _may_use_macro(block)):
            for definition in references(block):
                by_definition.setdefault(definition, []).append(address)
    return by_definition


def _may_use_macro(block: Block) -> bool:
    return any("$" in line for part in block.parts for line in _text_lines(part.tree, part.node))


def _text_lines(tree: Tree, node: Node) -> list[str]:
    return tree.lines[node.line - 1 : node.end]
