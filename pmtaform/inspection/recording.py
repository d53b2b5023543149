"""The record that a host keeps of the result of a transaction, and the copy of its configuration beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pmtaform.host import FileKind, FileWrite, LeftFile, LeftRecord, Snapshot, digest
from pmtaform.host.left import encode
from pmtaform.inspection.survey import Survey
from pmtaform.lang.includes import Configuration


@dataclass(frozen=True, slots=True)
class Recording:
    """A record, and the configuration files that the host copies, in the same order."""

    left: LeftRecord
    base: tuple[str, ...] = ()

    @property
    def record(self) -> bytes:
        """The record in the form in which it is sent."""
        return encode(self.left)


def record_after(
    survey: Survey,
    after: Configuration,
    contents: Mapping[str, bytes],
    wanted: Mapping[str, str],
    writes: Iterable[FileWrite],
) -> Recording:
    """The record of the host after the survey's changes: `wanted` is the digest of each file, by path."""
    difference = survey.difference
    files = {path: _as_found(survey.snapshot, path, value) for path, value in wanted.items()}
    for write in writes:
        if write.kind is not FileKind.KEY:
            continue
        known = files[write.path]
        files[write.path] = LeftFile(
            known.digest, write.mode or known.mode, write.owner or known.owner, write.group or known.group
        )
    return recording(
        survey.target.desired.stack,
        files,
        contents,
        after,
        owned=(difference.owned, difference.owned_keys),
        unmanaged=difference.plan.unmanaged,
    )


def record_before(survey: Survey, before: Configuration) -> Recording:
    """The record of the host before the survey's changes, and again when they are undone."""
    previous, snapshot = survey.target.previous, survey.snapshot
    contents = {path: file.content for path, file in snapshot.files.items() if file.content is not None}
    return recording(
        survey.target.desired.stack,
        files_of(snapshot),
        contents,
        before,
        owned=(previous.blocks, previous.keys) if previous is not None else ((), {}),
        unmanaged=previous.unmanaged if previous is not None else 0,
    )


def recording(
    stack: str,
    files: Mapping[str, LeftFile],
    contents: Mapping[str, bytes],
    configuration: Configuration,
    *,
    owned: tuple[Iterable[str], Mapping[str, str]],
    unmanaged: int,
) -> Recording:
    """A record of `files`, with a copy of those that are `configuration`."""
    base = tuple(
        path
        for path in configuration.trees
        if path in contents and path in files and digest(contents[path]) == files[path].digest
    )
    left = LeftRecord(
        stack=stack,
        files=files,
        sizes={path: len(contents[path]) for path in base},
        patterns=configuration.patterns,
        blocks=tuple(owned[0]),
        keys=dict(owned[1]),
        unmanaged=unmanaged,
    )
    return Recording(left, base)


def files_of(snapshot: Snapshot) -> dict[str, LeftFile]:
    """The files of a snapshot in the form of a record."""
    return {path: LeftFile(f.digest, f.mode, f.owner, f.group) for path, f in snapshot.files.items()}


def _as_found(snapshot: Snapshot, path: str, value: str) -> LeftFile:
    live = snapshot.files.get(path)
    return LeftFile(value) if live is None else LeftFile(value, live.mode, live.owner, live.group)
