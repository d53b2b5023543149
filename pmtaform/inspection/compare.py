"""The difference between what a host has and what it should have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pmtaform.diagnostics import Severity
from pmtaform.dkim import describe_file, one_key_in, same_private_key
from pmtaform.host import ABSENT, LiveFile, Snapshot, digest
from pmtaform.inspection.managed_files import content_of, live_files, read_as_configuration
from pmtaform.inspection.probing import file_is_as_left, key_paths
from pmtaform.inspection.sides import side
from pmtaform.inspection.survey import Target
from pmtaform.lang.includes import Configuration
from pmtaform.lang.tree import Tree
from pmtaform.model.desired import Desired, KeyFile
from pmtaform.model.selection import Selection
from pmtaform.plan.diff import Difference, difference
from pmtaform.plan.inputs import Live, LiveKey, Previous
from pmtaform.state import HostKeys, Seal


def compare(
    target: Target, snapshot: Snapshot, ours: Previous, keys: HostKeys, selection: Selection | None
) -> tuple[Difference, Configuration]:
    """The changes that give a host what it should have, and what it has. All of its files must have been read."""
    from pmtaform.plan.reach import unread_notes

    desired = target.desired
    live = _live(target, snapshot, ours, keys.seal)
    result = difference(desired, live, ours, keys.keyed, selection)
    # A finding on what the host has already stops no apply: lint decides whether the plan causes it.
    warnings = (replace(d, host=desired.host, severity=Severity.WARNING) for d in live.configuration.diagnostics)
    unread = unread_notes(desired.host, live.configuration, result.edits, snapshot.files)
    plan = replace(result.plan, notes=(*warnings, *result.plan.notes, *unread))
    return replace(result, plan=plan), live.configuration


def _live(target: Target, snapshot: Snapshot, ours: Previous, seal: Seal) -> Live:
    desired, keys = target.desired, key_paths(target.desired, ours)
    contents = {p: f.content for p, f in snapshot.files.items() if f.content is not None and p not in keys}
    contents |= read_as_configuration(desired, snapshot, keys)
    configuration = side(target.spec.config, contents, snapshot.patterns, _native_tree(desired))
    files = live_files(desired, ours, snapshot, target.previous, seal)
    return Live(configuration, _live_keys(target, snapshot, keys, seal), files, target.now)


def _native_tree(desired: Desired) -> Tree | None:
    """The native file that the last block is from: with an adopted host, nearly what it has."""
    last = list(desired.blocks.values())[-1:]
    return last[0].parts[0].tree if last else None


def _live_keys(target: Target, snapshot: Snapshot, paths: Iterable[str], seal: Seal) -> dict[str, LiveKey]:
    """What the host has of each key file, by path."""
    wanted = {key.path: key for key in target.desired.keys}
    left = target.previous.files if target.previous is not None else {}
    by_path = {}
    for path in paths:
        live = snapshot.files.get(path)
        if live is None:
            by_path[path] = LiveKey(exists=False, same=False)
        else:
            same = _same_key(live, wanted.get(path))
            as_left = path in left and file_is_as_left(live, left[path], seal)
            key = LiveKey(True, same, live.mode, live.owner, live.group, as_left=as_left)
            by_path[path] = key if same else _described(key, live, wanted.get(path))
    return by_path


def _described(key: LiveKey, live: LiveFile, wanted: KeyFile | None) -> LiveKey:
    """A key file that does not hold the wanted key, with a description of what it holds."""
    if live.content is None:
        return key
    value = wanted.private_key.reveal() if wanted is not None and wanted.private_key is not None else None
    unread = value is not None and one_key_in(live.content, value)
    return replace(key, description=describe_file(live.content), unread=unread)


def _same_key(live: LiveFile, wanted: KeyFile | None) -> bool:
    if wanted is None or wanted.private_key is None:
        return False
    value = wanted.private_key.reveal()
    if live.digest == digest(value):
        return True
    return live.content is not None and same_private_key(live.content, value)


def digests_before(snapshot: Snapshot, seal: Seal) -> Mapping[str, str]:
    """The keyed digest of each file that the plan was made from, by path."""
    digests = {path: seal(file.digest) for path, file in sorted(snapshot.files.items())}
    return digests | dict.fromkeys(sorted(snapshot.missing), ABSENT)


def digests_after(change: Difference, seal: Seal) -> Mapping[str, str]:
    """The keyed digest of each file that the plan changes, once it is applied, by path."""
    digests = {path: seal(digest(edit.content)) for path, edit in change.edits.items()}
    for key in change.write_keys:
        digests[key.path] = seal(digest(key.private_key.reveal())) if key.private_key is not None else ""
    digests |= {file.path: seal(digest(content_of(file))) for file in change.write_files}
    return digests | dict.fromkeys(change.remove_keys, ABSENT)
