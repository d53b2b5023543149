"""Whether a written stack declares exactly what its servers have, so that its plan is empty."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pmtaform.adopt.choices import Form
from pmtaform.adopt.model import OutFile
from pmtaform.adopt.server import BlockEntry, ServerBlocks
from pmtaform.adopt.wording import meaning, wording
from pmtaform.diagnostics import Diagnostic, Diagnostics, Place
from pmtaform.dkim import same_private_key
from pmtaform.errors import PmtaformError
from pmtaform.lang.blocks import Address, Block, blocks_of
from pmtaform.lang.includes import Configuration
from pmtaform.lang.late_definitions import late_lists
from pmtaform.secrets import Secret
from pmtaform.stack import Stack, compile_host, load_stack
from pmtaform.stack.native import entries_of
from pmtaform.stack.resolve import resolver_for
from pmtaform.stack.variables import Variables

Resolve = Callable[[str, Place | None], Secret]


@dataclass(frozen=True, slots=True)
class StackCheck:
    """What is not as it should be: blocks by host, and errors of the stack itself. Neither: all is well."""

    differ: Mapping[str, tuple[Address, ...]]
    errors: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether the stack declares what the servers have."""
        return not self.differ and not self.errors


def write(folder: Path, files: Mapping[str, OutFile]) -> None:
    """Write the files of a stack into a new folder, private ones for their owner only from the first byte on."""
    folder.mkdir(parents=True)
    for name, file in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.private or name.endswith("/.gitignore"):
            path.parent.chmod(0o700)
        path.touch(mode=0o600 if file.private else 0o644, exist_ok=False)
        path.write_bytes(file.content)


def verify(folder: Path, server_blocks: Sequence[ServerBlocks], secrets: Mapping[str, bytes]) -> StackCheck:
    """Load and compile the stack in `folder`, and compare every block and key with the live one.

    Secret files are read from the stack, as a plan does; `secrets` are the values that are not stored yet.
    """
    try:
        stack = load_stack(folder)
        resolve = _resolver(stack, secrets)
        bare = _without_natives(stack)
        differ = {
            one.server.name: tuple(
                _Comparison(bare, one, resolve, has_files=True).run()
                if _has_its_files(stack, one)
                else _Comparison(stack, one, resolve).run()
            )
            for one in server_blocks
        }
    except PmtaformError as problem:
        return StackCheck({}, problem.diagnostics)
    return StackCheck({host: wrong for host, wrong in differ.items() if wrong}, (), stack.own_diagnostics)


def _resolver(stack: Stack, secrets: Mapping[str, bytes]) -> Resolve:
    on_disk = resolver_for(stack)

    def resolve(reference: str, place: Place | None) -> Secret:
        if reference.startswith("file:"):
            return on_disk(reference, place)
        return Secret(secrets[reference], reference)

    return resolve


def _has_its_files(stack: Stack, one: ServerBlocks) -> bool:
    """Whether the native files that a stack gives a host are its own, byte by byte: their blocks are the live ones.

    So they are not parsed a second time. Keys would put lines into them.
    """
    layers = stack.layers(one.server.name)
    if one.late or any(layer.keys or layer.files or layer.variables for layer in layers):
        return False
    problems = Diagnostics()
    given: Counter[str] = Counter()
    for layer in layers:
        for entry in entries_of(layer.native, Variables({}), stack.allowed_paths, problems):
            file = stack.natives.read(entry, problems)
            if file is not None:
                given[file.digest] += 1
    live: Counter[str] = Counter()
    for copy in one.copies:
        live[hashlib.sha256(one.server.contents[copy.path]).hexdigest()] += copy.times
    return given == live and not problems.has_errors


def _without_natives(stack: Stack) -> Stack:
    """The stack with its `config` alone."""
    groups = {name: replace(layer, native=None) for name, layer in stack.groups.items()}
    own = {name: replace(layer, native=None) for name, layer in stack.own.items()}
    return replace(stack, base=replace(stack.base, native=None), groups=groups, own=own)


class _Comparison:
    """One host by the stack, and as it is. Its files are parsed again only where digests do not prove a block.

    `has_files`: the stack is one without native files, which are known to be the host's own.
    """

    def __init__(self, stack: Stack, one: ServerBlocks, resolve: Resolve, *, has_files: bool = False) -> None:
        self._desired = compile_host(stack, one.server.name, resolve)
        self._elsewhere = (Form.LEFT, Form.COPIED) if has_files else (Form.LEFT,)
        self._one = one
        self._read: tuple[Configuration, Mapping[Address, Block]] | None = None

    def run(self) -> Iterator[Address]:
        """The blocks that differ, and those whose key does."""
        blocks = self._desired.blocks
        for entry in self._one.entries:
            made = blocks.get(entry.address)
            if entry.form in self._elsewhere:
                if made is not None:
                    yield entry.address
            elif made is None or not self._is_same(entry, made):
                yield entry.address
        written = {entry.address for entry in self._one.entries}
        yield from (address for address in blocks if address not in written)
        yield from self._moved()
        yield from self._keys()

    def _is_same(self, entry: BlockEntry, made: Block) -> bool:
        if wording(made) == entry.wording:
            return True
        if entry.meaning:
            return meaning(made) == entry.meaning
        return made.same_as(self._live[1][entry.address])

    def _moved(self) -> Iterator[Address]:
        """The lists that a plan would move above the sources that use them."""
        if self._one.late:
            configuration, blocks = self._live
            yield from late_lists(configuration, blocks, declared=self._desired.blocks)

    def _keys(self) -> Iterator[Address]:
        """The keys that a plan would write."""
        for key in self._desired.keys:
            live, wanted = self._one.server.keys.get(key.path), key.private_key
            if live is None or wanted is None or live.mode & 0o077 & ~key.mode:
                yield key.address
                continue
            if not same_private_key(wanted.reveal(), live.content):
                yield key.address

    @property
    def _live(self) -> tuple[Configuration, Mapping[Address, Block]]:
        if self._read is None:
            configuration = self._one.server.read()
            self._read = configuration, blocks_of(configuration)
        return self._read
