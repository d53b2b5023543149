"""The backend that keeps what there is of a stack in files of a folder: `STACK.json`, and more beside it.

The reasons for the layout are in docs/decisions/0016-changes-beside-the-state.md.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.state import BACKEND_OPTIONS, STATE_UNREADABLE
from pmtaform.errors import Invalid, PmtaformError, StateDamaged
from pmtaform.reading import read_regular
from pmtaform.state.atomic import copy_file, ensure_folder, replace_file, sweep
from pmtaform.state.backend import BackendKind, Backends, BackendSettings, check_base
from pmtaform.state.change_file import ChangeFile, Mark
from pmtaform.state.decoding import decode
from pmtaform.state.document import StateDocument, StateVersion
from pmtaform.state.encoding import encode, encode_changes
from pmtaform.state.journal_file import JournalFile
from pmtaform.state.key import StackKey
from pmtaform.state.key_file import open_key
from pmtaform.state.lock import HeldLock, LockInfo
from pmtaform.state.lock_file import LockFile
from pmtaform.state.names import check_stack_name
from pmtaform.state.rotation_file import RotationFile

_HEADER = re.compile(rb'\{\s*"format": \d+,\s*"lineage": "([0-9a-f-]{36})",\s*"serial": (\d{1,18}),')
_HEADER_BYTES = 512
_WHOLE_BELOW: Final = 128 * 1024  # bytes, about 40 hosts: one file, and an fsync more would not be less


class _Seen(NamedTuple):
    """The files as a save left them. Another file, or another size, means that someone else wrote."""

    inode: int
    size: int
    modified: int
    changes: Mark | None


class FileBackend:
    """The state of `stack` in `folder`, which is made at the first lock or save.

    A small state is written whole at each save. Of one from `whole_below` bytes on, a save appends what changed to
    `STACK.changes`, which is folded into `STACK.json` when the lock is released (`change_file.py`).

    The backup is the state as it was before this object's first save, that is before the run. Save under the
    lock: the comparison with what is kept guards against a lock broken by hand, not against two saves at once.
    """

    def __init__(self, folder: Path, stack: str, *, whole_below: int = _WHOLE_BELOW) -> None:
        self._stack = check_stack_name(stack)
        self._folder = folder
        self.path = folder / f"{stack}.json"
        self.backup_path = folder / f"{stack}.json.backup"
        self.events = JournalFile(folder / f"{stack}.journal")
        self.rotations = RotationFile(folder, stack)
        self._lock = LockFile(folder / f"{stack}.lock", stack)
        self._changes = ChangeFile(folder / f"{stack}.changes", stack)
        self._whole_below = whole_below
        self._known: StateDocument | None = None  # what was loaded or saved last
        self._seen: _Seen | None = None  # the files as the last save left them
        self._backed_up = False

    @property
    def stack(self) -> str:
        """Whose state it is."""
        return self._stack

    def load(self) -> StateDocument | None:
        """The state, or None when there is no file. Raises `StateDamaged`."""
        changes = self._changes.read()  # before the state: a run that ends in between leaves its changes in that
        content = self._content()
        document = None if content is None else decode(content, file=str(self.path), stack=self._stack)
        del content  # 32 MB of 10,000 hosts, which `document` has as texts
        if document is not None and changes is not None and changes.base == document.version:
            document = changes.applied_to(document, Place(str(self._changes.path)))
        self._known = document
        return document

    def save(self, document: StateDocument, *, over: StateVersion | None) -> None:
        """Keep `document`: as a whole, or what changed. See `StateBackend.save`."""
        ensure_folder(self._folder)
        current = self._kept()
        check_base(current, over, Place(str(self.path)))
        before, seen, self._seen = self._known, self._seen, None
        may_append = before is not None and before.version == current and _has_only_changed_entries(before, document)
        if before is None or not may_append or not self._appended(before, document, seen):
            self._save_whole(document)
        self._known = document

    def lock(self, info: LockInfo) -> HeldLock:
        """Take the lock; a dead process's is taken over, with a notice. Raises `Locked`."""
        ensure_folder(self._folder)
        held = self._lock.acquire(info)
        for path in (self.path, self.backup_path):
            sweep(path)
        self._fold()
        return HeldLock(info, self._release, held.notice)

    def unlock(self) -> LockInfo | None:
        """Take the lock away, whosever it is. Returns whose it was, None when none was."""
        return self._lock.remove()

    def lock_info(self) -> LockInfo | None:
        """The holder of the lock, or None."""
        return self._lock.info()

    def key(self) -> StackKey:
        """The key in `STACK.key`; made if there is none. Raises `SecretUnavailable`."""
        return open_key(self._folder, self._stack)

    # -- files ---------------------------------------------------------------------------------------------------------

    def _content(self) -> bytes | None:
        try:
            return read_regular(self.path)
        except FileNotFoundError:
            return None
        except OSError as problem:
            detail = f"{(problem.strerror or type(problem).__name__).lower()}. Make it readable for yourself."
            place = Place(str(self.path))
            raise StateDamaged.of(STATE_UNREADABLE, detail, place=place) from None

    def _kept(self) -> StateVersion | None:
        """Which version the files hold. They are read only where another run may have written since the last save."""
        if self._seen is not None and self._known is not None and self._seen == self._look():
            return self._known.version
        changes = self._changes.read() if self._changes.mark() is not None else None
        base = self._whole()
        return changes.version if changes is not None and changes.base == base else base

    def _whole(self) -> StateVersion | None:
        """Which version `STACK.json` holds; only its header is read when that is as we write it."""
        with suppress(OSError), self.path.open("rb") as file:
            header = _HEADER.match(file.read(_HEADER_BYTES))
            if header:
                return StateVersion(header[1].decode("ascii"), int(header[2]))
        content = self._content()
        return None if content is None else decode(content, file=str(self.path), stack=self._stack).version

    def _look(self) -> _Seen | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return _Seen(found.st_ino, found.st_size, found.st_mtime_ns, self._changes.mark())

    # -- saving --------------------------------------------------------------------------------------------------------

    def _back_up(self) -> None:
        if not self._backed_up and self.path.exists():
            copy_file(self.path, self.backup_path)
        self._backed_up = True

    def _save_whole(self, document: StateDocument) -> None:
        """Write a temporary file, fsync, rename, fsync the folder. The changes before it are in it."""
        self._back_up()
        replace_file(self.path, encode(document))
        if self._changes.mark() is not None:
            self._changes.remove()
        self._seen = self._look()

    def _appended(self, before: StateDocument, document: StateDocument, seen: _Seen | None) -> bool:
        """Append what changed since `before`. Returns False where the whole is to be written instead."""
        whole = seen or self._look()
        if whole is None or whole.size < self._whole_below:
            return False
        entries = encode_changes(before, document)
        if seen is not None and seen.changes is not None:
            if seen.changes.size + len(entries) > whole.size:
                return False  # so that all that a run writes stays in proportion to what it changed
            mark = self._changes.append(seen.changes, document.serial, entries)
        elif self._changes.mark() is not None or len(entries) > whole.size:
            return False  # of a run that was killed
        else:
            self._back_up()
            mark = self._changes.start(before.version, document.serial, entries)
        self._seen = whole._replace(changes=mark)
        return True

    def _fold(self) -> None:
        """Put the changes of a run into `STACK.json`. Where they cannot be, they stay, and are read with it."""
        if self._changes.mark() is None:
            return
        with suppress(PmtaformError):
            document = self.load()
            if document is not None and document.version != self._whole():
                replace_file(self.path, encode(document))
            self._changes.remove()

    def _release(self, run: str) -> None:
        holder = self.lock_info()
        if holder is not None and holder.run == run:
            self._fold()
        self._lock.remove(run)


def _has_only_changed_entries(before: StateDocument, after: StateDocument) -> bool:
    """Whether nothing but the serial and entries of hosts differ."""
    return (before.stack, before.lineage, before.key_id) == (after.stack, after.lineage, after.key_id)


def _open(settings: BackendSettings) -> Backends:
    if settings.options:
        problem = f"It has no options, and {', '.join(settings.options)} is given."
        raise Invalid.of(BACKEND_OPTIONS, problem)
    return lambda stack: FileBackend(settings.root / "state", stack)


FILE: Final = BackendKind(_open)
