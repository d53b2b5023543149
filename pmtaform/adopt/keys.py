"""DKIM keys: `domain-key` lines that `dkim-keys` of the stack can make, at the same places and in the same order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pmtaform.adopt.choices import KeysIn
from pmtaform.adopt.document import List, Map, Text, escaped, texts
from pmtaform.adopt.model import KeyMaterial
from pmtaform.dkim.keys import load_private_key, same_private_key
from pmtaform.errors import Invalid
from pmtaform.lang import values
from pmtaform.lang.blocks import Address, Block, directives_in
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.tree import Directive, Section
from pmtaform.lang.values.text import split, without_idle_quotes
from pmtaform.stack.keys import FOLDER as PLACE
from pmtaform.stack.native import directive_named
from pmtaform.stack.paths import path_problem

FOLDER: Final = "keys"
_SIGNERS: Final = ("virtual-mta", "virtual-mta-pool")
_DOMAIN: Final = re.compile(r"\*|(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)*[^\W_](?:[\w-]{0,61}[^\W_])?")
_SELECTOR: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9_])?")
_MODES: Final = frozenset({0o400, 0o440, 0o600, 0o640})


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
    def identity(self) -> tuple[str, str, str]:
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
    result = []
    for address, block in blocks.items():
        is_signer = address.kind in _SIGNERS and len(block.parts) == 1
        if not is_signer and isinstance(block.parts[0].node, Section):
            continue
        for _, path, node in directives_in(block):
            if path or catalogue().canonical("global", node.name) != name:
                continue
            fields = split(values.normalise(catalogue().directive("global", name), node.value))
            if len(fields) == 3:
                result.append(DomainKeyLine(node, address, fields[1], fields[0], without_idle_quotes(fields[2])))
    return result


def key_paths(blocks: Mapping[Address, Block]) -> list[str]:
    """The key files that the lines name."""
    return list(dict.fromkeys(line.path for line in key_lines(blocks) if line.path.startswith("/")))


def take(
    blocks: Mapping[Address, Block],
    material: Mapping[str, KeyMaterial],
    kind: KeysIn,
    stack: str,
    secrets: dict[str, bytes],
    not_in: Iterable[Address] = (),
) -> Taken:
    """Take in every key whose lines can be made again exactly. `not_in` are blocks that keep their lines."""
    if kind is KeysIn.LEAVE:
        return Taken()
    lines = key_lines(blocks)
    kept_out = set(not_in)
    reasons = _unfit(lines, material)
    while True:
        good = [line for line in lines if line.identity not in reasons]
        bad_homes = kept_out | _out_of_order(lines, good)
        unfit = {line.identity: "its lines would not stay in their order" for line in good if line.home in bad_homes}
        if not unfit:
            break
        reasons = {**unfit, **reasons}
    entries = [_entry(key, good, material, kind, stack, secrets) for key in dict.fromkeys(x.identity for x in good)]
    by_home: dict[Address, set[int]] = {}
    for line in good:
        by_home.setdefault(line.home, set()).add(id(line.node))
    left = {f"{domain}/{selector}": why for (domain, selector, _), why in reasons.items()}
    return Taken(tuple(entries), {home: frozenset(entries_) for home, entries_ in by_home.items()}, left)


def _unfit(lines: list[DomainKeyLine], material: Mapping[str, KeyMaterial]) -> dict[tuple[str, str, str], str]:
    reasons: dict[tuple[str, str, str], str] = {}
    paths: dict[str, set[tuple[str, str, str]]] = {}
    named: dict[tuple[str, str], set[str]] = {}
    for line in lines:
        paths.setdefault(line.path, set()).add(line.identity)
        named.setdefault((line.domain, line.selector), set()).add(line.path)
    for line in lines:
        homes = [other.home for other in lines if other.identity == line.identity]
        if why := _problem(line, material.get(line.path)):
            reasons[line.identity] = why
        elif len(paths[line.path]) > 1:
            reasons[line.identity] = "one key file serves several selectors"
        elif len(named[line.domain, line.selector]) > 1:
            reasons[line.identity] = "one selector has several key files"
        elif len(set(homes)) < len(homes):
            reasons[line.identity] = "its line occurs twice"
        elif len({home.kind in _SIGNERS for home in homes}) > 1:
            reasons[line.identity] = "it signs for all and for some"
        elif len({home.key for home in homes}) < len(homes):
            reasons[line.identity] = "a virtual MTA and a pool have one name"
    return reasons


def _problem(line: DomainKeyLine, key: KeyMaterial | None) -> str:
    if key is None:
        return f"{line.path} could not be read"
    if not key.content.strip():
        return f"{line.path} is empty"
    if why := _unfit_key(line.path, key.content):
        return why
    if key.mode not in _MODES:
        return f"{line.path} has the mode {key.mode:04o}, and others could read it"
    if path_problem(line.path, ("/etc/pmta",)):
        return f"{line.path} is not below /etc/pmta"
    if not _DOMAIN.fullmatch(line.domain) or not _SELECTOR.fullmatch(line.selector) or ".." in line.selector:
        return "its domain or selector is not usual"
    return ""


def _unfit_key(path: str, content: bytes) -> str:
    try:
        key = load_private_key(content, reference=path)
    except Invalid as problem:
        return problem.diagnostics[0].detail.rstrip(".")
    if not same_private_key(content, key.pem.reveal()):
        return f"{path} is in a form that PowerMTA may not read, and would be written in another"
    return ""


def _out_of_order(lines: list[DomainKeyLine], good: list[DomainKeyLine]) -> set[Address]:
    """The blocks whose lines would not come in the order that they have."""
    taken = {line.identity for line in good}
    order = {identity: place for place, identity in enumerate(dict.fromkeys(line.identity for line in good))}
    homes = set()
    for home in dict.fromkeys(line.home for line in good):
        here = [line for line in lines if line.home == home]
        declared = [line for line in here if line.identity not in taken]
        fresh = sorted((line for line in here if line.identity in taken), key=lambda line: order[line.identity])
        made = [*declared, *fresh]
        made.sort(key=lambda line: line.domain == "*")
        if made != here:
            homes.add(home)
    return homes


def _entry(
    identity: tuple[str, str, str],
    good: list[DomainKeyLine],
    material: Mapping[str, KeyMaterial],
    kind: KeysIn,
    stack: str,
    secrets: dict[str, bytes],
) -> KeyEntry:
    domain, selector, path = identity
    key = material[path]
    homes = [line.home for line in good if line.identity == identity]
    signs = tuple(home.key for home in homes if home.kind in _SIGNERS)
    stem = f"{'all' if domain == '*' else domain}/{selector}"
    number = 1
    while True:
        tail = "" if number == 1 else f"-{number}"
        shown = f"file:{FOLDER}/{stem.replace('/', '.')}{tail}.pem"
        reference = shown if kind is KeysIn.FILE else f"keyring:{stack}/dkim/{stem}{tail}"
        if secrets.setdefault(reference, key.content) == key.content:
            return KeyEntry(domain, selector, path, reference, signs, key.mode)
        number += 1
