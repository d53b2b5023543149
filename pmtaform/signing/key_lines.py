"""The `domain-key` lines that a host should have, also those that are not from `dkim-keys`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang.blocks import Block, directives_in
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.effective import Effective
from pmtaform.lang.effective.signing import KeyLine, first_matches, key_line, signing_keys
from pmtaform.model.desired import Desired, KeyFile
from pmtaform.stack.linting import as_configuration

_NAME: Final = "domain-key"


def line_of(key: KeyFile) -> KeyLine:
    """The line that a key file has where it signs."""
    return KeyLine(key.selector, key.domain.lower(), key.path)


def signers_of(desired: Desired, key: KeyFile) -> Iterator[str]:
    """The virtual MTAs and pools whose sections have the key's line; lists that messages choose by their address."""
    wanted = line_of(key)
    for address, block in desired.blocks.items():
        if block.is_section and wanted in _lines(block):
            yield address.key if address.kind.startswith("virtual-mta") else str(address)


def idle_lines(desired: Desired) -> frozenset[KeyLine]:
    """The keys of a host that nothing signs with by the stack: no domain has it so, or another key comes first."""
    effective = Effective(as_configuration(desired)[0])
    signs, first = signing_keys(effective), first_matches(effective.reading)
    lines = map(line_of, keys_of(desired))
    return frozenset(line for line in lines if not signs.get(line, False) or first.get(line) is not None)


def keys_of(desired: Desired) -> tuple[KeyFile, ...]:
    """The keys of `dkim-keys`, and those that lines beside them name, without a reference: their files are not ours.

    A line with a macro, or whose path is not absolute, names no file that could be looked at.
    """
    undeclared: dict[KeyLine, KeyFile] = {}
    declared = {line_of(key) for key in desired.keys}
    for block in desired.blocks.values():
        for part, _, node in directives_in(block):
            line = key_line(node.value) if _is_key(node.name) else None
            if line is None or line in declared or line in undeclared:
                continue
            if line.path.startswith("/") and not any("$" in field for field in line):
                undeclared[line] = KeyFile(
                    domain=line.domain,
                    selector=line.selector,
                    path=line.path,
                    reference="",
                    private_key=None,
                    place=part.tree.place(node.line),
                )
    return (*desired.keys, *undeclared.values())


def _lines(block: Block) -> set[KeyLine]:
    lines = (key_line(node.value) for _, _, node in directives_in(block) if _is_key(node.name))
    return {line for line in lines if line is not None}


def _is_key(name: str) -> bool:
    return catalogue().canonical(GLOBAL, name) == _NAME
