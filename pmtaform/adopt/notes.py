"""The notes of an import: blocks without types and why, omitted, masked or lost lines, errors on the servers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pmtaform.adopt.choices import Form
from pmtaform.adopt.layers import Layers
from pmtaform.adopt.server import BlockEntry, ServerBlocks, ServerReading
from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.imports import (
    BLOCK_NATIVE,
    BLOCK_OMITTED,
    COMMENT_MASKED,
    COMMENTS_OMITTED,
    FRAGMENTS_UNCHANGED,
    KEY_KEPT_AS_LINE,
    LIST_BELOW_SOURCE,
    PATH_ALLOWED,
)
from pmtaform.diagnostics.codes.secrets import SECRET_IN_CLEAR
from pmtaform.lang.lint import Subject, lint


@dataclass(slots=True)
class Findings:
    """What lint finds in the servers' files as they are: each content is linted once, however many have it."""

    by_host: dict[str, tuple[Diagnostic, ...]] = field(default_factory=dict)
    _by_content: dict[bytes, tuple[Diagnostic, ...]] = field(default_factory=dict)

    def add(self, reading: ServerReading) -> None:
        """Lint a server, unless that was done."""
        server = reading.server
        if server.name in self.by_host:
            return
        whole = hashlib.sha256(repr((server.version, server.main, sorted(server.patterns.items()))).encode())
        for path, content in server.contents.items():
            whole.update(f"\0{path}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
            whole.update(content)
        index = whole.digest()
        if index not in self._by_content:
            subject = Subject(configuration=reading.configuration, version=server.version)
            self._by_content[index] = tuple(dict.fromkeys(finding.diagnostic() for finding in lint(subject)))
        self.by_host[server.name] = self._by_content[index]


def notes_of(
    server_blocks: Sequence[ServerBlocks],
    layers: Layers,
    allowed: Sequence[str],
    keys_left: Mapping[str, Mapping[str, str]],
    findings: Findings,
) -> Iterator[Diagnostic]:
    """All notes, those of a host with its name."""
    for one in server_blocks:
        host = one.server.name
        for entry in one.entries:
            if note := _form_note(entry):
                yield note.for_host(host)
        for name, why in keys_left.get(host, {}).items():
            yield KEY_KEPT_AS_LINE.diagnostic(f"{name}: {why}. Its domain-key line is kept as it is.").for_host(host)
        yield from (finding.for_host(host) for finding in _around(one))
        yield from (finding.for_host(host) for finding in findings.by_host[host])
    if layers.lost:
        detail = f"{layers.lost} comments are not the same on servers that share a block: those of the first are kept."
        yield COMMENTS_OMITTED.diagnostic(detail)
    for folder in allowed:
        detail = f"Included files are in {folder}, so it is listed in allowed-paths: pmtaform may write there."
        yield PATH_ALLOWED.diagnostic(detail)


def of_secrets(warnings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """The warnings of a stack that an import repeats."""
    return (warning for warning in warnings if SECRET_IN_CLEAR.describes(warning))


def _form_note(entry: BlockEntry) -> Diagnostic | None:
    name = str(entry.address)
    if entry.form is Form.LEFT:
        detail = f"{name} is left unchanged on the host, and is not in the stack: {entry.why or 'no form is exact'}."
        made = BLOCK_OMITTED.diagnostic(detail)
    elif entry.form in (Form.TEXT, Form.NATIVE) and entry.why:
        made = BLOCK_NATIVE.diagnostic(f"{name}: {entry.why}.")
    else:
        return None
    return made.at(entry.place)


def _around(one: ServerBlocks) -> Iterator[Diagnostic]:
    if one.masked:
        detail = f"{one.masked} comments contain what looks like a secret; *** replaces it."
        yield COMMENT_MASKED.diagnostic(detail)
    for address, user in one.late:
        detail = f"{address} is below {user}, which uses it. The import keeps it as it is, but PowerMTA needs "
        detail += "it above. Move it into `config` of the stack: the next plan moves it on the host."
        yield replace(LIST_BELOW_SOURCE.diagnostic(detail), address=str(address))
    fragments = sorted(one.fragments)
    if fragments:
        detail = f"{', '.join(fragments[:5])}: included inside sections. Their lines belong to those sections, and "
        detail += "a stack does not declare them: the files stay unchanged."
        yield FRAGMENTS_UNCHANGED.diagnostic(detail)
