"""The notes of an import: blocks without types and why, omitted, masked or lost lines, errors on the servers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pmtaform.adopt.choices import Form
from pmtaform.adopt.layers import Layers
from pmtaform.adopt.model import Server
from pmtaform.adopt.server import BlockEntry, ServerBlocks
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
from pmtaform.lang.blocks import blocks_of
from pmtaform.lang.late_definitions import late_lists
from pmtaform.lang.lint import Subject, lint


def notes_of(
    server_blocks: Sequence[ServerBlocks],
    layers: Layers,
    allowed: Sequence[str],
    keys_left: Mapping[str, Mapping[str, str]],
    warnings: Iterable[Diagnostic],
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
        yield from (finding.for_host(host) for finding in findings(one.server))
    if layers.lost:
        detail = f"{layers.lost} comments are not the same on servers that share a block: those of the first are kept."
        yield COMMENTS_OMITTED.diagnostic(detail)
    for folder in allowed:
        detail = f"Included files are in {folder}, so it is listed in allowed-paths: pmtaform may write there."
        yield PATH_ALLOWED.diagnostic(detail)
    yield from (d for d in warnings if SECRET_IN_CLEAR.describes(d))


def findings(server: Server) -> tuple[Diagnostic, ...]:
    """What lint finds in a server's files as they are."""
    subject = Subject(configuration=server.configuration, version=server.version, host=server.name)
    return tuple(dict.fromkeys(finding.diagnostic() for finding in lint(subject)))


def _form_note(entry: BlockEntry) -> Diagnostic | None:
    name = str(entry.address)
    if entry.form is Form.LEFT:
        detail = f"{name} is left unchanged on the host, and is not in the stack: {entry.why or 'no form is exact'}."
        made = BLOCK_OMITTED.diagnostic(detail)
    elif entry.form in (Form.TEXT, Form.NATIVE) and entry.why:
        made = BLOCK_NATIVE.diagnostic(f"{name}: {entry.why}.")
    else:
        return None
    return made.at(entry.block.place)


def _around(one: ServerBlocks) -> Iterator[Diagnostic]:
    if one.masked:
        detail = f"{one.masked} comments contain what looks like a secret; *** replaces it."
        yield COMMENT_MASKED.diagnostic(detail)
    configuration = one.server.configuration
    for late in late_lists(configuration, blocks_of(configuration)).values():
        detail = (
            f"{late.address} is below {late.user}, which uses it. The import keeps it as it is, but PowerMTA needs "
        )
        detail += "it above. Move it into `config` of the stack: the next plan moves it on the host."
        yield replace(LIST_BELOW_SOURCE.diagnostic(detail), address=str(late.address))
    fragments = sorted(one.server.configuration.fragments)
    if fragments:
        detail = f"{', '.join(fragments[:5])}: included inside sections. Their lines belong to those sections, and "
        detail += "a stack does not declare them: the files stay unchanged."
        yield FRAGMENTS_UNCHANGED.diagnostic(detail)
