"""DKIM keys: `domain-key` lines that `dkim-keys` of the stack can make, at the same places and in the same order."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from pmtaform.adopt.choices import KeysIn
from pmtaform.adopt.document import List, Map, Text, escaped, texts
from pmtaform.adopt.model import KeyMaterial
from pmtaform.dkim.keys import load_private_key, same_private_key
from pmtaform.errors import Invalid
from pmtaform.lang import values
from pmtaform.lang.blocks import Address, Block
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.tree import Directive, decode
from pmtaform.lang.values.text import split, without_idle_quotes
from pmtaform.stack.keys import FOLDER as PLACE
from pmtaform.stack.native import directive_named
from pmtaform.stack.paths import path_problem

FOLDER: Final = "keys"
SIGNERS: Final = ("virtual-mta", "virtual-mta-pool")
_DOMAIN: Final = re.compile(r"\*|(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)*[^\W_](?:[\w-]{0,61}[^\W_])?")
_SELECTOR: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9_])?")
_KEY_LINE: Final = re.compile(rb"(?im)^[ \t\f\v]*domain-key[ \t\f\v]+([^\n]+(?:(?<=,)\n[^\n]+)*)")
_MODES: Final = frozenset({0o400, 0o440, 0o600, 0o640})
_KeyId = tuple[str, str, str]  # domain, selector, path
_ByKey = Mapping[_KeyId, Sequence["DomainKeyLine"]]


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One entry under `dkim-keys`. `signs` are the virtual MTAs and pools; empty: all."""

    domain: str
    selector: str
    path: str
    reference: str
    signs: tuple[str, ...]
    mode: int

    @property
    def name(self) -> str:
        """`example.com/s2026`."""
        return f"{self.domain}/{self.selector}"

    def body(self) -> Map:
        """Its YAML; what the stack would take by itself is left out."""
        made = Map().put("private-key", Text(escaped(self.reference)))
        if self.signs:
            made.put("signs", List(texts(*map(escaped, self.signs)).items))
        if self.path != f"{PLACE}/{self.selector}.{self.domain}.pem":
            made.put("path", Text(escaped(self.path)))
        if self.mode != 0o600:
            made.put("mode", Text(f"{self.mode:04o}"))
        return made


@dataclass(frozen=True, slots=True)
class DomainKeyLine:
    """One `domain-key` line: its three fields, and the block that it is in."""

    node: Directive
    home: Address
    domain: str
    selector: str
    path: str

    @property
    def identity(self) -> _KeyId:
        """What makes it one key."""
        return self.domain, self.selector, self.path


@dataclass(frozen=True, slots=True)
class Taken:
    """The imported keys of one server, the lines that they produce, by block, and why others are not imported."""

    entries: tuple[KeyEntry, ...] = ()
    lines: Mapping[Address, frozenset[int]] | None = None
    left: Mapping[str, str] | None = None


def key_lines(blocks: Mapping[Address, Block]) -> list[DomainKeyLine]:
    """Every `domain-key` line that could come from `dkim-keys`."""
    name = directive_named("domain-key")
    spec = catalogue().directive("global", name)
    is_key = _Named(name)
    result = []
    for address, block in blocks.items():
        for node in _own_directives(address, block):
            if not is_key[node.name]:
                continue
            fields = split(values.normalise(spec, node.value))
            if len(fields) == 3:
                result.append(DomainKeyLine(node, address, fields[1], fields[0], without_idle_quotes(fields[2])))
    return result


class _Named(dict[str, bool]):
    """Whether a name is one of a directive's; a host has a hundred thousand lines, and fifty names."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def __missing__(self, written: str) -> bool:
        self[written] = catalogue().canonical("global", written) == self._name
        return self[written]


def _own_directives(address: Address, block: Block) -> Iterator[Directive]:
    """The directives of a block at its own level: of a section only if it is one that signs, and in one piece."""
    for part in block.parts:
        node = part.node
        if isinstance(node, Directive):
            yield node
        elif address.kind in SIGNERS and len(block.parts) == 1:
            yield from (child for child in node.children if isinstance(child, Directive))


def key_paths(contents: Iterable[bytes]) -> list[str]:
    """The key files that the lines of configuration files may name, without parsing them: a superset."""
    spec = catalogue().directive("global", directive_named("domain-key"))
    found: dict[bytes, None] = {}
    for content in contents:
        found |= dict.fromkeys(_KEY_LINE.findall(content))
    paths: dict[str, None] = {}
    for value in found:
        fields = split(values.normalise(spec, decode(value).replace("\n", " ").partition("#")[0]))
        if len(fields) == 3:
            paths[without_idle_quotes(fields[2])] = None
    return [path for path in paths if path.startswith("/")]


@dataclass(slots=True)
class KeyTaker:
    """Imports keys, host by host. `secrets` gets them by reference."""

    kind: KeysIn
    stack: str
    secrets: dict[str, bytes]
    unfit: dict[tuple[str, bytes], str] = field(default_factory=dict)  # (path, content) -> why: each is checked once

    def take(
        self, blocks: Mapping[Address, Block], material: Mapping[str, KeyMaterial], not_in: Iterable[Address] = ()
    ) -> Taken:
        """Take in every key whose lines can be made again exactly. `not_in` are blocks that keep their lines."""
        if self.kind is KeysIn.LEAVE:
            return Taken()
        lines = key_lines(blocks)
        by_key = _grouped(lines, lambda line: line.identity)
        kept_out = set(not_in)
        reasons = self._unfit(by_key, material)
        while True:
            bad_homes = kept_out | _out_of_order(lines, reasons)
            why = "its lines would not stay in their order"
            found = {line.identity: why for line in lines if line.home in bad_homes and line.identity not in reasons}
            if not found:
                break
            reasons = {**found, **reasons}
        good = {identity: same for identity, same in by_key.items() if identity not in reasons}
        entries = [self._entry(same, material) for same in good.values()]
        by_home: dict[Address, set[int]] = {}
        for line in (line for same in good.values() for line in same):
            by_home.setdefault(line.home, set()).add(id(line.node))
        left = {f"{domain}/{selector}": why for (domain, selector, _), why in reasons.items()}
        return Taken(tuple(entries), {home: frozenset(nodes) for home, nodes in by_home.items()}, left)

    def _unfit(self, by_key: _ByKey, material: Mapping[str, KeyMaterial]) -> dict[_KeyId, str]:
        """Why keys are not imported. One pass over the keys: a host may have thousands of lines for each."""
        of_path = Counter(path for _, _, path in by_key)
        of_selector = Counter((domain, selector) for domain, selector, _ in by_key)
        reasons: dict[_KeyId, str] = {}
        for identity, same in by_key.items():
            domain, selector, path = identity
            if why := self._problem(same[0], material.get(path)):
                reasons[identity] = why
            elif of_path[path] > 1:
                reasons[identity] = "one key file serves several selectors"
            elif of_selector[domain, selector] > 1:
                reasons[identity] = "one selector has several key files"
            elif why := _homes_problem([line.home for line in same]):
                reasons[identity] = why
        return reasons

    def _problem(self, line: DomainKeyLine, key: KeyMaterial | None) -> str:
        if key is None:
            return f"{line.path} could not be read"
        if not key.content.strip():
            return f"{line.path} is empty"
        index = (line.path, hashlib.sha256(key.content).digest())
        if index not in self.unfit:
            self.unfit[index] = _unfit_key(line.path, key.content)
        if why := self.unfit[index]:
            return why
        if key.mode not in _MODES:
            return f"{line.path} has the mode {key.mode:04o}, and others could read it"
        if path_problem(line.path, ("/etc/pmta",)):
            return f"{line.path} is not below /etc/pmta"
        if not _DOMAIN.fullmatch(line.domain) or not _SELECTOR.fullmatch(line.selector) or ".." in line.selector:
            return "its domain or selector is not usual"
        return ""

    def _entry(self, same: Sequence[DomainKeyLine], material: Mapping[str, KeyMaterial]) -> KeyEntry:
        """The entry for the lines of one key."""
        domain, selector, path = same[0].identity
        key = material[path]
        signs = tuple(line.home.key for line in same if line.home.kind in SIGNERS)
        stem = f"{'all' if domain == '*' else domain}/{selector}"
        number = 1
        while True:
            tail = "" if number == 1 else f"-{number}"
            shown = f"file:{FOLDER}/{stem.replace('/', '.')}{tail}.pem"
            reference = shown if self.kind is KeysIn.FILE else f"keyring:{self.stack}/dkim/{stem}{tail}"
            if self.secrets.setdefault(reference, key.content) == key.content:
                return KeyEntry(domain, selector, path, reference, signs, key.mode)
            number += 1


_T = TypeVar("_T")


def _grouped(lines: Iterable[DomainKeyLine], by: Callable[[DomainKeyLine], _T]) -> dict[_T, list[DomainKeyLine]]:
    groups: dict[_T, list[DomainKeyLine]] = {}
    for line in lines:
        groups.setdefault(by(line), []).append(line)
    return groups


def _homes_problem(homes: Sequence[Address]) -> str:
    """Why the blocks with the lines of a key could not be named in its entry."""
    if len(set(homes)) < len(homes):
        return "its line occurs twice"
    if len({home.kind in SIGNERS for home in homes}) > 1:
        return "it signs for all and for some"
    if len({home.key for home in homes}) < len(homes):
        return "a virtual MTA and a pool have one name"
    return ""


def _unfit_key(path: str, content: bytes) -> str:
    try:
        key = load_private_key(content, reference=path)
    except Invalid as problem:
        return problem.diagnostics[0].detail.rstrip(".")
    if not same_private_key(content, key.pem.reveal()):
        return f"{path} is in a form that PowerMTA may not read, and would be written in another"
    return ""


def _out_of_order(lines: Iterable[DomainKeyLine], left: Container[_KeyId]) -> set[Address]:
    """The blocks whose lines would not come in the order that they have, were all keys but those in `left` imported."""
    taken = [line for line in lines if line.identity not in left]
    order = {identity: place for place, identity in enumerate(dict.fromkeys(line.identity for line in taken))}
    homes = set()
    for home, here in _grouped(lines, lambda line: line.home).items():
        declared = [line for line in here if line.identity not in order]
        fresh = sorted((line for line in here if line.identity in order), key=lambda line: order[line.identity])
        made = [*declared, *fresh]
        made.sort(key=lambda line: line.domain == "*")
        if fresh and made != here:
            homes.add(home)
    return homes
