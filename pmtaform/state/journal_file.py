"""The lines of a journal in a file, `state/<stack>.journal`.

Each line is on the disk before the call returns. Lines that arrive while others are being written go out together with
the next, so that a run over many hosts does not wait for one sync a host. A line that a crash cut short is ended by the
next writer, so it never spoils another.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.state import STATE_UNREADABLE
from pmtaform.errors import StateDamaged
from pmtaform.reading import read_regular
from pmtaform.state.atomic import ensure_folder, writing_state
from pmtaform.writing import write_all

_MODE = 0o600


@dataclass(slots=True, eq=False)
class _Line:
    text: bytes
    is_written: bool = False


class JournalFile:
    """The lines in the file `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = str(path)
        self._queue: list[_Line] = []
        self._queueing = threading.Lock()
        self._turn = threading.Lock()

    def read(self) -> bytes:
        """All lines. Raises `StateDamaged` (code `state-unreadable`) when the file cannot be opened."""
        try:
            return read_regular(self.path)
        except FileNotFoundError:
            return b""
        except OSError as problem:
            detail = f"{(problem.strerror or type(problem).__name__).lower()}. Make it readable for yourself."
            place = Place(str(self.path))
            raise StateDamaged.of(STATE_UNREADABLE, detail, place=place) from None

    def append(self, line: bytes) -> None:
        """Append `line`. Raises `PmtaformError` (code `state-not-written`)."""
        own = _Line(line)
        with self._queueing:
            self._queue.append(own)
        with self._turn:
            if own.is_written:
                return
            with self._queueing:
                batch, self._queue = self._queue, []
            try:
                self._write(b"".join(each.text for each in batch))
            except BaseException:
                with self._queueing:  # each of the others tries again, and reports on its own line
                    self._queue = [each for each in batch if each is not own] + self._queue
                raise
            for each in batch:
                each.is_written = True

    def _write(self, lines: bytes) -> None:
        ensure_folder(self.path.parent)
        with writing_state(self.path):
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self.path, flags, _MODE)
            try:
                size = os.fstat(descriptor).st_size
                torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                write_all(descriptor, b"\n" + lines if torn else lines)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
