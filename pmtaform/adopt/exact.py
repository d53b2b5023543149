"""Whether the stack's form of a block is exact: it is compiled as stacks are, and compared with the live block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pmtaform.adopt.document import Item, Map, document
from pmtaform.adopt.express import YamlEntry
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


def nested(written: YamlEntry) -> Map:
    """A `config` with this block alone."""
    root = Map()
    into = root
    for key in written.path[:-1]:
        inner = Map()
        into.put(key, inner)
        into = inner
    into.items.append(Item(written.item.value, written.path[-1], written.item.above, written.item.beside))
    return root


def differs(written: YamlEntry, block: Block, secrets: Mapping[str, bytes]) -> str | None:
    """Why `written` differs from `block`, or None when it does not."""
    problems = Diagnostics()
    try:
        text = document(nested(written))
    except UnwritableError:
        return "it has characters that YAML does not take"
    node = read_yaml(text.encode(), "check", problems)
    items = Builder(StackRules(), problems).config(node, Variables({"host": "host"}))
    writer = Writer(lambda reference, _place: Secret(secrets[reference], reference), problems)
    writer.items(items)
    tree = parse(writer.text)
    if problems.has_errors or tree.diagnostics:
        first = (*problems.errors, *tree.diagnostics)[0]
        is_telling = first.is_any_of(*_TELLING) and not written.has_secret  # a detail may repeat the value
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
