"""One server's blocks, each in the first form that is exact; and the files that are copied as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pmtaform.adopt.choices import Form, Shape
from pmtaform.adopt.comments import Comments
from pmtaform.adopt.exact import differs, differs_as_text
from pmtaform.adopt.express import BlockWriter, InexpressibleError, YamlEntry
from pmtaform.adopt.model import Server
from pmtaform.adopt.native import block_text, copied
from pmtaform.adopt.vault import Vault, secrets_of
from pmtaform.lang.blocks import SETTING, Address, Block, blocks_of
from pmtaform.lang.late_definitions import late_groups
from pmtaform.lang.tree import Section, Tree

_ORDER: Final = tuple(Form)


@dataclass(slots=True)
class BlockEntry:
    """One block of one server in its form. `why`: the reason for a form that is not typed."""

    address: Address
    block: Block
    form: Form
    written: YamlEntry | None = None
    text: str = ""
    why: str = ""
    alike: bytes = b""  # its form, where that is the same on servers although the blocks differ
    order: tuple[Address, ...] = ()  # the pattern lists and sources whose order the stack keeps, this block with them

    @property
    def identity(self) -> tuple[Address, Form, bytes, tuple[Address, ...]]:
        """Equal on servers that may share the entry."""
        return self.address, self.form, self.alike or self.block.canonical(), self.order

    @property
    def remarks(self) -> frozenset[str]:
        """Its comments."""
        return frozenset(_remarks(self.block))


@dataclass(slots=True)
class Copy:
    """A configuration file that the stack has as it is. `target`: its path on the host (None: the main file)."""

    path: str
    target: str | None
    text: str
    times: int = 1


@dataclass(slots=True)
class ServerBlocks:
    """The blocks of one server in their forms."""

    server: Server
    entries: list[BlockEntry]
    copies: list[Copy]
    end: tuple[str, ...] = ()  # comments at the end of the main file
    masked: int = 0

    @property
    def left(self) -> tuple[Address, ...]:
        """The blocks that are not in the stack."""
        return tuple(entry.address for entry in self.entries if entry.form is Form.LEFT)

    def forms(self) -> dict[Form, tuple[Address, ...]]:
        """The blocks by form."""
        return {form: tuple(e.address for e in self.entries if e.form is form) for form in Form}


@dataclass(slots=True)
class ServerReading:
    """A server's blocks and comments, read once for all attempts."""

    server: Server
    blocks: Mapping[Address, Block]
    comments: dict[int, Comments]
    secrets: frozenset[str]
    visits: Mapping[str, int]  # path -> how often it is read at top level
    late: tuple[Address, ...] = ()  # pattern lists below a source that uses them, and the sources that do

    @classmethod
    def of(cls, server: Server) -> ServerReading:
        """Read it."""
        configuration = server.configuration
        blocks = blocks_of(configuration)
        secrets = frozenset(secret for block in blocks.values() for secret in secrets_of(block))
        comments = {id(tree): Comments.of(tree, secrets) for tree in configuration.trees.values()}
        visits: dict[str, int] = {configuration.main: 1}
        for block in blocks.values():
            for tree, count in _times(block):
                visits[tree.path] = max(visits.get(tree.path, 0), count)
        return cls(server, blocks, comments, secrets, visits, late_groups(configuration, blocks))


def _times(block: Block) -> Iterator[tuple[Tree, int]]:
    """The trees of a block, and how often its first node in each is there."""
    trees: dict[int, tuple[Tree, list[int]]] = {}
    for part in block.parts:
        trees.setdefault(id(part.tree), (part.tree, []))[1].append(id(part.node))
    for tree, nodes in trees.values():
        yield tree, nodes.count(nodes[0])


def _remarks(block: Block) -> Iterator[str]:
    for part in block.parts:
        for raw in part.text.splitlines():
            if "#" in raw:
                yield raw[raw.index("#") :].strip()


def express(
    reading: ServerReading,
    shape: Shape,
    vault: Vault,
    least: Mapping[Address, Form],
    skip: Mapping[Address, frozenset[int]],
) -> ServerBlocks:
    """Say all blocks. `least` are forms before which a block need not be tried; `skip` are lines of keys by block."""
    entries = []
    for address, block in reading.blocks.items():
        first = _first_form(reading, block, shape)
        first = max(first, least.get(address, first), key=_ORDER.index)
        entry = _entry(reading, block, first, vault, skip.get(address, frozenset()))
        entry.order = reading.late if entry.form is Form.NATIVE and address in reading.late else ()
        entries.append(entry)
    tags = {entry.written.path[0] for entry in entries if entry.written and entry.address.kind != SETTING}
    for place, entry in enumerate(entries):
        if entry.written and entry.address.kind == SETTING and entry.written.path[0] in tags:
            entries[place] = _entry(reading, entry.block, Form.NATIVE, vault, skip.get(entry.address, frozenset()))
            entries[place].why = f"a section is called {entry.written.path[0]}, too"
    main = reading.comments[id(reading.server.configuration.tree)]
    return ServerBlocks(
        reading.server,
        entries,
        _copies(reading, entries, frozenset().union(*skip.values())),
        main.end if shape is Shape.YAML else (),
        sum(comments.masked for comments in reading.comments.values()),
    )


def _first_form(reading: ServerReading, block: Block, shape: Shape) -> Form:
    """The form to try first. YAML has no order, and a plan would move a pattern list that it has above its source."""
    if _is_copied(reading, block, shape):
        return Form.COPIED
    return Form.NATIVE if block.address in reading.late and not secrets_of(block) else Form.TYPED


def _is_copied(reading: ServerReading, block: Block, shape: Shape) -> bool:
    """Whether a block stays in a copy of its file: it is in one file only, and contains no secret."""
    paths = {part.tree.path for part in block.parts}
    configuration = reading.server.configuration
    if len(paths) > 1 or not paths.isdisjoint(configuration.fragments):
        return False
    return not (paths == {configuration.main} and shape is Shape.YAML) and not secrets_of(block)


def _entry(reading: ServerReading, block: Block, first: Form, vault: Vault, skip: frozenset[int]) -> BlockEntry:
    if skip and all(id(part.node) in skip for part in block.parts):
        return BlockEntry(block.address, block, Form.KEYED)
    whys: list[str] = []
    for form in _ORDER[_ORDER.index(first) :]:
        entry = BlockEntry(block.address, block, form, why=next(iter(whys), ""))
        if form in (Form.COPIED, Form.LEFT):
            return entry
        try:
            if form is Form.NATIVE:
                _as_native(entry, reading, skip)
            else:
                _as_yaml(entry, reading, vault, skip)
        except InexpressibleError as why:
            whys.append(str(why))
            continue
        return entry
    raise AssertionError("the last form takes every block")


def _as_yaml(entry: BlockEntry, reading: ServerReading, vault: Vault, skip: frozenset[int]) -> None:
    block = entry.block
    is_text = entry.form is Form.TEXT
    writer = BlockWriter(reading.server.name, vault, reading.comments)
    written = writer.express(block, text_only=is_text)
    if is_text and not isinstance(block.parts[0].node, Section):
        raise InexpressibleError(entry.why)
    if writer.has_text and not is_text:
        entry.form = Form.TEXT
    if why := differs(written, block, vault.values):
        raise InexpressibleError(why)
    if writer.has_text and not entry.why:
        entry.why = writer.why_text
    if skip:
        written = BlockWriter(reading.server.name, vault, reading.comments, skip).express(block, text_only=is_text)
    entry.written = written


def _as_native(entry: BlockEntry, reading: ServerReading, skip: frozenset[int]) -> None:
    if secrets_of(entry.block):
        raise InexpressibleError("it holds a secret, and cannot be typed")
    text = block_text(entry.block, reading.comments)
    if why := differs_as_text(text, entry.block):
        raise InexpressibleError(why)
    entry.text = block_text(entry.block, reading.comments, skip) if skip else text


_WHERE: Final = {
    Form.LEFT: "is left as it is on the host",
    Form.KEYED: "comes from dkim-keys of the stack",
}


def _copies(reading: ServerReading, entries: Sequence[BlockEntry], skip: frozenset[int]) -> list[Copy]:
    """The files that are copied, without what comes from elsewhere: other blocks, and the lines of keys in `skip`."""
    configuration = reading.server.configuration
    without: dict[int, str] = {}
    paths: set[str] = set()
    for entry in entries:
        if entry.form is Form.COPIED:
            paths.add(entry.block.parts[0].tree.path)
            continue
        where = _WHERE.get(entry.form, "is in the stack's config")
        for part in entry.block.parts:
            without[id(part.node)] = f"{entry.address} {where}"
    copies = []
    for path, tree in configuration.trees.items():
        is_main = path == configuration.main
        if path in paths:
            text, _ = copied(tree, without, reading.secrets, skip)
            copies.append(Copy(path, None if is_main else path, text, reading.visits.get(path, 1)))
    return copies
