"""Secrets found on the way, each with the reference that takes its place in the stack."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pmtaform.adopt.choices import SecretsIn
from pmtaform.adopt.document import Map, Text, Value, escaped
from pmtaform.lang import values
from pmtaform.lang.blocks import Address, Block
from pmtaform.lang.catalogue import DirectiveSpec, catalogue
from pmtaform.lang.tree import Directive, Node, Section
from pmtaform.lang.values.text import words

FOLDER: Final = "secrets"
_LONGEST: Final = 120
_UNFIT: Final = re.compile(r"[^A-Za-z0-9._@+-]+")


@dataclass(slots=True)
class Vault:
    """Gives references. The same secret of the same block is one secret on every host that has it."""

    stack: str
    kind: SecretsIn
    values: dict[str, bytes] = field(default_factory=dict)  # reference -> value
    known: dict[tuple[str, bytes], str] = field(default_factory=dict)

    def reference(self, host: str, address: Address, name: str, value: str) -> str:
        """The reference for the secret `value` of the directive `name` in the block `address`."""
        content = value.encode("utf-8", "surrogateescape")
        block = _fit(f"{address.kind}-{address.key}" if address.key and address.kind != "setting" else address.kind)
        base = name if address.kind == "setting" else f"{block}-{name}"
        if (base, content) in self.known:
            return self.known[base, content]
        for stem in _stems(base, host):
            reference = self._reference(stem)
            if self.values.setdefault(reference, content) == content:
                break
        self.known[base, content] = reference
        return reference

    def _reference(self, stem: str) -> str:
        if self.kind is SecretsIn.ENV:
            name = re.sub(r"[^A-Z0-9]+", "_", f"{self.stack}_{stem}".upper()).strip("_")
            return f"env:{'_' if name[0].isdigit() else ''}{name}"
        if self.kind is SecretsIn.KEYRING:
            return f"keyring:{self.stack}/{stem}"
        return f"file:{FOLDER}/{stem}"


def _stems(base: str, host: str) -> Iterable[str]:
    yield base
    yield f"{host}-{base}"
    number = 2
    while True:
        yield f"{host}-{base}-{number}"
        number += 1


def _fit(text: str) -> str:
    """A text as part of a file's or an entry's name; characters that do not fit become their codes."""
    name = _UNFIT.sub(lambda odd: "-" if odd[0] in "/[]:, " else "".join(f"_{ord(c):x}" for c in odd[0]), text)
    name = name.strip("-.") or "x"
    if len(name) <= _LONGEST:
        return name
    whole = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{name[:_LONGEST]}-{whole[:12]}"


@lru_cache(maxsize=4096)
def _may_hold_one(scope: str, name: str) -> bool:
    """Whether a value under this name can hold a secret: most lines need no look at their value."""
    spec = catalogue().directive(scope, name)
    if spec is None:
        return values.mask(None, name, "x") != "x"
    return spec.sensitive is not None or spec.type == "acl"


def secret_of(scope: str, node: Directive) -> str | None:
    """The secret part of a directive's value, or None. Names that only sound like a secret's count, too."""
    if not _may_hold_one(scope, node.name):
        return None
    spec = catalogue().directive(scope, node.name)
    elsewhere = catalogue().anywhere(node.name) if spec is None else ()
    if elsewhere and not any(other.sensitive for other in elsewhere):
        return None  # out of place, and no secret where it belongs
    if values.mask(spec, node.name, node.value) == node.value:
        return None
    if spec is not None and spec.sensitive == "second":
        first = words(node.value)[0]
        return node.value[node.value.index(first) + len(first) :].strip()
    return node.value


def secrets_of(block: Block) -> list[str]:
    """Every secret that a block holds."""
    secrets: list[str] = []
    for part in block.parts:
        _collect("global", (part.node,), secrets)
    return secrets


def _collect(scope: str, nodes: Iterable[Node], secrets: list[str]) -> None:
    """Put the secrets of nodes that are in one scope into `secrets`."""
    for node in nodes:
        if isinstance(node, Section):
            _collect(node.tag, node.children, secrets)
        elif isinstance(node, Directive) and (secret := secret_of(scope, node)) is not None:
            secrets.append(secret)


def as_reference(vault: Vault, host: str, address: Address, spec: DirectiveSpec, node: Directive, secret: str) -> Value:
    """`{secret: REFERENCE}`, or with `value` where only what follows the first word is secret."""
    reference = Text(escaped(vault.reference(host, address, spec.name, secret)))
    if spec.sensitive == "second":
        return Map().put("value", Text(escaped(words(node.value)[0]))).put("secret", reference)
    return Map().put("secret", reference)
