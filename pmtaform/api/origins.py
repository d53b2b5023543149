"""Where each value of a host's wanted configuration was written: layer, file and line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pmtaform.diagnostics import Place, did_you_mean
from pmtaform.diagnostics.codes.command_line import NO_SUCH_BLOCK
from pmtaform.errors import UsageError
from pmtaform.lang import values
from pmtaform.lang.blocks import Block, directives_in
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.tree import Section
from pmtaform.model.desired import Desired
from pmtaform.model.selection import matches
from pmtaform.stack import Stack
from pmtaform.stack.nodes import Mapping, Node, Scalar, Sequence
from pmtaform.stack.resolve import desired_of
from pmtaform.stack.stack import StackLayer


@dataclass(frozen=True, slots=True)
class Row:
    """One value. `path` are the sections around it inside the block; `layer` is the stack, a group or the host."""

    path: tuple[str, ...]
    name: str
    value: str
    layer: str
    place: Place


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the values of one block come from, in its order."""

    host: str
    address: str
    rows: tuple[Row, ...]


def origins_of(stack: Stack, host: str, address: str) -> list[Origins]:
    """Where the values of the blocks that `address` names come from (patterns: `model.selection`).

    No secret is looked up. Raises `UsageError` when the stack declares no such block for the host.
    """
    desired = desired_of(stack, host, secrets=False)
    whose = _Layers(stack, host)
    origins = [_origins(host, block, whose) for block in _chosen(desired, address)]
    if not origins:
        known = [str(each) for each in desired.blocks]
        near = did_you_mean(address, known) or f" `pmtaform render {host}` shows what the stack declares for it."
        detail = f"The stack does not declare {address} for {host}.{near}"
        raise UsageError.of(NO_SUCH_BLOCK, detail)
    return origins


def _chosen(desired: Desired, address: str) -> list[Block]:
    return [block for each, block in desired.blocks.items() if matches(address, str(each))]


def _origins(host: str, block: Block, whose: _Layers) -> Origins:
    rows = []
    for part, path, directive in directives_in(block):
        outer = path[-1].partition("[")[0] if path else part.node.tag if isinstance(part.node, Section) else GLOBAL
        spec = catalogue().directive(outer, directive.name)
        place = part.tree.place(directive.line)
        value = values.mask(spec, directive.name, directive.value)
        rows.append(Row(path, directive.name, value, whose.of(place), place))
    return Origins(host, str(block.address), tuple(rows))


class _Layers:
    """Tells the layer that a place belongs to."""

    def __init__(self, stack: Stack, host: str) -> None:
        self._lines: dict[tuple[str, int], str] = {}
        self._natives: list[tuple[re.Pattern[str], str]] = []
        for layer in stack.layers(host):
            for node in (layer.config, layer.keys):
                for file, line in _lines_of(node):
                    self._lines.setdefault((file, line), layer.name)
            self._natives += [(pattern, layer.name) for pattern in _native_files(layer)]

    def of(self, place: Place) -> str:
        """The name of the layer; "the stack" if the layer is unknown."""
        layer = self._lines.get((place.file, place.line or 0))
        if layer is None:
            layer = next((name for pattern, name in self._natives if pattern.search(place.file)), None)
        return layer or "stack"


def _lines_of(node: Node | None) -> Iterator[tuple[str, int]]:
    """Every line that a node has something on."""
    if isinstance(node, Scalar):
        for line in range(node.line, node.line + 2 + (node.text.count("\n") if node.is_block else -1)):
            yield node.file, line
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _lines_of(item)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield key.file, key.line
            yield from _lines_of(value)


def _native_files(layer: StackLayer) -> Iterator[re.Pattern[str]]:
    """The native files of a layer; a variable in a name stands for any text."""
    if isinstance(layer.native, Sequence):
        for item in layer.native.items:
            file = item.get("file") if isinstance(item, Mapping) else item
            if isinstance(file, Scalar):
                parts = re.split(r"\$\{[^}]*\}", file.text.removeprefix("./"))
                yield re.compile("(?:^|/)" + ".*".join(map(re.escape, parts)) + "$")
