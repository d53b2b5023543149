"""The lines of a journal in a file, `state/<stack>.journal`.

Each line is on the disk before the call returns. A line that a crash cut short is ended by the next writer, so it never
spoils another.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.state import STATE_UNREADABLE
from pmtaform.errors import StateDamaged
from pmtaform.reading import read_regular
from pmtaform.state.atomic import ensure_folder, writing_state
from pmtaform.writing import write_all

_MODE = 0o600


class JournalFile:
    """The lines in the file `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = str(path)
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
        ensure_folder(self.path.parent)
        with self._turn, writing_state(self.path):
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self.path, flags, _MODE)
            try:
                size = os.fstat(descriptor).st_size
                torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                write_all(descriptor, b"\n" + line if torn else line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
