"""Read the configuration of a live host. The host is not changed."""

from __future__ import annotations

from dataclasses import replace

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.hosts import FILE_UNREADABLE, HOST_BUSY, NO_CONFIGURATION
from pmtaform.errors import HostError
from pmtaform.host import HASH_ONLY, HostSpec, Known, Session, Snapshot, Waiting, probe
from pmtaform.lang.includes import absolute_includes, read_configuration
from pmtaform.sources.model import DEFAULTS, FindFiles, LoadedConfiguration, without_defaults


def read_host(spec: HostSpec, named: FindFiles | None = None) -> LoadedConfiguration:
    """The configuration that a host has now. Raises `HostError` and `Unreachable`.

    `named` finds the files that it names, whose permissions are looked up on the host.
    """
    session = spec.open()
    try:
        snapshot = probe(session, spec, Known(files={DEFAULTS: None}), absolute_includes)
        loaded = from_snapshot(spec, snapshot)
        if named is not None:
            loaded = replace(loaded, modes=_modes(session, spec, snapshot, frozenset(named(loaded.configuration))))
    finally:
        session.close()
    return loaded


def from_snapshot(spec: HostSpec, snapshot: Snapshot) -> LoadedConfiguration:
    """The configuration in a snapshot that has every content. Raises `HostError` when the main file was not read."""
    contents = contents_in(spec, snapshot)
    unread = {path: f"it is {why}" for path, why in snapshot.unreadable.items()}
    configuration = read_configuration(spec.config, contents, snapshot.patterns, unread)
    defaults = read_configuration(DEFAULTS, contents, snapshot.patterns, unread) if DEFAULTS in contents else None
    notes = [_awaiting(spec, change) for change in (unconfirmed_change(snapshot),) if change]
    if DEFAULTS in unread:
        notes.append(replace(without_defaults(unread.pop(DEFAULTS)), host=spec.name))
    return LoadedConfiguration(
        name=spec.name,
        configuration=configuration,
        defaults=defaults,
        notes=tuple(notes),
        unread=unread,
        version=snapshot.version,
    )


def contents_in(spec: HostSpec, snapshot: Snapshot) -> dict[str, bytes]:
    """The content of every file in a snapshot. Raises `HostError` when the main file was not read."""
    if spec.config in snapshot.missing:
        detail = f"{spec.config} does not exist. Is PowerMTA installed there?"
        raise HostError.of(NO_CONFIGURATION, detail, host=spec.name)
    if spec.config in snapshot.unreadable:
        why = snapshot.unreadable[spec.config]
        detail = f"{spec.config} is {why}. Without this file the host's configuration is unknown."
        raise HostError.of(FILE_UNREADABLE, detail, host=spec.name)
    return {path: file.content for path, file in snapshot.files.items() if file.content is not None}


def unconfirmed_change(snapshot: Snapshot) -> str | None:
    """The change that the host's files belong to and that is not confirmed, in words; None: there is none."""
    waits, lock = snapshot.awaiting, snapshot.lock
    if waits is not None and waits.state is Waiting.PENDING:
        return f"{waits.who} ({waits.what}, since {waits.since}) rolls back by itself in {waits.left} s"
    if lock is not None:
        return f"{lock.who} ({lock.what}, since {lock.since}) is under way"
    return None


def _awaiting(spec: HostSpec, change: str) -> Diagnostic:
    return HOST_BUSY.diagnostic(f"The change of {change}: it may still change what the host has now.", host=spec.name)


def _modes(session: Session, spec: HostSpec, snapshot: Snapshot, paths: frozenset[str]) -> dict[str, int | None]:
    """The permissions of the files in the snapshot, and of `paths`; None: the file does not exist."""
    modes: dict[str, int | None] = {path: file.mode for path, file in snapshot.files.items()}
    if paths:
        again = probe(session, spec, Known(files=dict.fromkeys(paths, HASH_ONLY)), lambda *_: ())
        modes |= {path: again.files[path].mode for path in paths if path in again.files}
        modes |= dict.fromkeys(path for path in paths if path in again.missing)
    return modes
