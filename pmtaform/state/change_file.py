"""The changes of a run, appended to a file beside the state: `state/<stack>.changes`.

A save of a large fleet appends what changed, and does not write the state of all hosts again. When the lock is
released, the changes are folded into `STACK.json` and this file is removed: it is there only during a run, and after
one that was killed.

    pmtaform-changes 1 LINEAGE SERIAL CRC        the version of STACK.json that the changes are made on
    SERIAL BYTES CRC                             one record: the serial that it leads to,
    {"under-way": {...}, "hosts": {...}}         and BYTES of entries as STACK.json has them, null where one is gone

Each record is on the disk before the next is written. So one that is cut short can only be the last, and was never
reported as saved: it is left out. One that is followed by a whole record is damage.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.state import STATE_UNREADABLE
from pmtaform.errors import StateDamaged
from pmtaform.reading import read_regular
from pmtaform.state.atomic import writing_state
from pmtaform.state.decoding import damaged, with_changes
from pmtaform.state.document import StateDocument, StateVersion
from pmtaform.writing import sync_folder, write_all

_MODE: Final = 0o600
_HEAD: Final = re.compile(rb"pmtaform-changes 1 ([0-9a-f-]{36}) (\d{1,20}) ([0-9a-f]{8})\n")
_RECORD: Final = re.compile(rb"(\d{1,20}) (\d{1,10}) ([0-9a-f]{8})\n")


@dataclass(frozen=True, slots=True)
class ChangeRecords:
    """What the file holds: the version that its records are made on, and the records, oldest first."""

    base: StateVersion
    records: tuple[tuple[int, bytes], ...]  # serial, entries

    @property
    def version(self) -> StateVersion:
        """The version that the last record leads to."""
        return self.base._replace(serial=self.records[-1][0]) if self.records else self.base

    def applied_to(self, document: StateDocument, place: Place) -> StateDocument:
        """`document` with the changes. Raises `StateDamaged`."""
        for serial, entries in self.records:
            try:
                document = with_changes(document, entries.decode("ascii"), serial)
            except ValueError:
                damaged(f"the record of serial {serial} is not what pmtaform writes", place, document.stack)
        return document


@dataclass(frozen=True, slots=True)
class Mark:
    """Which file was written, and up to where: another size or another file means that another run wrote."""

    inode: int
    size: int


class ChangeFile:
    """The changes in the file `path`, of the state of `stack`. Write under the stack's lock."""

    def __init__(self, path: Path, stack: str) -> None:
        self.path = path
        self._stack = stack

    def read(self) -> ChangeRecords | None:
        """The changes; None when there are none. Raises `StateDamaged`."""
        try:
            content = read_regular(self.path)
        except FileNotFoundError:
            return None
        except OSError as problem:
            detail = f"{(problem.strerror or type(problem).__name__).lower()}. Make it readable for yourself."
            raise StateDamaged.of(STATE_UNREADABLE, detail, place=Place(str(self.path))) from None
        head = _HEAD.match(content)
        if head is None or head[3] != _sum(head[0][: -len(head[3]) - 1]):
            self._require_torn(content, 0)
            return None
        records = tuple(self._records(content, head.end()))
        return ChangeRecords(StateVersion(head[1].decode("ascii"), int(head[2])), records)

    def start(self, base: StateVersion, serial: int, entries: bytes) -> Mark:
        """Make the file with its first record. One that is there is of no use any more.

        Raises `PmtaformError` (`state-not-written`), as all that write do.
        """
        head = f"pmtaform-changes 1 {base.lineage} {base.serial} ".encode("ascii")
        with writing_state(self.path):
            self.path.unlink(missing_ok=True)
            mark = self._write(head + _sum(head) + b"\n" + _record(serial, entries), os.O_CREAT | os.O_EXCL, 0)
            sync_folder(self.path.parent)
        return mark

    def append(self, mark: Mark, serial: int, entries: bytes) -> Mark:
        """Add a record behind the last one. If it cannot be written, the file is as before."""
        with writing_state(self.path):
            return self._write(_record(serial, entries), 0, mark.size)

    def mark(self) -> Mark | None:
        """Which file there is, and its size; None: none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return Mark(found.st_ino, found.st_size)

    def remove(self) -> None:
        """Remove the file: what it holds is in the state."""
        with writing_state(self.path):
            self.path.unlink(missing_ok=True)

    def _write(self, content: bytes, create: int, size: int) -> Mark:
        flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | create
        descriptor = os.open(self.path, flags, _MODE)
        try:
            write_all(descriptor, content)
            os.fsync(descriptor)
            return Mark(os.fstat(descriptor).st_ino, size + len(content))
        except OSError:
            with suppress(OSError):  # a record that is cut short is left out by its sum, too
                os.ftruncate(descriptor, size)
            raise
        finally:
            os.close(descriptor)

    def _records(self, content: bytes, start: int) -> Iterator[tuple[int, bytes]]:
        while start < len(content):
            record = _record_at(content, start)
            if record is None:
                self._require_torn(content, start)
                return
            serial, begin, start = record
            yield serial, content[begin:start]

    def _require_torn(self, content: bytes, start: int) -> None:
        """Raise `StateDamaged` if a whole record follows what is not one."""
        for line in _RECORD.finditer(content, start):
            if line.start() > start and _record_at(content, line.start()) is not None:
                place = Place(str(self.path), content.count(b"\n", 0, start) + 1)
                damaged("a record of changes is damaged, and others follow it", place, self._stack)


def _record(serial: int, entries: bytes) -> bytes:
    line = f"{serial} {len(entries)} ".encode("ascii")
    return line + _sum(line + entries) + b"\n" + entries


def _record_at(content: bytes, start: int) -> tuple[int, int, int] | None:
    """The record that begins there: its serial, and where its entries begin and end. None: there is no whole one."""
    line = _RECORD.match(content, start)
    if line is None:
        return None
    end = line.end() + int(line[2])
    entries = content[line.end() : end]
    if len(entries) != int(line[2]) or _sum(content[start : line.start(3)] + entries) != line[3]:
        return None
    return int(line[1]), line.end(), end


def _sum(content: bytes) -> bytes:
    return f"{crc32(content):08x}".encode("ascii")
