"""The backend that keeps what there is of a stack in files of a folder: `STACK.json`, and more beside it."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.state import BACKEND_OPTIONS, STATE_UNREADABLE
from pmtaform.errors import Invalid, StateDamaged
from pmtaform.reading import read_regular
from pmtaform.state.atomic import copy_file, ensure_folder, replace_file, sweep
from pmtaform.state.backend import BackendKind, Backends, BackendSettings, check_base
from pmtaform.state.document import StateDocument, StateVersion
from pmtaform.state.encoding import Encoder, decode
from pmtaform.state.journal_file import JournalFile
from pmtaform.state.key import StackKey
from pmtaform.state.key_file import open_key
from pmtaform.state.lock import HeldLock, LockInfo
from pmtaform.state.lock_file import LockFile
from pmtaform.state.names import check_stack_name
from pmtaform.state.rotation_file import RotationFile

_HEADER = re.compile(rb'\{\s*"format": \d+,\s*"lineage": "([0-9a-f-]{36})",\s*"serial": (\d{1,18}),')
_HEADER_BYTES = 512


class FileBackend:
    """The state of `stack` in `folder`, which is made at the first lock or save.

    The backup is the state as it was before this object's first save, that is before the run. Save under the
    lock: the comparison with what is kept guards against a lock broken by hand, not against two saves at once.
    """

    def __init__(self, folder: Path, stack: str) -> None:
        self._stack = check_stack_name(stack)
        self._folder = folder
        self.path = folder / f"{stack}.json"
        self.backup_path = folder / f"{stack}.json.backup"
        self.events = JournalFile(folder / f"{stack}.journal")
        self.rotations = RotationFile(folder, stack)
        self._lock = LockFile(folder / f"{stack}.lock", stack)
        self._encoder = Encoder()
        self._backed_up = False

    @property
    def stack(self) -> str:
        """Whose state it is."""
        return self._stack

    def load(self) -> StateDocument | None:
        """The state, or None when there is no file. Raises `StateDamaged`."""
        try:
            content = read_regular(self.path)
        except FileNotFoundError:
            return None
        except OSError as problem:
            detail = f"{(problem.strerror or type(problem).__name__).lower()}. Make it readable for yourself."
            place = Place(str(self.path))
            raise StateDamaged.of(STATE_UNREADABLE, detail, place=place) from None
        return decode(content, file=str(self.path), stack=self._stack)

    def save(self, document: StateDocument, *, over: StateVersion | None) -> None:
        """Keep `document`: a temporary file, fsync, rename, fsync of the folder. See `StateBackend.save`."""
        ensure_folder(self._folder)
        current = self._kept()
        check_base(current, over, Place(str(self.path)))
        if current is not None and not self._backed_up:
            copy_file(self.path, self.backup_path)
        self._backed_up = True
        replace_file(self.path, self._encoder.encode(document))

    def lock(self, info: LockInfo) -> HeldLock:
        """Take the lock; a dead process's is taken over, with a notice. Raises `Locked`."""
        ensure_folder(self._folder)
        held = self._lock.acquire(info)
        for path in (self.path, self.backup_path):
            sweep(path)
        return held

    def unlock(self) -> LockInfo | None:
        """Take the lock away, whosever it is. Returns whose it was, None when none was."""
        return self._lock.remove()

    def lock_info(self) -> LockInfo | None:
        """The holder of the lock, or None."""
        return self._lock.info()

    def key(self) -> StackKey:
        """The key in `STACK.key`; made if there is none. Raises `SecretUnavailable`."""
        return open_key(self._folder, self._stack)

    def _kept(self) -> StateVersion | None:
        """Which version the file holds; only its header is read when that is as we write it."""
        with suppress(OSError), self.path.open("rb") as file:
            header = _HEADER.match(file.read(_HEADER_BYTES))
            if header:
                return StateVersion(header[1].decode("ascii"), int(header[2]))
        document = self.load()
        return document.version if document else None


def _open(settings: BackendSettings) -> Backends:
    if settings.options:
        problem = f"It has no options, and {', '.join(settings.options)} is given."
        raise Invalid.of(BACKEND_OPTIONS, problem)
    return lambda stack: FileBackend(settings.root / "state", stack)


FILE: Final = BackendKind(_open)
