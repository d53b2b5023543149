"""What an import tells of: what is not typed and why, what was left, masked or lost, what is odd on the servers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pmtaform.adopt.choices import Form
from pmtaform.adopt.layers import Layers
from pmtaform.adopt.model import Server
from pmtaform.adopt.server import Entry, ServerSays
from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.lang.blocks import blocks_of
from pmtaform.lang.late import late_lists
from pmtaform.lang.lint import Subject, lint


def notes_of(
    says: Sequence[ServerSays],
    layers: Layers,
    allowed: Sequence[str],
    keys_left: Mapping[str, Mapping[str, str]],
    warnings: Iterable[Diagnostic],
) -> Iterator[Diagnostic]:
    """All notes, those of a host with its name."""
    for one in says:
        host = one.server.name
        for entry in one.entries:
            if note := _form_note(entry):
                yield note.for_host(host)
        for name, why in keys_left.get(host, {}).items():
            yield _note(
                "key-left", "A DKIM key stays a line", f"{name}: {why}. Its domain-key line is kept as it is."
            ).for_host(host)
        yield from (found.for_host(host) for found in _around(one))
        yield from (found.for_host(host) for found in findings(one.server))
    if layers.lost:
        detail = f"{layers.lost} comments are not the same on servers that share a block: those of the first are kept."
        yield _note("comments-lost", "Comments were left out", detail)
    for folder in allowed:
        detail = f"Included files lie in {folder}, so it is listed in allowed-paths: pmtaform may write there."
        yield _note("path-allowed", "A folder outside of /etc/pmta is allowed", detail, Severity.WARNING)
    yield from (d for d in warnings if d.code == "secret-in-clear")


def findings(server: Server) -> tuple[Diagnostic, ...]:
    """What lint finds in a server's files as they are."""
    subject = Subject(configuration=server.configuration, version=server.version, host=server.name)
    return tuple(dict.fromkeys(finding.diagnostic() for finding in lint(subject)))


def _form_note(entry: Entry) -> Diagnostic | None:
    name = str(entry.address)
    if entry.form is Form.LEFT:
        detail = f"{name} is left as it is on the host, and is not in the stack: {entry.why or 'nothing says it'}."
        made = _note("block-left", "A block is not in the stack", detail, Severity.WARNING)
    elif entry.form in (Form.TEXT, Form.NATIVE) and entry.why:
        made = _note("block-native", "A block stays in PowerMTA's own language", f"{name}: {entry.why}.")
    else:
        return None
    return made.at(entry.block.place)


def _around(one: ServerSays) -> Iterator[Diagnostic]:
    if one.masked:
        detail = f"{one.masked} comments held what looks like a secret; *** stands in its place."
        yield _note("comment-masked", "Secrets in comments were masked", detail)
    configuration = one.server.configuration
    for late in late_lists(configuration, blocks_of(configuration)).values():
        detail = (
            f"{late.address} is below {late.user}, which uses it. The import keeps it as it is, but PowerMTA needs "
        )
        detail += "it above. Move it into `config` of the stack: the next plan moves it on the host."
        yield replace(_note("list-below-source", "Pattern list below its source", detail), address=str(late.address))
    fragments = sorted(one.server.configuration.fragments)
    if fragments:
        detail = f"{', '.join(fragments[:5])}: included inside sections. What they hold belongs to those sections, and "
        detail += "a stack does not say it: the files are left as they are."
        yield _note("fragments-left", "Included files inside sections are left alone", detail)


def _note(code: str, summary: str, detail: str, severity: Severity = Severity.INFO) -> Diagnostic:
    return Diagnostic(code=code, summary=summary, detail=detail, severity=severity)
