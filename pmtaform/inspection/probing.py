"""Probe the files of a host, and compare them with what the last apply left."""

from __future__ import annotations

from collections.abc import Mapping

from pmtaform.diagnostics.codes.hosts import FILE_UNREADABLE
from pmtaform.errors import HostError
from pmtaform.host import HASH_ONLY, HostSpec, Known, LiveFile, Session, Snapshot, digest, probe
from pmtaform.inspection.managed_files import as_wanted, asked_for
from pmtaform.inspection.survey import Target
from pmtaform.lang.includes import absolute_includes
from pmtaform.model.desired import Desired
from pmtaform.plan.inputs import Previous
from pmtaform.state import FileState, HostState, Seal


def probe_files(session: Session, target: Target, *, trust: bool) -> Snapshot:
    """Read all files; with `trust`, contents only where they are not as we left them. Raises `HostError`."""
    previous = target.previous
    known = Known(
        files=_known_files(target, trust=trust),
        patterns=tuple(previous.patterns) if previous is not None else (),
        version=previous.version if previous else None,
        version_stamp=previous.version_stamp if previous else "",
        outcome_of=target.intent.transaction if target.intent else "",
    )
    snapshot = probe(session, target.spec, known, absolute_includes)
    is_same = trust and target.is_same
    keys = previous_keys(previous) if is_same else key_paths(target.desired, previous_of(previous))
    unreadable = {p: why for p, why in snapshot.unreadable.items() if p not in keys or p in known.files}
    if unreadable:
        raise _unreadable(target.spec, unreadable)
    return snapshot


def _known_files(target: Target, *, trust: bool) -> dict[str, str | None]:
    """What is known of each file that the host is asked for: a digest, nothing, or that its content is not needed."""
    previous = target.previous
    if trust and target.is_same and previous is not None:
        return dict.fromkeys((*previous.files, *previous.keys.values()), HASH_ONLY)
    desired = target.desired
    keys = key_paths(desired, previous_of(previous))
    files: dict[str, str | None] = dict.fromkeys(desired.files.values()) | dict(keys.items())
    for key in desired.keys:
        if key.private_key is not None:
            files[key.path] = digest(key.private_key.reveal())
    files |= asked_for(desired, trust=trust)
    left = previous.files if previous is not None else {}
    return files | {path: HASH_ONLY if trust else None for path in left if path not in keys}


def previous_keys(previous: HostState | None) -> dict[str, str]:
    """The keys and managed files that the last apply left."""
    return dict.fromkeys(previous.keys.values(), HASH_ONLY) if previous is not None else {}


def key_paths(desired: Desired, ours: Previous) -> dict[str, str]:
    """The keys and managed files that concern us. For files that will be removed, only their presence matters."""
    paths = dict.fromkeys(ours.keys.values(), HASH_ONLY)
    return paths | {each.path: HASH_ONLY for each in desired.whole_files}


def _unreadable(spec: HostSpec, reasons: Mapping[str, str]) -> HostError:
    return HostError(
        *(
            FILE_UNREADABLE.diagnostic(
                f"{path} is {why}. Without every file of the configuration a plan would be a guess, so none is made.",
                host=spec.name,
            )
            for path, why in sorted(reasons.items())
        )
    )


def previous_of(state: HostState | None) -> Previous:
    """What we applied last, by a state; empty without one."""
    return Previous() if state is None else Previous(state.blocks, state.keys, state.unmanaged)


def has_all_contents(snapshot: Snapshot, desired: Desired, ours: Previous) -> bool:
    """Whether the content of every file of the configuration is known."""
    keys = key_paths(desired, ours)
    return all(file.content is not None for path, file in snapshot.files.items() if path not in keys)


def is_as_left(snapshot: Snapshot, previous: HostState, seal: Seal) -> bool:
    """Whether every file is as we left it, and every include pattern names the same files."""
    if snapshot.unsettled or snapshot.patterns != previous.patterns:
        return False
    for path, state in previous.files.items():
        live = snapshot.files.get(path)
        if live is None or not file_is_as_left(live, state, seal):
            return False
    return all(path in previous.files for path in snapshot.files)


def has_whole_files(desired: Desired, snapshot: Snapshot) -> bool:
    """Whether every key and managed file has the content that the stack declares, and what else it declares of it."""
    keys = {key.path: key for key in desired.keys}
    return as_wanted(desired, snapshot) and all(
        path in snapshot.files
        and key.private_key is not None
        and snapshot.files[path].digest == digest(key.private_key.reveal())
        for path, key in keys.items()
    )


def file_is_as_left(live: LiveFile, left: FileState, seal: Seal) -> bool:
    """Whether a file has the content, mode and owner of the last apply."""
    return (seal(live.digest), live.mode, live.owner, live.group) == (left.digest, left.mode, left.owner, left.group)
