"""Import live servers: read them, write their configuration as a stack, and compare the stack with them."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pmtaform.adopt.choices import KeysIn, SecretsIn
from pmtaform.adopt.keys import key_paths
from pmtaform.adopt.model import Adopted, KeyMaterial, Options, Server
from pmtaform.adopt.run import adopt
from pmtaform.adopt.servers import ImportSource, read_sources
from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.command_line import BAD_STACK_NAME, STACK_EXISTS
from pmtaform.diagnostics.codes.hosts import HOST_BUSY
from pmtaform.diagnostics.codes.imports import IMPORT_SOURCE, IMPORT_TWICE
from pmtaform.diagnostics.codes.language import INCLUDE_NOT_READ
from pmtaform.diagnostics.codes.project_files import IMPORT_NOT_WRITTEN
from pmtaform.errors import HostError, Locked, PmtaformError, UsageError
from pmtaform.host import HostSpec, Known, LiveFile, Session, Snapshot, probe
from pmtaform.lang.includes import absolute_includes
from pmtaform.secrets import Resolver, Secret, parse_reference
from pmtaform.sources import FolderReader, contents_in, locate, unconfirmed_change
from pmtaform.stack.paths import MAIN
from pmtaform.transports.local import LOCAL
from pmtaform.transports.ssh import SSH

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
_PARALLEL: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How to log in to the servers that are reached over SSH; written into the stack, too."""

    root: str = "/"  # the folder that is the machine's root there
    sudo: bool = False
    identity_files: tuple[str, ...] = ()
    known_hosts: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A written stack: its folder, its files, and notes on it."""

    folder: Path
    adopted: Adopted
    written: tuple[Path, ...] = field(default=())


def import_stack(
    root: Path,
    options: Options,
    sources: Sequence[str],
    *,
    login: Login | None = None,
    resolver: Resolver | None = None,
) -> Imported:
    """Write `root/stacks/NAME`, whose plan against the servers is empty. Nothing on the servers is touched.

    Nothing is left of a stack that could not be finished. `resolver` keeps what goes into a keyring. Raises
    `UsageError`, `Unreachable`, `HostError`, `SecretUnavailable`.
    """
    folder = root / "stacks" / options.stack
    _check_name(folder, options.stack)
    if not sources:
        raise UsageError.of(IMPORT_SOURCE, "Name servers or folders with --from.")
    read = read_sources(sources)
    _check_different(read)
    servers = _read_all(read, folder, options, login or Login())
    adopted = _write(folder, options, servers, resolver or Resolver(folder))
    return Imported(folder=folder, adopted=adopted, written=tuple(folder / name for name in adopted.files))


def _check_name(folder: Path, name: str) -> None:
    if not _NAME.fullmatch(name):
        detail = f"{name!r}: a stack's name has lower-case letters, digits and dashes, and does not start with a dash."
        raise UsageError.of(BAD_STACK_NAME, detail)
    if folder.exists() or folder.is_symlink():
        detail = f"{folder} exists already. Nothing was written. Choose another name."
        raise UsageError.of(STACK_EXISTS, detail)


def _check_different(sources: Sequence[ImportSource]) -> None:
    """One server under two names would be changed by both."""
    seen: dict[object, ImportSource] = {}
    for source in sources:
        first = seen.setdefault(source.root or source.file or (source.address, source.port or 22), source)
        if first is not source:
            detail = f'"{first.text}" and "{source.text}" are the same server. Name it once.'
            raise UsageError.of(IMPORT_TWICE, detail)


# -- reading -----------------------------------------------------------------------------------------------------------


def _read_all(sources: Sequence[ImportSource], folder: Path, options: Options, login: Login) -> Iterator[Server]:
    """Every server, in their order, each once it is read; others are read meanwhile.

    If one cannot be read, there is no stack: all problems are reported at once, at the end.
    """

    def read(source: ImportSource) -> Server | PmtaformError:
        try:
            return _loose(source, options) if source.file is not None else _live(source, folder, options, login)
        except PmtaformError as problem:
            return problem

    failures: list[PmtaformError] = []
    with ThreadPoolExecutor(min(_PARALLEL, len(sources)), thread_name_prefix="host") as pool:
        for server in pool.map(read, sources):
            if isinstance(server, PmtaformError):
                failures.append(server)
            elif not failures:
                yield server
    if failures:
        kinds = {type(problem) for problem in failures}
        kind = kinds.pop() if len(kinds) == 1 else HostError
        raise kind.all(diagnostic for problem in failures for diagnostic in problem.diagnostics)


def _loose(source: ImportSource, options: Options) -> Server:
    """Files that are no machine's root: the stack is given a folder with a copy of them, to plan against."""
    reader = FolderReader(locate(Path(source.text).expanduser()), MAIN)
    reader.load(MAIN)
    contents = dict(reader.contents)
    if reader.unread:
        raise UsageError.all(_not_read(path, why) for path, why in sorted(reader.unread.items()))
    keys: dict[str, KeyMaterial] = {}
    if options.keys is not KeysIn.LEAVE:
        for path in key_paths(contents.values()):
            content = reader.content(path)
            if isinstance(content, bytes):
                keys[path] = KeyMaterial(content=content, mode=0o600)
    entry = {"transport": "local", "root": f"hosts/{source.name}", "activation": "none"}
    return Server(
        name=source.name,
        source=source.text,
        entry=entry,
        main=MAIN,
        contents=contents,
        patterns=reader.patterns,
        keys=keys,
        copy=True,
    )


def _live(source: ImportSource, folder: Path, options: Options, login: Login) -> Server:
    spec = _spec(source, login)
    session = spec.open()
    try:
        snapshot = probe(session, spec, Known(), absolute_includes)
        _require_settled(spec, snapshot)
        contents = contents_in(spec, snapshot)
        if snapshot.unreadable:
            unread = sorted(snapshot.unreadable.items())
            raise HostError.all(_not_read(path, f"it is {why}", spec.name) for path, why in unread)
        keys = {} if options.keys is KeysIn.LEAVE else _keys(session, spec, contents)
    finally:
        session.close()
    return Server(
        name=source.name,
        source=source.text,
        entry=_entry(source, folder, login, has_pmta=bool(snapshot.version_stamp)),
        main=spec.config,
        contents=contents,
        patterns=snapshot.patterns,
        version=snapshot.version,
        keys=keys,
    )


def _not_read(path: str, why: str, host: str | None = None) -> Diagnostic:
    return INCLUDE_NOT_READ.diagnostic(
        f"{path} exists, but it was not read: {why}. A stack made without it would be a guess, so none was written.",
        host=host,
    )


def _spec(source: ImportSource, login: Login) -> HostSpec:
    if source.root is not None:
        return HostSpec(name=source.name, transport=LOCAL, root=str(source.root))
    return HostSpec(
        name=source.name,
        transport=SSH,
        address=source.address,
        user=source.user,
        port=source.port,
        root=login.root,
        sudo=login.sudo,
        identity_files=tuple(str(Path(path).expanduser().absolute()) for path in login.identity_files),
        known_hosts=login.known_hosts and str(Path(login.known_hosts).expanduser().absolute()),
    )


def _require_settled(spec: HostSpec, snapshot: Snapshot) -> None:
    """Raise `Locked` for a host whose files belong to an unconfirmed change: the stack would declare them."""
    change = unconfirmed_change(snapshot)
    if change is not None:
        raise Locked.of(
            HOST_BUSY,
            f"The change of {change}: what the host has now may be gone then, so it is not imported. Import again "
            "once it is settled.",
            host=spec.name,
        )


def _keys(session: Session, spec: HostSpec, contents: Mapping[str, bytes]) -> dict[str, KeyMaterial]:
    """The DKIM key files that the configuration names and that can be read."""
    paths = [path for path in key_paths(contents.values()) if path not in contents]
    if not paths:
        return {}
    files = probe(session, spec, Known(files=dict.fromkeys(paths)), lambda *_: ()).files
    return {path: _material(files[path]) for path in paths if path in files and files[path].content is not None}


def _material(file: LiveFile) -> KeyMaterial:
    return KeyMaterial(content=file.content or b"", mode=stat.S_IMODE(file.mode))


def _entry(
    source: ImportSource, folder: Path, login: Login, *, has_pmta: bool
) -> dict[str, str | bool | int | tuple[str, ...]]:
    """The host's keys in the stack."""
    made: dict[str, str | bool | int | tuple[str, ...]] = {}
    if source.root is not None:
        project = folder.parent.parent.resolve()
        inside = source.root.is_relative_to(project) and project != source.root
        root = os.path.relpath(source.root, folder.resolve()) if inside else str(source.root)
        made |= {"transport": "local", "root": root}
    else:
        made["address"] = source.address
        if source.user:
            made["user"] = source.user
        if source.port:
            made["port"] = source.port
        if login.root != "/":
            made["root"] = login.root
        if login.sudo:
            made["sudo"] = True
        if login.identity_files:
            made["identity-files"] = login.identity_files
        if login.known_hosts:
            made["known-hosts"] = login.known_hosts
    if not has_pmta:
        made["activation"] = "none"
    return made


# -- writing -----------------------------------------------------------------------------------------------------------


def _write(folder: Path, options: Options, servers: Iterable[Server], resolver: Resolver) -> Adopted:
    """Write the stack to a temporary folder, where it is compared with the servers, and rename it."""
    beside = folder.parent / f".import-{secrets.token_hex(6)}"
    try:
        adopted = adopt(servers, options, beside)
        for reference, value in adopted.to_store("keyring").items():
            parsed = parse_reference(reference)
            if parsed is not None:
                resolver.store(parsed, Secret(value, reference))
        (beside / folder.name).rename(folder)
    except OSError as problem:
        detail = f"{problem.strerror or problem}. Nothing was kept."
        raise PmtaformError.of(IMPORT_NOT_WRITTEN, detail) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return adopted


__all__ = ["Imported", "KeysIn", "Login", "Options", "SecretsIn", "import_stack"]
