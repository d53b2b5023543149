"""Native files: configuration as it is, beside or instead of `config`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pmtaform.diagnostics import Diagnostic, Diagnostics, Place, Severity
from pmtaform.diagnostics.codes.stack import (
    DUPLICATE_DECLARATION,
    NATIVE_CHANGED,
    NATIVE_OUTSIDE,
    NATIVE_SHAPE,
    PATH_NOT_ALLOWED,
    STACK_SHAPE,
)
from pmtaform.errors import Invalid
from pmtaform.lang.blocks import Address, Block, BlockPart, collect
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.parsing import parse, parse_bytes
from pmtaform.lang.tree import Section, Tree
from pmtaform.stack.build import StackRules
from pmtaform.stack.content import Key, Native, StackLine
from pmtaform.stack.document import read_file, root_of
from pmtaform.stack.nodes import Mapping as MappingNode
from pmtaform.stack.nodes import Node, Scalar, is_null, kind_of
from pmtaform.stack.nodes import Sequence as SequenceNode
from pmtaform.stack.paths import path_problem
from pmtaform.stack.text import check_tree
from pmtaform.stack.variables import Variables, substitute

_MOST_KEPT: Final = 16 * 1024 * 1024  # bytes of texts, about 80 hosts of 5,000 lines: they are not read twice


@dataclass(frozen=True, slots=True)
class NativeEntry:
    """One entry under `native`: the file in the stack, and where its blocks belong on the host (None: main file)."""

    file: str
    target: str | None
    place: Place


class NativeFile:
    """One native file. It is parsed when a host that uses it is compiled, and its tree kept only for further hosts.

    Its text is kept where `keep` allows it. Else it is read again: of 10,000 hosts with their own files, a plan parses
    those that something changed on, and the texts of all would be 2 GB.
    """

    __slots__ = ("_content", "_findings", "_path", "_severity", "_shown", "_tree", "digest", "size", "users")

    def __init__(self, path: Path, content: bytes, shown: str, severity: Severity, *, keep: bool = True) -> None:
        self.digest = hashlib.sha256(content).hexdigest()
        self.size = len(content)
        self.users = 0  # hosts
        self._path, self._content = path, content if keep else None
        self._shown, self._severity = shown, severity
        self._tree: Tree | None = None
        self._findings: Diagnostics | None = None

    def untouched(self) -> NativeFile:
        """The same file, not parsed yet, and for one user."""
        return NativeFile(self._path, self.content(), self._shown, self._severity)

    def content(self) -> bytes:
        """Its text. Raises `Invalid` if the file is not as it was when the stack was loaded."""
        if self._content is not None:
            return self._content
        problems = Diagnostics()
        content = read_file(self._path, self._shown, problems)
        if content is None or hashlib.sha256(content).hexdigest() != self.digest:
            detail = f"{self._shown} was written while this command ran. Run it again."
            raise Invalid.of(NATIVE_CHANGED, detail, place=Place(self._shown))
        return content

    def parsed(self, problems: Diagnostics) -> Tree:
        """Its tree; what is wrong with it goes into `problems`."""
        tree = self._tree or parse_bytes(self.content(), self._shown)
        self._tree = tree if self.users > 1 else None
        if problems.only_errors and self._severity is Severity.WARNING:
            return tree  # half of the time that a plan needs to compile a host
        if self._findings is None:
            findings = Diagnostics()
            check_tree(tree, self._severity, findings)
            self._findings = findings
        problems.extend(self._findings)
        return tree

    def findings(self) -> Diagnostics:
        """What is wrong with it."""
        if self._findings is None:
            self.parsed(Diagnostics())
        assert self._findings is not None  # `parsed` finds them
        return self._findings


def entries_of(
    node: Node | None, variables: Variables, allowed: tuple[str, ...], problems: Diagnostics
) -> list[NativeEntry]:
    """The entries under a layer's `native`, checked, their variables replaced."""
    if node is None or is_null(node):
        return []
    if not isinstance(node, SequenceNode):
        detail = f"It is {kind_of(node)}: write a list, `native: [files/legacy.conf]`."
        problems.report(STACK_SHAPE, detail, node.place)
        return []
    made = (_entry(item, variables, allowed, problems) for item in node.items)
    return [entry for entry in made if entry]


def _entry(node: Node, variables: Variables, allowed: tuple[str, ...], problems: Diagnostics) -> NativeEntry | None:
    target: str | None = None
    file = node.get("file") if isinstance(node, MappingNode) else node
    path = node.get("path") if isinstance(node, MappingNode) else None
    extra = set(node.entries) - {"file", "path"} if isinstance(node, MappingNode) else set()
    if not isinstance(file, Scalar) or file.is_null or extra or (path is not None and not isinstance(path, Scalar)):
        detail = "An entry is a file of the stack, or {file: FILE, path: /etc/pmta/conf.d/x.conf} with the file of the "
        detail += "host that its blocks belong in."
        problems.report(NATIVE_SHAPE, detail, node.place)
        return None
    text = substitute(file, variables, problems)
    if isinstance(path, Scalar):
        target = substitute(path, variables, problems)
        if target is None:
            return None
        if problem := path_problem(target, allowed):
            problems.report(PATH_NOT_ALLOWED, problem, path.place)
            return None
    return None if text is None else NativeEntry(text, target, file.place)


class NativeFiles:
    """The native files of a stack, each read and checked once."""

    def __init__(self, folder: Path, shown: str, rules: StackRules) -> None:
        self._folder = folder
        self._shown = shown
        self._rules = rules
        self._files: dict[str, NativeFile | None] = {}
        self._findings: dict[str, Diagnostics] = {}
        self._kept = 0  # bytes

    def read(self, entry: NativeEntry, problems: Diagnostics) -> NativeFile | None:
        """The file of an entry, not parsed yet, or None; why it cannot be read goes into `problems`."""
        if entry.file not in self._files:
            findings = self._findings[entry.file] = Diagnostics()
            shown = entry.file if Path(entry.file).is_absolute() else f"{self._shown}/{entry.file}"
            inside = self._inside(entry, findings)
            content = read_file(self._folder / entry.file, shown, findings, entry.place) if inside else None
            self._files[entry.file] = None if content is None else self._made(entry, content, shown)
        problems.extend(self._findings[entry.file])
        return self._files[entry.file]

    def _made(self, entry: NativeEntry, content: bytes, shown: str) -> NativeFile:
        self._kept += len(content)
        keep = self._kept <= _MOST_KEPT
        return NativeFile(self._folder / entry.file, content, shown, self._rules.native_severity, keep=keep)

    def _inside(self, entry: NativeEntry, problems: Diagnostics) -> bool:
        """Whether a file lies in the project: a proposed stack must not read other files."""
        if (self._folder / entry.file).resolve().is_relative_to(root_of(self._folder)):
            return True
        detail = (
            f"{entry.file} leads out of the project. Copy the file into it: error messages quote lines of these files."
        )
        problems.report(NATIVE_OUTSIDE, detail, entry.place)
        return False

    def only(self, names: Iterable[str]) -> NativeFiles:
        """Some of the files, without their trees."""
        some = NativeFiles(self._folder, self._shown, self._rules)
        some._files = {name: file.untouched() for name in names if (file := self._files.get(name)) is not None}
        some._findings = {name: self._findings[name] for name in some._files}
        return some

    def size(self, name: str) -> int:
        """The bytes of a file that was read."""
        file = self._files.get(name)
        return file.size if file is not None else 0

    def digests(self) -> list[tuple[str, str]]:
        """The digest of every file read so far, by its name in the stack."""
        return sorted((name, file.digest) for name, file in self._files.items() if file is not None)

    def findings(self) -> Iterator[Diagnostic]:
        """What is wrong with the files that were read."""
        return (finding for file in self._files.values() if file is not None for finding in file.findings())

    def blocks(self, entries: Iterable[NativeEntry], problems: Diagnostics) -> dict[Key, Native]:
        """The blocks that a layer's native files make up."""
        blocks: dict[Key, Native] = {}
        targets: dict[Key, str | None] = {}
        files = [(entry, self.read(entry, problems)) for entry in entries]
        trees = [(entry, file.parsed(problems)) for entry, file in files if file is not None]
        nodes = [(tree, node, entry) for entry, tree in trees for node in tree.children]
        where = {id(tree): entry.target for tree, _, entry in nodes}
        for address, block in collect((tree, node) for tree, node, _ in nodes).items():
            key = (address.kind, address.key)
            named = {where[id(part.tree)] for part in block.parts}
            if len(named) > 1:
                _two_homes(address, block, problems)
            targets[key] = where[id(block.parts[0].tree)]
            blocks[key] = Native(_closed(block), targets[key])
        return blocks


def _closed(block: Block) -> Block:
    """The block with the closing tags that were forgotten: without them, it would swallow what comes after it."""
    if all(not isinstance(part.node, Section) or part.node.closed for part in block.parts):
        return block
    return Block(block.address, tuple(_closed_part(part) for part in block.parts))


def _closed_part(part: BlockPart) -> BlockPart:
    section = part.node
    if not isinstance(section, Section) or section.closed:
        return part
    text = part.text if part.text.endswith("\n") else part.text + "\n"
    closing = [f"</{section.tag}>\n"]
    inner = section.children[-1] if section.children else None
    while isinstance(inner, Section) and not inner.closed:
        closing.insert(0, f"</{inner.tag}>\n")
        inner = inner.children[-1] if inner.children else None
    text += "".join(closing)
    origins: list[Place | None] = [part.tree.place(number) for number in range(section.line, section.end + 1)]
    return _parsed(text, part.tree.path, [*origins, *([origins[-1]] * len(closing))])


def _parsed(text: str, path: str, origins: list[Place | None]) -> BlockPart:
    tree = parse(text, path, origins=origins)
    section = tree.children[0]
    assert isinstance(section, Section)  # the text is that of a section
    return BlockPart(tree, section)


def _two_homes(address: Address, block: Block, problems: Diagnostics) -> None:
    detail = f"{address} is in native files that belong in different files of the host. Keep it in one."
    last = block.parts[-1].place
    problems.report(DUPLICATE_DECLARATION, detail, last, related=(block.place,))


def with_lines(more: Mapping[Key, tuple[Native, Sequence[StackLine]]]) -> dict[Key, Native]:
    """Native sections of one host with more directives, each before its closing tag.

    All are parsed as one text: for a host with thousands of virtual MTAs that takes a third of the time.
    """
    together = [_longer(native, lines) for native, lines in more.values()]
    parts: list[BlockPart] = []
    if len({path for _, path, _ in together}) == 1:
        path = together[0][1]
        tree = parse("".join(text for text, _, _ in together), path, origins=[o for each in together for o in each[2]])
        parts = [BlockPart(tree, node) for node in tree.children if isinstance(node, Section)]
    if len(parts) != len(more):  # of several files, or one reaches into the next
        parts = [_parsed(text, path, origins) for text, path, origins in together]
    return {
        key: Native(Block(native.block.address, (part, *native.block.parts[1:])), native.target)
        for (key, (native, _)), part in zip(more.items(), parts, strict=True)
    }


def _longer(native: Native, more: Sequence[StackLine]) -> tuple[str, str, list[Place | None]]:
    """The text of a section with more lines, its file, and where each line was written."""
    part = native.block.parts[0]
    first, end = part.node.line, part.node.end
    written = part.tree.lines[first - 1 : end]
    origins: list[Place | None] = [part.tree.place(number) for number in range(first, end + 1)]
    if not written[-1].endswith("\n"):
        written[-1] += "\n"
    written[-1:-1] = [f"    {line.name} {line.value}\n" for line in more]
    origins[-1:-1] = [line.place for line in more]
    return "".join(written), part.tree.path, origins


def directive_named(kind: str) -> str:
    """The name of the directive of a value type, from the catalogue."""
    return next(spec.name for spec in catalogue().directives if spec.type == kind)


def targets_of(items: Mapping[Key, object]) -> dict[Address, str]:
    """In which file of the host each native block belongs, where a stack names it."""
    targets = {Address(*key): item.target for key, item in items.items() if isinstance(item, Native)}
    return {address: target for address, target in targets.items() if target is not None}
