"""Whether what a stack would say of a block is that block: compiled as stacks are, and compared with the live one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pmtaform.adopt.document import Item, Map, document
from pmtaform.adopt.say import Said
from pmtaform.adopt.scalars import UnwritableError
from pmtaform.diagnostics import Diagnostics
from pmtaform.diagnostics.codes.values import BAD_VALUE, SECTION_NAME
from pmtaform.lang.blocks import Block, collect
from pmtaform.lang.parsing import parse
from pmtaform.secrets import Secret
from pmtaform.stack.build import Builder, StackRules
from pmtaform.stack.emit import Writer
from pmtaform.stack.variables import Variables
from pmtaform.stack.yaml import read_yaml

_TELLING: Final = (BAD_VALUE, SECTION_NAME)


def nested(said: Said) -> Map:
    """A `config` that says nothing but one block."""
    root = Map()
    into = root
    for key in said.path[:-1]:
        inner = Map()
        into.put(key, inner)
        into = inner
    into.items.append(Item(said.item.value, said.path[-1], said.item.above, said.item.beside))
    return root


def differs(said: Said, block: Block, secrets: Mapping[str, bytes]) -> str | None:
    """Why `said` is not `block`, or None when it is."""
    found = Diagnostics()
    try:
        text = document(nested(said))
    except UnwritableError:
        return "it has characters that YAML does not take"
    node = read_yaml(text.encode(), "check", found)
    items = Builder(StackRules(), found).config(node, Variables({"host": "host"}))
    writer = Writer(lambda reference, _place: Secret(secrets[reference], reference), found)
    writer.items(items)
    tree = parse(writer.text)
    if found.has_errors or tree.diagnostics:
        first = (*found.errors, *tree.diagnostics)[0]
        is_telling = first.is_any_of(*_TELLING) and not said.has_secret  # a detail may repeat the value
        return first.detail.rstrip(".") if is_telling else first.summary[0].lower() + first.summary[1:]
    made = collect((tree, node) for node in tree.children)
    if list(made) != [block.address] or not block.same_as(made[block.address]):
        return "it would not be the same to PowerMTA"
    return None


def differs_as_text(text: str, block: Block) -> str | None:
    """Why the native `text` is not `block`, or None when it is."""
    tree = parse(text)
    made = collect((tree, node) for node in tree.children)
    if list(made) != [block.address] or not block.same_as(made[block.address]):
        return "its lines mean something else by themselves"
    return None
