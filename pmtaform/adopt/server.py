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
from pmtaform.adopt.wording import meaning, wording
from pmtaform.diagnostics import Place
from pmtaform.lang.blocks import SETTING, Address, Block, blocks_of
from pmtaform.lang.includes import Configuration
from pmtaform.lang.late_definitions import late_groups, late_lists
from pmtaform.lang.tree import Section, Tree, encode

_ORDER: Final = tuple(Form)


@dataclass(slots=True)
class BlockEntry:
    """One block of one server in its form. `why`: the reason for a form that is not typed.

    It holds no tree. `wording` and `meaning` are the digests of the live block; `meaning` is empty where the stack has
    the block's own lines.
    """

    address: Address
    place: Place
    form: Form
    wording: bytes
    meaning: bytes = b""
    remarks: frozenset[str] = frozenset()  # its comments
    has_secret: bool = False
    written: YamlEntry | None = None
    text: str = ""
    why: str = ""
    alike: bytes = b""  # its form, where that is the same on servers although the blocks differ
    order: tuple[Address, ...] = ()  # the pattern lists and sources whose order the stack keeps, this block with them

    @property
    def identity(self) -> tuple[Address, Form, bytes, tuple[Address, ...]]:
        """Equal on servers that may share the entry."""
        return self.address, self.form, self.alike or self.meaning or self.wording, self.order


@dataclass(slots=True)
class Copy:
    """A configuration file that the stack has as it is. `target`: its path on the host (None: the main file)."""

    path: str
    target: str | None
    content: bytes
    times: int = 1


@dataclass(slots=True)
class ServerBlocks:
    """The blocks of one server in their forms."""

    server: Server
    entries: list[BlockEntry]
    copies: list[Copy]
    end: tuple[str, ...] = ()  # comments at the end of the main file
    masked: int = 0
    late: tuple[tuple[Address, Address], ...] = ()  # lists below a source that uses them, and that source
    fragments: frozenset[str] = frozenset()

    @property
    def left(self) -> tuple[Address, ...]:
        """The blocks that are not in the stack."""
        return tuple(entry.address for entry in self.entries if entry.form is Form.LEFT)

    def forms(self) -> dict[Form, tuple[Address, ...]]:
        """The blocks by form."""
        return {form: tuple(e.address for e in self.entries if e.form is form) for form in Form}


@dataclass(slots=True)
class ServerReading:
    """A server's trees, blocks and comments, for as long as its blocks are put into their forms."""

    server: Server
    configuration: Configuration
    blocks: Mapping[Address, Block]
    comments: dict[int, Comments]
    secrets: Mapping[Address, Sequence[str]]  # of the blocks that hold any
    visits: Mapping[str, int]  # path -> how often it is read at top level
    late: tuple[Address, ...] = ()  # pattern lists below a source that uses them, and the sources that do
    below: tuple[tuple[Address, Address], ...] = ()  # the same lists, each with the first source

    @classmethod
    def of(cls, server: Server) -> ServerReading:
        """Read it."""
        configuration = server.read()
        blocks = blocks_of(configuration)
        secrets = {address: found for address, block in blocks.items() if (found := secrets_of(block))}
        hidden = frozenset(secret for found in secrets.values() for secret in found)
        comments = {id(tree): Comments.of(tree, hidden) for tree in configuration.trees.values()}
        visits: dict[str, int] = {configuration.main: 1}
        for block in blocks.values():
            for tree, count in _times(block):
                visits[tree.path] = max(visits.get(tree.path, 0), count)
        late = late_lists(configuration, blocks)
        below = tuple((each.address, each.user) for each in late.values())
        groups = late_groups(configuration, blocks) if late else ()
        return cls(server, configuration, blocks, comments, secrets, visits, groups, below)

    @property
    def hidden(self) -> frozenset[str]:
        """Every secret of the server."""
        return frozenset(secret for secrets in self.secrets.values() for secret in secrets)


def _times(block: Block) -> Iterator[tuple[Tree, int]]:
    """The trees of a block, and how often its first node in each is there."""
    trees: dict[int, tuple[Tree, list[int]]] = {}
    for part in block.parts:
        trees.setdefault(id(part.tree), (part.tree, []))[1].append(id(part.node))
    for tree, nodes in trees.values():
        yield tree, nodes.count(nodes[0])


def _remarks(block: Block) -> Iterator[str]:
    for part in block.parts:
        for raw in part.text.splitlines() if "#" in part.text else ():
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
            block = reading.blocks[entry.address]
            entries[place] = _entry(reading, block, Form.NATIVE, vault, skip.get(entry.address, frozenset()))
            entries[place].why = f"a section is called {entry.written.path[0]}, too"
    main = reading.comments[id(reading.configuration.tree)]
    return ServerBlocks(
        reading.server,
        entries,
        _copies(reading, entries, frozenset().union(*skip.values())),
        main.end if shape is Shape.YAML else (),
        sum(comments.masked for comments in reading.comments.values()),
        reading.below,
        reading.configuration.fragments,
    )


def _first_form(reading: ServerReading, block: Block, shape: Shape) -> Form:
    """The form to try first. YAML has no order, and a plan would move a pattern list that it has above its source."""
    if _is_copied(reading, block, shape):
        return Form.COPIED
    return Form.NATIVE if block.address in reading.late and block.address not in reading.secrets else Form.TYPED


def _is_copied(reading: ServerReading, block: Block, shape: Shape) -> bool:
    """Whether a block stays in a copy of its file: it is in one file only, and contains no secret."""
    paths = {part.tree.path for part in block.parts}
    configuration = reading.configuration
    if len(paths) > 1 or not paths.isdisjoint(configuration.fragments):
        return False
    return not (paths == {configuration.main} and shape is Shape.YAML) and block.address not in reading.secrets


def _entry(reading: ServerReading, block: Block, first: Form, vault: Vault, skip: frozenset[int]) -> BlockEntry:
    entry = BlockEntry(block.address, block.place, first, wording(block, skip), remarks=frozenset(_remarks(block)))
    if skip and all(id(part.node) in skip for part in block.parts):
        entry.form = Form.KEYED
    elif first is not Form.COPIED:
        entry.has_secret = block.address in reading.secrets
        _express(entry, reading, block, vault, skip)
    if entry.form is not Form.COPIED:
        entry.meaning = meaning(block)
    return entry


def _express(entry: BlockEntry, reading: ServerReading, block: Block, vault: Vault, skip: frozenset[int]) -> None:
    """Put a block into the first form that is exact, from the entry's on."""
    whys: list[str] = []
    for form in _ORDER[_ORDER.index(entry.form) :]:
        entry.form, entry.why = form, next(iter(whys), "")
        if form is Form.LEFT:
            return
        try:
            if form is Form.NATIVE:
                _as_native(entry, reading, block, skip)
            else:
                _as_yaml(entry, reading, block, vault, skip)
        except InexpressibleError as why:
            whys.append(str(why))
            continue
        return
    raise AssertionError("the last form takes every block")


def _as_yaml(entry: BlockEntry, reading: ServerReading, block: Block, vault: Vault, skip: frozenset[int]) -> None:
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


def _as_native(entry: BlockEntry, reading: ServerReading, block: Block, skip: frozenset[int]) -> None:
    if entry.has_secret:
        raise InexpressibleError("it holds a secret, and cannot be typed")
    text = block_text(block, reading.comments)
    if why := differs_as_text(text, block):
        raise InexpressibleError(why)
    entry.text = block_text(block, reading.comments, skip) if skip else text


_WHERE: Final = {
    Form.LEFT: "is left as it is on the host",
    Form.KEYED: "comes from dkim-keys of the stack",
}


def _copies(reading: ServerReading, entries: Sequence[BlockEntry], skip: frozenset[int]) -> list[Copy]:
    """The files that are copied, without what comes from elsewhere: other blocks, and the lines of keys in `skip`."""
    configuration = reading.configuration
    without: dict[int, str] = {}
    paths: set[str] = set()
    for entry in entries:
        block = reading.blocks[entry.address]
        if entry.form is Form.COPIED:
            paths.add(block.parts[0].tree.path)
            continue
        where = _WHERE.get(entry.form, "is in the stack's config")
        for part in block.parts:
            without[id(part.node)] = f"{entry.address} {where}"
    copies = []
    hidden = reading.hidden
    for path, tree in configuration.trees.items():
        is_main = path == configuration.main
        if path in paths:
            text = copied(tree, without, hidden, skip)
            copies.append(Copy(path, None if is_main else path, encode(text), reading.visits.get(path, 1)))
    return copies
