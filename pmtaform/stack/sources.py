"""The digest of everything that a host's configuration is compiled from, except the values of its secrets.

Two stacks with the same digest for a host compile it to the same, or find the same wrong with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from pmtaform.stack.nodes import Mapping, Node, Scalar, Sequence
from pmtaform.stack.stack import Stack, StackLayer


class HostSources:
    """The digests of one stack's hosts. A layer that many hosts share is read once."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._settings = _settings(stack)
        self._layers: dict[int, str] = {}

    def digest(self, host: str) -> str:
        """The SHA-256 of what the host is compiled from, in hex."""
        stack, spec = self._stack, self._stack.hosts[host]
        parts = [
            self._settings,
            repr((spec.name, spec.config_path, spec.activation, spec.transport, spec.groups)),
            *(self._layer(layer) for layer in stack.layers(host)),
            repr(stack.uses.get(host, ())),
        ]
        return _digest(parts)

    def _layer(self, layer: StackLayer) -> str:
        known = self._layers.get(id(layer))
        if known is None:
            known = self._layers[id(layer)] = _layer(layer)
        return known


def _settings(stack: Stack) -> str:
    """What a stack says for all of its hosts."""
    settings = (
        stack.name,
        stack.powermta,
        stack.strict,
        stack.allowed_paths,
        str(stack.unmanaged),
        stack.limits,
        stack.rules.powermta,
        sorted(stack.selectors.items()),
    )
    return repr(settings)


def _layer(layer: StackLayer) -> str:
    """The digest of a layer: keys and values in their order. Where they are written does not count."""
    parts: list[str] = [repr((layer.name, layer.lifecycle))]
    for node in (layer.variables, layer.config, layer.native, layer.keys, layer.files):
        if node is None:
            parts.append("none")
        else:
            _add(node, parts.append)
    return _digest(parts)


def _add(node: Node, add: Callable[[str], None]) -> None:
    if isinstance(node, Scalar):
        add(f"{node.style or '-'}{node.text}")
    elif isinstance(node, Mapping):
        add(f"mapping {len(node.entries)}")
        for key, value in node.entries.values():
            _add(key, add)
            _add(value, add)
    elif isinstance(node, Sequence):
        add(f"list {len(node.items)}")
        for item in node.items:
            _add(item, add)


def _digest(parts: list[str]) -> str:
    """The digest of a list of texts; each with its length, so that no two lists have the same."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()
