"""The record that a host keeps of the result of a transaction, and the copy of its configuration beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pmtaform.host import LeftFile, LeftRecord, Snapshot, digest
from pmtaform.host.left import encode
from pmtaform.inspection.managed_files import file_write
from pmtaform.inspection.reading import after_of, before_of, contents_after
from pmtaform.lang.includes import Configuration
from pmtaform.rollout import transactions

if TYPE_CHECKING:
    from pmtaform.host import Transaction
    from pmtaform.inspection.survey import Survey


@dataclass(frozen=True, slots=True)
class Recording:
    """A record, and the configuration files that the host copies, in the same order."""

    left: LeftRecord
    base: tuple[str, ...] = ()

    @property
    def record(self) -> bytes:
        """The record in the form in which it is sent."""
        return encode(self.left)


def after(survey: Survey) -> Recording:
    """The record of the host after the survey's changes."""
    difference = survey.difference
    contents = contents_after(survey)
    written = {key.path: transactions.key_write(key) for key in difference.write_keys}
    written |= {file.path: file_write(file) for file in difference.write_files}
    files = {path: _as_found(survey.snapshot, path, value) for path, value in transactions.wanted_files(survey).items()}
    for path, write in written.items():
        known = files[path]
        files[path] = LeftFile(
            known.digest, write.mode or known.mode, write.owner or known.owner, write.group or known.group
        )
    return recording(
        survey.target.desired.stack,
        files,
        contents,
        after_of(survey),
        owned=(difference.owned, difference.owned_keys),
        unmanaged=difference.plan.unmanaged,
    )


def before(survey: Survey) -> Recording:
    """The record of the host before the survey's changes, and again when they are undone."""
    previous, snapshot = survey.target.previous, survey.snapshot
    contents = {path: file.content for path, file in snapshot.files.items() if file.content is not None}
    return recording(
        survey.target.desired.stack,
        files_of(snapshot),
        contents,
        before_of(survey),
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


def with_record(tx: Transaction, survey: Survey) -> Transaction:
    """The transaction, with the record of its result."""
    recorded = after(survey)
    return replace(tx, record=recorded.record, base=recorded.base)
