"""The basis that a host is compared with to find what changed on it: what the last apply left there.

the state is of the host's last generation      the state, value by value with the copy that the host keeps
it is older, of another key, or there is none   the host's own record of its last generation
there is no such record either                  nothing: what changed is not known
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from pmtaform.host import HostSpec, LastLeft, LeftRecord, Session, Snapshot, digest, last_left
from pmtaform.lang.blocks import Address, Block, blocks_of
from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.lang.late_definitions import late_lists
from pmtaform.plan.block_digests import block_digest, digest_below
from pmtaform.plan.inputs import Previous
from pmtaform.state import FileState, HostState, Seal

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What the last apply left on a host.

    `blocks` are all blocks of the configuration then, None where only digests are known; `as_left`: the host has the
    same blocks now. `owned` are the blocks that were ours; `below`: pattern lists of a record that were below a source
    that uses them. `by` is the host's own record, where that is the basis, and `is_elsewhere`: the local state does not
    have its generation. `unknown` is the reason why nothing is known. `contents` and `patterns` are what `blocks` were
    read from.
    """

    files: Mapping[str, FileState] = field(default_factory=dict)
    blocks: Mapping[Address, Block] | None = None
    as_left: bool = False
    owned: frozenset[str] = frozenset()
    below: frozenset[Address] = frozenset()
    keys: Mapping[str, str] = field(default_factory=dict)
    by: LastLeft | None = None
    is_elsewhere: bool = False
    unknown: str = ""
    contents: Mapping[str, bytes] | None = field(default=None, repr=False)
    patterns: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def without_texts(self) -> Basis:
        """The same without blocks and contents, which are large."""
        by = replace(self.by, contents=None) if self.by is not None else None
        return replace(self, blocks=None, contents=None, by=by)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisSources:
    """The sources of a basis: the state, what the host has now, and the host's own record."""

    spec: HostSpec
    stack: str
    previous: HostState | None
    snapshot: Snapshot
    last: LastLeft | None
    seal: Seal
    generation: int | None = None  # that a state under another key knows of

    @property
    def is_current(self) -> bool:
        """Whether the state is of the host's last generation. Where the host lost its record, the state counts."""
        return is_current(self.previous, self.snapshot)


def is_current(previous: HostState | None, snapshot: Snapshot) -> bool:
    """Whether a state is of the last generation that its host has."""
    return previous is not None and previous.generation >= snapshot.generation


def look_up(
    session: Session, spec: HostSpec, previous: HostState | None, snapshot: Snapshot, seal: Seal
) -> LastLeft | None:
    """The host's own record, if it is needed to find what changed. A host that matches the state is not asked."""
    if not snapshot.generation:
        return None
    if is_current(previous, snapshot) and previous is not None and not moved(previous.files, snapshot, seal):
        return None
    return last_left(session, spec, contents=True)


def moved(left: Mapping[str, FileState], snapshot: Snapshot, seal: Seal) -> bool:
    """Whether a file that was left has other content now or is gone, or a new file is there."""
    live = snapshot.files
    return live.keys() != left.keys() or any(seal(live[path].digest) != left[path].digest for path in left)


def basis_of(sources: BasisSources) -> Basis:
    """The basis that the host is compared with."""
    return _of_state(sources) if sources.is_current else _of_record(sources)


def _of_state(sources: BasisSources) -> Basis:
    previous = sources.previous
    assert previous is not None
    contents = sources.last.contents if sources.last is not None else None
    blocks: Mapping[Address, Block] | None = None
    as_left = not moved(previous.files, sources.snapshot, sources.seal)
    if (
        not as_left
        and contents is not None
        and all(_is_of(path, contents[path], previous, sources) for path in contents)
    ):
        blocks = blocks_of(_read(sources.spec, contents, previous.patterns))
    owned = frozenset(previous.blocks)
    return Basis(
        files=previous.files,
        blocks=blocks,
        as_left=as_left,
        owned=owned,
        keys=previous.keys,
        contents=contents if blocks is not None else None,
        patterns=previous.patterns,
    )


def _is_of(path: str, content: bytes, previous: HostState, sources: BasisSources) -> bool:
    """Whether a kept copy matches the state, which an apply may have written without a change of the host."""
    known = previous.files.get(path)
    return known is not None and known.digest == sources.seal(digest(content))


def _of_record(sources: BasisSources) -> Basis:
    last = sources.last
    if last is None or last.left is None or last.left.stack != sources.stack:
        return Basis(by=last, is_elsewhere=_is_elsewhere(sources), unknown=_why_unknown(sources))
    left = last.left
    files = left_files(left, sources.snapshot, sources.seal)
    read = _read(sources.spec, last.contents, left.patterns) if last.contents is not None else None
    blocks = blocks_of(read) if read is not None else None
    return Basis(
        files=files,
        blocks=blocks,
        as_left=not moved(files, sources.snapshot, sources.seal),
        owned=frozenset(left.blocks),
        below=frozenset(late_lists(read, blocks)) if read is not None and blocks is not None else frozenset(),
        keys=left.keys,
        by=last,
        is_elsewhere=_is_elsewhere(sources),
        contents=last.contents,
        patterns=left.patterns,
    )


def left_files(left: LeftRecord, snapshot: Snapshot, seal: Seal) -> dict[str, FileState]:
    """The files of a host's record in the form of a state. What the record leaves to the host is as it is now."""
    files = {}
    for path, file in left.files.items():
        live = snapshot.files.get(path)
        files[path] = FileState(
            digest=seal(file.digest),
            mode=file.mode if file.mode is not None else live.mode if live else 0,
            owner=file.owner or (live.owner if live else ""),
            group=file.group or (live.group if live else ""),
        )
    return files


def _is_elsewhere(sources: BasisSources) -> bool:
    """Whether the state has another generation, and not only another key."""
    return sources.last is not None and sources.generation != sources.last.generation


def _why_unknown(sources: BasisSources) -> str:
    last = sources.last
    if last is None:
        return "nothing was ever applied there, by the records of the state and the host"
    origin = (
        f"generation {last.generation} was made by {last.who or 'an unknown user'}, {last.started or 'at some time'}"
    )
    if last.left is None:
        return f"{origin}, which the state does not know of, and left no record of what it left"
    return f'{origin}, for the stack "{last.left.stack}"'


def blocks_left(
    spec: HostSpec, contents: Mapping[str, bytes], patterns: Mapping[str, Iterable[str]]
) -> Mapping[Address, Block]:
    """The blocks that the last apply left, by the copy that the host keeps."""
    return blocks_of(_read(spec, contents, patterns))


def _read(spec: HostSpec, contents: Mapping[str, bytes], patterns: Mapping[str, Iterable[str]]) -> Configuration:
    named = {pattern: tuple(names) for pattern, names in patterns.items()}
    return read_configuration(spec.config, contents, named)


def _digests(basis: Basis, keyed: Callable[[bytes], str]) -> dict[str, str]:
    """The digests of what was ours, in the form of a state."""
    ours = {address: block for address, block in (basis.blocks or {}).items() if str(address) in basis.owned}
    return {str(a): (digest_below if a in basis.below else block_digest)(block, keyed) for a, block in ours.items()}


def with_basis(ours: Previous, basis: Basis, keyed: Callable[[bytes], str]) -> Previous:
    """What we applied last, with what the last apply of any state left."""
    if basis.by is None and not basis.unknown:
        return replace(ours, base=basis.blocks)
    return replace(ours, left=_digests(basis, keyed), base=basis.blocks)


def state_of(
    basis: Basis, snapshot: Snapshot, left: LastLeft, keyed: Callable[[bytes], str], now: str
) -> HostState | None:
    """The host's own record in the form of a state; None where the content of what is ours is not known."""
    if basis.unknown or left.left is None or basis.blocks is None:
        return None
    return HostState(
        machine_id=snapshot.machine_id,
        generation=left.generation,
        version=snapshot.version,
        version_stamp=snapshot.version_stamp,
        files=basis.files,
        patterns=left.left.patterns,
        blocks=_digests(basis, keyed),
        keys=basis.keys,
        unmanaged=left.left.unmanaged,
        applied_at=left.started if _TIME.fullmatch(left.started) else now,
        plan=left.plan,
        commit=left.commit or None,
        who=left.who,
    )
