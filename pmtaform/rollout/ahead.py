"""The result of a rollback, computed before it: the files that a host will have again, and which are ours.

Kept files are read into memory only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pmtaform.host import (
    ABSENT,
    HASH_ONLY,
    FileKind,
    HostSpec,
    Known,
    LeftFile,
    Session,
    Snapshot,
    WayBack,
    kept_copies,
    last_left,
    probe,
    way_back,
    way_back_from,
)
from pmtaform.inspection.recording import Recording, files_of, recording
from pmtaform.lang.blocks import Address, Block, blocks_of
from pmtaform.lang.includes import Configuration, absolute_includes, may_name, read_configuration
from pmtaform.plan.between import FileMoves
from pmtaform.state import HostState


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """A host now, and after the rollback."""

    before: Snapshot
    way: WayBack
    now: Configuration
    then: Configuration
    recording: Recording
    moves: FileMoves


@dataclass(frozen=True, slots=True)
class Owned:
    """What is ours: block addresses, and the paths of files by their address."""

    blocks: frozenset[str] = frozenset()
    keys: Mapping[str, str] | None = None


def look_ahead(session: Session, spec: HostSpec, generation: int, stack: str, previous: HostState | None) -> Ahead:
    """The result of a rollback to before `generation`. Raises `HostError`."""
    way = way_back(session, spec, generation)
    ours = _ours_now(session, spec, stack, previous)
    before = _seen(session, spec, {change.path for change in way.changes} | set((ours.keys or {}).values()))
    now, then, restored = _sides(session, spec, way, before)
    files = _files(before, way)
    owned = _ours_then(session, spec, stack, way, ours, (blocks_of(now), blocks_of(then)))
    keys = {name: path for name, path in (owned.keys or {}).items() if path in files}
    unmanaged = sum(1 for address in blocks_of(then) if str(address) not in owned.blocks)
    recorded = recording(stack, files, restored, then, owned=(owned.blocks, keys), unmanaged=unmanaged)
    moves = _moves(way, before, then, {**(ours.keys or {}), **(owned.keys or {})})
    return Ahead(before=before, way=way, now=now, then=then, recording=recorded, moves=moves)


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A change that awaits its confirmation: the configuration before and after it, and the other files."""

    before: Configuration
    after: Configuration
    moves: FileMoves


def look_behind(session: Session, spec: HostSpec, transaction: str, previous: HostState | None) -> Unconfirmed | None:
    """The effect of the unconfirmed change `transaction`; None: the host does not have it any more."""
    way = way_back_from(session, spec, transaction)
    if way is None:
        return None
    snapshot = _seen(session, spec, {change.path for change in way.changes})
    now, then, _ = _sides(session, spec, way, snapshot, transaction)
    beside = {change.path for change in way.changes} - now.trees.keys() - then.trees.keys()
    removed = frozenset(path for path in beside if way.expect.get(path) == ABSENT)  # keys go once it is confirmed
    replaced = frozenset(change.path for change in way.changes if change.kept and change.path in beside - removed)
    moves = FileMoves(removed, replaced, previous.keys if previous is not None else {})
    return Unconfirmed(then, now, moves)


def _sides(
    session: Session, spec: HostSpec, way: WayBack, snapshot: Snapshot, transaction: str = ""
) -> tuple[Configuration, Configuration, dict[str, bytes]]:
    """The configuration now and after the rollback, and the content of its files then."""
    contents = {path: file.content for path, file in snapshot.files.items() if file.content is not None}
    copies = kept_copies(session, spec, _configuration_copies(way, snapshot, spec.config), transaction)
    restored = _restored(contents, copies, way)
    now = read_configuration(spec.config, contents, snapshot.patterns)
    then = read_configuration(spec.config, restored, _patterns(snapshot.patterns, way))
    return now, then, restored


def _moves(way: WayBack, before: Snapshot, then: Configuration, keys: Mapping[str, str]) -> FileMoves:
    """The changes of a rollback to files outside of the configuration."""
    beside = [change for change in way.changes if change.path not in then.trees]
    return FileMoves(
        removed=frozenset(change.path for change in beside if not change.kept),
        replaced=frozenset(change.path for change in beside if change.kept and change.path in before.files),
        keys=keys,
    )


def _seen(session: Session, spec: HostSpec, others: set[str]) -> Snapshot:
    """The complete configuration, and the digests of `others`, which may be keys."""
    whole = probe(session, spec, Known(), absolute_includes)
    asked = dict.fromkeys(others - whole.files.keys() - whole.missing, HASH_ONLY)
    if not asked:
        return whole
    more = probe(session, spec, Known(files={**asked, spec.config: HASH_ONLY}), absolute_includes)
    return replace(whole, files={**more.files, **whole.files}, missing=whole.missing | more.missing)


def _ours_now(session: Session, spec: HostSpec, stack: str, previous: HostState | None) -> Owned:
    """What is ours now, by the state and the host's last record."""
    last = last_left(session, spec)
    left = last.left if last is not None and last.left is not None and last.left.stack == stack else None
    blocks = {*(previous.blocks if previous else ()), *(left.blocks if left else ())}
    return Owned(frozenset(blocks), {**(left.keys if left else {}), **(previous.keys if previous else {})})


def _ours_then(
    session: Session,
    spec: HostSpec,
    stack: str,
    way: WayBack,
    now: Owned,
    blocks: tuple[Mapping[Address, Block], Mapping[Address, Block]],
) -> Owned:
    """What is ours after the rollback: what was ours then and what is ours now, as far as the host has it.

    Where the host kept no record then, a restored block that our own transactions removed counts as ours: they delete
    nothing else, except what the stack removes (`unmanaged: remove`).
    """
    live, restored = blocks
    earlier = last_left(session, spec, generation=way.before) if way.before else None
    left = earlier.left if earlier is not None else None
    if left is not None and left.stack == stack:
        known, keys = {*now.blocks, *left.blocks}, {**left.keys, **(now.keys or {})}
    elif way.before == 0:
        known, keys = set(now.blocks), dict(now.keys or {})  # before the first, nothing was
    else:
        known = {*now.blocks, *(str(address) for address in restored if address not in live)}
        keys = dict(now.keys or {})
    return Owned(frozenset(name for name in map(str, restored) if name in known), keys)


def _configuration_copies(way: WayBack, before: Snapshot, main: str) -> dict[str, str]:
    """The kept copies that may be configuration. A key is read only if the configuration includes it now."""
    return {
        change.path: change.kept
        for change in way.changes
        if change.kept and (change.kind is FileKind.CONFIG or change.path == main or _is_read(before, change.path))
    }


def _is_read(before: Snapshot, path: str) -> bool:
    return path in before.files and before.files[path].content is not None


def _restored(contents: Mapping[str, bytes], copies: Mapping[str, bytes], way: WayBack) -> dict[str, bytes]:
    gone = {change.path for change in way.changes if not change.kept}
    return {path: content for path, content in {**contents, **copies}.items() if path not in gone}


def _files(before: Snapshot, way: WayBack) -> dict[str, LeftFile]:
    """Every known file, as it will be."""
    files = files_of(before)
    for change in way.changes:
        value = way.digests.get(change.path, ABSENT)
        if not change.kept or value == ABSENT:
            files.pop(change.path, None)
        else:
            files[change.path] = LeftFile(value, change.mode, change.owner, change.group)
    return files


def _patterns(patterns: Mapping[str, Iterable[str]], way: WayBack) -> dict[str, tuple[str, ...]]:
    """What each include pattern will name."""
    gone = {change.path for change in way.changes if not change.kept}
    back = [change.path for change in way.changes if change.kept]
    return {
        pattern: tuple(sorted({*(p for p in names if p not in gone), *(p for p in back if may_name(pattern, p))}))
        for pattern, names in patterns.items()
    }
