"""The importer: express, write, compile, compare; a block that is not exact gets the next form, until all are."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pmtaform.adopt import keys as dkim
from pmtaform.adopt.choices import Form
from pmtaform.adopt.files import Files
from pmtaform.adopt.hostnames import express_alike
from pmtaform.adopt.layers import Layers, layers_of
from pmtaform.adopt.model import Adopted, HostReport, Options, OutFile, Server
from pmtaform.adopt.notes import Findings, notes_of, of_secrets
from pmtaform.adopt.server import ServerBlocks, ServerReading, express
from pmtaform.adopt.vault import Vault
from pmtaform.adopt.verify import StackCheck, verify, write
from pmtaform.diagnostics.codes.imports import IMPORT_INEXACT
from pmtaform.errors import PmtaformError
from pmtaform.lang.blocks import Address
from pmtaform.lang.parsing import gc_paused

_FORMS: Final = tuple(Form)
_ROUNDS: Final = 10


@dataclass(slots=True)
class _Attempt:
    """One form for every block."""

    server_blocks: list[ServerBlocks]
    layers: Layers
    files: Files
    made: dict[str, OutFile]
    secrets: dict[str, bytes]
    taken: dict[str, dkim.Taken]


@dataclass(slots=True)
class _Lessons:
    """What earlier attempts showed: blocks that need another form, or must not come from loops or keys."""

    least: dict[str, dict[Address, Form]] = field(default_factory=dict)
    no_keys: dict[str, set[Address]] = field(default_factory=dict)
    apart: set[Address] = field(default_factory=set)


def adopt(servers: Iterable[Server], options: Options, folder: Path | None = None) -> Adopted:
    """The stack that declares what `servers` have, written to the new folder `folder/NAME`. Raises `PmtaformError`.

    Servers are taken one by one as they come: the trees of one are dropped before the next one is parsed. Without
    `folder`, the stack is written to a temporary one only.
    """
    lessons, findings = _Lessons(), Findings()
    with nullcontext(folder) if folder else tempfile.TemporaryDirectory(prefix="pmtaform-import-") as base:
        at = Path(base) / options.stack
        for _ in range(_ROUNDS):
            attempt = _attempt(servers, options, lessons, findings)
            servers = [one.server for one in attempt.server_blocks]
            write(at, attempt.made)
            check = verify(at, attempt.server_blocks, attempt.secrets)
            if check.is_exact:
                return _adopted(attempt, check, findings, options)
            shutil.rmtree(at)
            if not _learn(lessons, attempt, check):
                break
    raise _inexact(check)


def _attempt(servers: Iterable[Server], options: Options, lessons: _Lessons, findings: Findings) -> _Attempt:
    vault = Vault(options.stack, options.secrets)
    taker = dkim.KeyTaker(options.keys, options.stack, vault.values)
    taken: dict[str, dkim.Taken] = {}
    server_blocks: list[ServerBlocks] = []
    for server in servers:
        name = server.name
        with gc_paused():
            reading = ServerReading.of(server)
        findings.add(reading)
        one = taker.take(reading.blocks, server.keys, lessons.no_keys.get(name, ()))
        taken[name] = one
        server_blocks.append(express(reading, options.shape, vault, lessons.least.get(name, {}), one.lines or {}))
    if len(server_blocks) > 1:
        express_alike(server_blocks, lessons.apart)
    layers = layers_of(server_blocks, {name: one.entries for name, one in taken.items()})
    files = Files(options, [one.server for one in server_blocks], layers, frozenset(lessons.apart))
    written = layers.references()
    secrets = {reference: value for reference, value in vault.values.items() if reference in written}
    return _Attempt(server_blocks, layers, files, files.all(secrets), secrets, taken)


def _learn(lessons: _Lessons, attempt: _Attempt, check: StackCheck) -> bool:
    """Take what differs into the next form. Whether there is anything left to try."""
    if check.errors:
        return _separate(lessons, attempt)
    learnt = False
    forms = {one.server.name: {entry.address: entry.form for entry in one.entries} for one in attempt.server_blocks}
    for host, addresses in check.differ.items():
        for address in addresses:
            form = forms[host].get(address)
            keyed = attempt.taken[host].lines or {}
            if address in keyed and address not in lessons.no_keys.setdefault(host, set()):
                lessons.no_keys[host].add(address)
            elif address not in lessons.apart:
                lessons.apart.add(address)
            elif form is not None and form is not Form.LEFT:
                lessons.least.setdefault(host, {})[address] = _FORMS[_FORMS.index(form) + 1]
            else:
                continue
            learnt = True
    return learnt


def _separate(lessons: _Lessons, attempt: _Attempt) -> bool:
    """The stack as a whole is wrong: do without keys and loops."""
    keyed = {host: set(one.lines or {}) for host, one in attempt.taken.items()}
    everything = {entry.address for one in attempt.server_blocks for entry in one.entries}
    if any(addresses - lessons.no_keys.get(host, set()) for host, addresses in keyed.items()):
        for host, addresses in keyed.items():
            lessons.no_keys.setdefault(host, set()).update(addresses)
        return True
    if not everything <= lessons.apart:
        lessons.apart |= everything
        return True
    return False


def _inexact(check: StackCheck) -> PmtaformError:
    if check.errors:
        return PmtaformError.all(check.errors)
    shown = ", ".join(f"{host}:{lines[0]}" for host, lines in check.differ.items())
    return PmtaformError(
        IMPORT_INEXACT.diagnostic(
            f"What was written differs from what is there ({shown}). Nothing was kept. This is a bug in "
            "pmtaform: please report it."
        )
    )


def _adopted(attempt: _Attempt, check: StackCheck, findings: Findings, options: Options) -> Adopted:
    layers = attempt.layers
    reports = tuple(
        HostReport(
            host=one.server.name,
            source=one.server.source,
            blocks=len(one.entries),
            forms={form: count for form, count in one.forms().items() if count},
        )
        for one in attempt.server_blocks
    )
    left: Mapping[str, Mapping[str, str]] = {name: one.left or {} for name, one in attempt.taken.items()}
    return Adopted(
        stack=options.stack,
        files=attempt.made,
        hosts=reports,
        notes=(
            *notes_of(attempt.server_blocks, layers, attempt.files.allowed, left, findings),
            *of_secrets(check.warnings),
        ),
        secrets=attempt.secrets,
        shared={layer.name: len(layer.entries) for layer in layers.all() if layer.entries},
        groups={name: layer.hosts for name, layer in layers.groups.items()},
        loops=attempt.files.loops,
        keys=tuple(dict.fromkeys(key.name for layer in layers.all() for key in layer.keys)),
    )
