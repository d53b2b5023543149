"""The layers of one host laid over each other: stack, groups in their order, host."""

from __future__ import annotations

from dataclasses import dataclass, field

from pmtaform.diagnostics import Diagnostics
from pmtaform.diagnostics.codes.stack import DUPLICATE_DECLARATION, NULL_WITHOUT_EFFECT
from pmtaform.lang.blocks import Address
from pmtaform.stack.build import Builder
from pmtaform.stack.content import ALL, Item, Key, Removed, lay_over, removals
from pmtaform.stack.file_plans import FilePlan, files_of, merge_files
from pmtaform.stack.key_plans import KeyPlan, keys_of, merge_keys
from pmtaform.stack.native import entries_of, targets_of
from pmtaform.stack.rotations import expanded
from pmtaform.stack.stack import Stack, StackLayer
from pmtaform.stack.variables import Variables, resolve


@dataclass(slots=True)
class Layered:
    """The merged layers of one host, before they become text.

    `targets` are the files that blocks belong in: a block stays in its file when a higher layer replaces it. A key that
    is rotated is in `keys` once for each of its selectors, and as it was written in `rotated`.
    """

    variables: Variables
    items: dict[Key, Item] = field(default_factory=dict)
    keys: dict[str, KeyPlan] = field(default_factory=dict)
    files: dict[str, FilePlan] = field(default_factory=dict)
    targets: dict[Address, str] = field(default_factory=dict)
    rotated: dict[str, KeyPlan] = field(default_factory=dict)


def layered(stack: Stack, name: str, problems: Diagnostics) -> Layered:
    """The layers of the host `name` laid over each other. Errors go into `problems`."""
    layers = stack.layers(name)
    made = Layered(resolve([layer.variables for layer in layers], name, problems))
    for layer in layers:
        items = layer_items(stack, layer, made.variables, problems)
        made.targets.update(targets_of(items))
        made.items = lay_over(made.items, items)
        made.keys = merge_keys(made.keys, keys_of(layer.keys, made.variables, problems))
        made.files = merge_files(made.files, files_of(layer.files, made.variables, problems))
    made.keys, made.rotated = expanded(made.keys, stack.selectors, problems)
    return made


def layer_items(stack: Stack, layer: StackLayer, variables: Variables, problems: Diagnostics) -> dict[Key, Item]:
    """The items of one layer: its `config` and its native files together."""
    config = Builder(stack.rules, problems).config(layer.config, variables)
    natives = stack.natives.blocks(entries_of(layer.native, variables, stack.allowed_paths, problems), problems)
    items: dict[Key, Item] = dict(natives)
    for key, item in config.items():
        native = natives.get(key)
        if native is not None and not isinstance(item, Removed):
            detail = f"{Address(*key)} is in `config` and, at {native.place}, in a native file of the same layer. "
            detail += "Keep it in one of them; a group or a host may replace it."
            problems.report(DUPLICATE_DECLARATION, detail, item.place, related=(native.place,))
    if layer is stack.base:
        for key, item in removals(config):
            if not any(key == known or (key[1] == ALL and key[0] in known) for known in natives):
                detail = (
                    "The stack's own layer is the lowest, so null removes nothing here, and the key has no effect. "
                )
                detail += "Write an empty section as {}."
                problems.report(NULL_WITHOUT_EFFECT, detail, item.place)
    return lay_over(items, config) if natives else config
