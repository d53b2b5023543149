"""Managed files: changes of the files that a stack declares, and the removal of ours.

declared, not there, or different            written before the configuration that names it
ours, no longer declared                     removed once the new configuration is in force
there, never ours, not declared              ignored
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.diagnostics.codes.plans import FILE_IN_CONFIGURATION, FILE_NOT_NAMED
from pmtaform.diagnostics.codes.tls import CERTIFICATE_EXPIRED
from pmtaform.lang.blocks import Address
from pmtaform.lang.catalogue import Impact
from pmtaform.model.desired import FILE, FileRole, ManagedFile
from pmtaform.pem import has_private_key
from pmtaform.plan.dangers.kinds import LICENCE_REMOVED, NAMED_FILE_REMOVED, RESTART
from pmtaform.plan.file_text import described, is_shown, lines_of
from pmtaform.plan.model import Action, Change, Danger, LeftBy, Reason, ValueChange
from pmtaform.tls.checks import expiry_findings
from pmtaform.tls.content import read_tls_file

WEB_CERTIFICATE: Final = "/var/lib/pmta/webmon.pem"
LICENCE: Final = "/etc/pmta/license"
_BY_THEMSELVES: Final = frozenset({WEB_CERTIFICATE, LICENCE})  # read though no directive names them
_DIGITS: Final = 12  # of a digest, to distinguish contents

_NOTES: Final = {
    FileRole.CERTIFICATE: (
        "the guide does not state whether a reload reads a certificate with the same path again: check the "
        "certificate that clients get afterwards (openssl s_client -starttls smtp), and restart if it is the old one"
    ),
    FileRole.LICENCE: (
        "the guide does not state when a new licence is read: check `pmta show license` afterwards; a restart may be "
        "needed"
    ),
    FileRole.FRAGMENT: "",
    FileRole.TEXT: "the guide does not state when a file with the same path is read again: verify it afterwards",
}
# Inferred: the guide requires a restart for the lists of a processor (12.6), and is silent on their files.
_AT_START: Final = (
    "the guide does not state when a file of a processor's list is read again; it is treated like the list itself"
)
_NOTES[FileRole.PRIVATE_KEY] = _NOTES[FileRole.CA] = _NOTES[FileRole.CERTIFICATE]


@dataclass(frozen=True, slots=True)
class LiveManagedFile:
    """A managed file on the host. `content` is None where it is not known, or the wanted one.

    `moved`: it is not as we left it. `left`: what we left there is what is wanted now.
    """

    exists: bool
    same: bool = False
    mode: int = 0
    owner: str = ""
    group: str = ""
    moved: bool = False
    left: bool = False
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of a host that a run covers, as `plan.diff` decides it."""

    host: str
    ours: Mapping[str, str]  # address -> path of every file that we put there, keys included
    ignored: Callable[[Address], bool]
    leave: Callable[[Address, Action, LeftBy], None]  # notes a difference that stays
    is_left: Callable[[Address, Action], bool]  # by the choice of blocks or `protect`; notes it
    keyed: Callable[[bytes], str]
    configuration: Collection[str]  # paths that PowerMTA reads as its configuration, fragments left out
    named: Container[str]  # the paths that the new configuration names
    at_start: Collection[str]  # those of them that are read when PowerMTA starts
    activates: bool
    now: datetime | None = None  # None: what has expired is not asked


@dataclass(slots=True)
class FileDifference:
    """The changes of a host's files; `write` have the mode that they will get."""

    changes: list[Change] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    write: list[ManagedFile] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    owned: dict[str, str] = field(default_factory=dict)
    adopted: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)


def compare_files(
    wanted: tuple[ManagedFile, ...], live: Mapping[str, LiveManagedFile], key_paths: Collection[str], scope: Scope
) -> FileDifference:
    """The changes of a host's files. `kept` are paths of other things that a removal must not touch."""
    difference = FileDifference()
    for file in wanted:
        _declared(file, live.get(file.path, LiveManagedFile(exists=False)), scope, difference)
    paths = {file.path for file in wanted} | set(key_paths)
    for name, path in scope.ours.items():
        address = Address.parse(name)
        if address.kind == FILE and path not in paths:
            _undeclared(name, path, live.get(path, LiveManagedFile(exists=False)), scope, difference)
    return difference


def _declared(file: ManagedFile, live: LiveManagedFile, scope: Scope, difference: FileDifference) -> None:
    name = str(file.address)
    ignored = scope.ignored(file.address)
    if file.path in scope.configuration and not ignored:
        difference.notes.append(_in_configuration(file, scope.host))
        return
    wanted = replace(file, mode=_mode(file, live))
    settled = live.exists and live.same and _settled(wanted, live)
    action = Action.UPDATE if live.exists else Action.CREATE
    if ignored:
        if not settled:
            scope.leave(file.address, action, LeftBy.IGNORE)
        return
    if settled:
        difference.owned[name] = file.path
        if name not in scope.ours:
            difference.adopted.append(name)
        return
    if scope.is_left(file.address, action):
        if name in scope.ours:
            difference.owned[name] = file.path
        return
    difference.owned[name] = file.path
    difference.write.append(wanted)
    difference.changes.append(_change(wanted, live, ours=name in scope.ours, scope=scope))
    if file.path not in _BY_THEMSELVES and file.role is not FileRole.PRIVATE_KEY and file.path not in scope.named:
        difference.notes.append(_named_nowhere(file, scope.host))


def _settled(wanted: ManagedFile, live: LiveManagedFile) -> bool:
    return wanted.mode == live.mode and wanted.owner in (None, live.owner) and wanted.group in (None, live.group)


def _mode(file: ManagedFile, live: LiveManagedFile) -> int:
    """The mode that a file should have: as in the stack, else as on the host; others may not read a secret."""
    if file.mode is not None:
        return file.mode
    private = _is_private(file)
    if live.exists:
        return live.mode & ~0o007 if private else live.mode
    return 0o600 if private else 0o640


def _is_private(file: ManagedFile) -> bool:
    value = file.content.reveal() if file.content is not None else b""
    open_roles = {FileRole.CERTIFICATE, FileRole.CA}
    return has_private_key(value) or (file.secret and file.role not in open_roles)


def expiry_notes(files: tuple[ManagedFile, ...], host: str, now: datetime | None) -> tuple[Diagnostic, ...]:
    """Notes on certificates of a host that have expired, or expire soon. `now` None: they are not checked."""
    if now is None:
        return ()
    return tuple(
        replace(finding, host=host, address=str(file.address), place=file.place)
        for file in files
        if file.content is not None and file.role in {FileRole.CERTIFICATE, FileRole.CA}
        for finding in expiry_findings(
            file.path, read_tls_file(file.content.reveal()), now, grave=file.role is FileRole.CERTIFICATE
        )
    )


# -- changes -----------------------------------------------------------------------------------------------------------


def _change(file: ManagedFile, live: LiveManagedFile, *, ours: bool, scope: Scope) -> Change:
    impact, note = _impact(file.path, file.role, scope)
    if not live.exists and file.role is not FileRole.LICENCE:
        note = ""  # a path that is new is read when the directive that names it is
    values = _contents(file, live, scope) if not live.same else []
    if live.exists:
        values += _ownership(file, live)
        if not values:
            values = [ValueChange((), "content", ("(other bytes with the same meaning)",), (file.source,), file.place)]
    expired = [
        finding for finding in expiry_notes((file,), scope.host, scope.now) if finding.severity is Severity.ERROR
    ]
    dangers = [Danger(CERTIFICATE_EXPIRED.code, finding.detail) for finding in expired]
    if impact is Impact.RESTART:
        dangers.append(_restart(file.path))
    return Change(
        address=str(file.address),
        action=Action.UPDATE if live.exists else Action.CREATE,
        reason=_reason(live, ours=ours),
        values=tuple(values),
        impact=impact,
        impact_note=note,
        file=file.path,
        place=file.place,
        dangers=tuple(dangers),
    )


def _reason(live: LiveManagedFile, *, ours: bool) -> Reason:
    if not live.exists:
        return Reason.MISSING if ours else Reason.NEW
    if not ours or not live.moved:
        return Reason.CHANGED
    return Reason.DRIFT if live.left else Reason.BOTH


def _contents(file: ManagedFile, live: LiveManagedFile, scope: Scope) -> list[ValueChange]:
    value = file.content.reveal() if file.content is not None else b""
    old = live.content if live.exists else None
    kind = [ValueChange((), "kind", (), (str(file.role),), file.place)] if not live.exists else []
    after, before = described(file.role, value), described(file.role, old) if old is not None else {}
    if after or before:
        rows = [
            ValueChange((), name, before.get(name, ()), after.get(name, ()), file.place)
            for name in dict.fromkeys((*after, *before))
            if before.get(name, ()) != after.get(name, ())
        ]
        return [*kind, *rows, ValueChange((), "content", _told(old, scope), (_source(file, value, scope),), file.place)]
    if not file.secret and is_shown(file.role, value) and (old is None or is_shown(file.role, old)):
        source = [ValueChange((), "content", (), (file.source,), file.place)] if not live.exists else []
        was = lines_of(old) if old is not None else ()
        return [*kind, *source, ValueChange(("lines",), "", was, lines_of(value), file.place)]
    return [*kind, ValueChange((), "content", _told(old, scope), (_source(file, value, scope),), file.place)]


def _told(old: bytes | None, scope: Scope) -> tuple[str, ...]:
    return () if old is None else (f"(another, digest {scope.keyed(old)[:_DIGITS]})",)


def _source(file: ManagedFile, value: bytes, scope: Scope) -> str:
    return f"{file.source} (digest {scope.keyed(value)[:_DIGITS]})"


def _ownership(file: ManagedFile, live: LiveManagedFile) -> list[ValueChange]:
    values = []
    if file.mode is not None and file.mode != live.mode:
        values.append(ValueChange((), "mode", (f"{live.mode:04o}",), (f"{file.mode:04o}",), file.place))
    if file.owner not in (None, live.owner) or file.group not in (None, live.group):
        wanted = f"{file.owner or live.owner}:{file.group or live.group}"
        values.append(ValueChange((), "owner", (f"{live.owner}:{live.group}",), (wanted,), file.place))
    return values


def _impact(path: str, role: FileRole | None, scope: Scope) -> tuple[Impact, str]:
    """The impact of new content, with the open questions of the guides (docs/powermta/operations.md section 3)."""
    if path == WEB_CERTIFICATE:
        if scope.activates:
            return Impact.RESTART, ""
        return Impact.RELOAD, "takes effect when pmtahttp is restarted; this host's `activation` is none"
    if path in scope.at_start:
        if scope.activates:
            return Impact.RESTART, _AT_START
        return Impact.RELOAD, "takes effect when PowerMTA is restarted; this host's `activation` is none"
    return Impact.RELOAD, _NOTES[role] if role is not None else ""


def _restart(path: str) -> Danger:
    if path != WEB_CERTIFICATE:
        return Danger(RESTART.code, f"{path} is read when PowerMTA starts, like the list that names it.")
    return Danger(RESTART.code, f"The web monitor (pmtahttp) reads {path} when it starts, and is restarted for it.")


def _undeclared(name: str, path: str, live: LiveManagedFile, scope: Scope, difference: FileDifference) -> None:
    address = Address.parse(name)
    if not live.exists:
        if not scope.ignored(address):
            difference.forgotten.append(name)
        return
    if path in scope.configuration:
        return  # it has become a part of the configuration, whose blocks are looked at one by one
    if scope.ignored(address):
        scope.leave(address, Action.DELETE, LeftBy.IGNORE)
        return
    if scope.is_left(address, Action.DELETE):
        difference.owned[name] = path
        return
    difference.remove.append(path)
    impact, note = _impact(path, None, scope)
    dangers = [_restart(path)] if impact is Impact.RESTART else []
    if path == LICENCE:
        detail = f"{path} is deleted. Without a licence PowerMTA does not start again."
        dangers.append(Danger(LICENCE_REMOVED.code, detail))
    elif path in scope.named:
        detail = f"{path} is deleted, and the configuration still names it. The effect of the missing file is not "
        detail += (
            "documented: PowerMTA may reject the configuration, or continue without TLS. Remove the directive as well."
        )
        dangers.append(Danger(NAMED_FILE_REMOVED.code, detail))
    difference.changes.append(
        Change(
            address=name,
            action=Action.DELETE,
            reason=Reason.REMOVED,
            values=(ValueChange((), "file", (path,), ()),),
            impact=impact,
            impact_note=note,
            file=path,
            dangers=tuple(dangers),
        )
    )


def _named_nowhere(file: ManagedFile, host: str) -> Diagnostic:
    return FILE_NOT_NAMED.diagnostic(
        f"{file.path} is written to {host}, and no directive names it: PowerMTA does not read it. Declare the "
        "directive that names it, or compare the paths, unless the file is for another program.",
        file.place,
        host=host,
        address=str(file.address),
    )


def _in_configuration(file: ManagedFile, host: str) -> Diagnostic:
    return FILE_IN_CONFIGURATION.diagnostic(
        f"PowerMTA reads {file.path} on {host} as a part of its configuration, whose blocks are planned by "
        f"name. Write it under `native` instead: {{file: FILE, path: {file.path}}}; or remove the include first.",
        host=host,
        address=str(file.address),
        place=file.place,
    )
