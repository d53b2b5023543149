"""Managed files of one host: the request for them, the files that it has, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping

from pmtaform.host import FileKind, FileWrite, Snapshot, digest
from pmtaform.inspection.survey import Survey
from pmtaform.lang.blocks import Address
from pmtaform.model.desired import FILE, Desired, FileRole, ManagedFile
from pmtaform.plan.files import LiveManagedFile
from pmtaform.plan.inputs import Previous
from pmtaform.state import HostState, Seal


def asked_for(desired: Desired, *, trust: bool) -> dict[str, str | None]:
    """The digest of each file as it should be: the host sends a file whose digest differs.

    A fragment is a part of the configuration, which is wanted whole unless the host is as we left it (`trust`).
    """
    return {
        file.path: None if file.role is FileRole.FRAGMENT and not trust else digest(content_of(file))
        for file in desired.managed
        if file.content is not None
    }


def content_of(file: ManagedFile) -> bytes:
    """The content that a file should have; its secrets were resolved."""
    if file.content is None:
        raise AssertionError("a file whose content was not resolved cannot be compared or written")
    return file.content.reveal()


def live_files(
    desired: Desired, ours: Previous, snapshot: Snapshot, left: HostState | None, seal: Seal
) -> dict[str, LiveManagedFile]:
    """The managed files on the host, declared or ours, by path."""
    wanted = {file.path: file for file in desired.managed}
    paths = {path: None for name, path in ours.keys.items() if Address.parse(name).kind == FILE}
    return {path: _live(path, wanted.get(path), snapshot, left, seal) for path in paths | dict.fromkeys(wanted)}


def _live(
    path: str, wanted: ManagedFile | None, snapshot: Snapshot, left: HostState | None, seal: Seal
) -> LiveManagedFile:
    file = snapshot.files.get(path)
    if file is None:
        return LiveManagedFile(exists=False)
    known = left.files.get(path) if left is not None else None
    want = digest(content_of(wanted)) if wanted is not None and wanted.content is not None else ""
    moved = known is None or (known.digest, known.mode, known.owner, known.group) != (
        seal(file.digest),
        file.mode,
        file.owner,
        file.group,
    )
    return LiveManagedFile(
        exists=True,
        same=file.digest == want,
        mode=file.mode,
        owner=file.owner,
        group=file.group,
        moved=moved,
        left=known is not None and bool(want) and known.digest == seal(want),
        content=file.content,
    )


def as_wanted(desired: Desired, snapshot: Snapshot) -> bool:
    """Whether every managed file has the content, mode and owner that the stack declares."""
    for file in desired.managed:
        live = snapshot.files.get(file.path)
        if live is None or file.content is None or live.digest != digest(content_of(file)):
            return False
        if file.mode not in (None, live.mode) or file.owner not in (None, live.owner):
            return False
        if file.group not in (None, live.group):
            return False
    return True


def file_write(file: ManagedFile) -> FileWrite:
    """A file as it is written: before the configuration that may name it."""
    return FileWrite(
        path=file.path,
        content=content_of(file),
        kind=FileKind.KEY,
        mode=file.mode,
        owner=file.owner,
        group=file.group,
    )


def read_as_configuration(desired: Desired, snapshot: Snapshot, others: Mapping[str, object]) -> dict[str, bytes]:
    """What of the files in `others` (keys, managed files) PowerMTA may read as a part of its configuration.

    Only the content of fragments is read; of other files only their presence is known.
    """
    fragments = {file.path for file in desired.managed if file.role is FileRole.FRAGMENT}
    return {
        path: live.content if path in fragments and live.content is not None else b""
        for path, live in snapshot.files.items()
        if path in others
    }


def new_fragments(survey: Survey) -> dict[str, bytes]:
    """The fragments whose content on the host will change."""
    written = survey.difference.write_files
    return {file.path: content_of(file) for file in written if file.role is FileRole.FRAGMENT}
