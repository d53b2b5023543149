"""The backend that keeps what there is of a stack in files of a folder: `STACK.json`, and more beside it.

The reasons for the layout are in docs/decisions/0016-changes-beside-the-state.md.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from pmtaform.diagnostics import Diagnostic, Place
from pmtaform.diagnostics.codes.state import BACKEND_OPTIONS, CHANGES_LEFT_OUT, STATE_UNREADABLE
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
_SETTLED: Final = 1_000_000_000  # nanoseconds
_WHOLE_BELOW: Final = 128 * 1024  # bytes, about 40 hosts: one file, and an fsync more would not be less


class _Seen(NamedTuple):
    """The files as a save left them. Another file, or another size, means that someone else wrote."""

    inode: int
    size: int
    modified: int
    changes: Mark | None


@dataclass(slots=True)
class Remembered:
    """What the backends of one stack in this process read or wrote last, so that it is in memory once.

    Documents do not change. `seen` are the files that `document` was read from or written to; None: not known. Both
    are replaced at one time, because threads may load and save.
    """

    known: tuple[StateDocument | None, _Seen | None] = (None, None)

    def at(self, seen: _Seen | None) -> StateDocument | None:
        """The document, if the files are still those."""
        document, known = self.known
        return document if seen is not None and seen == known else None


class FileBackend:
    """The state of `stack` in `folder`, which is made at the first lock or save.

    A small state is written whole at each save. Of one from `whole_below` bytes on, a save appends what changed to
    `STACK.changes`, which is folded into `STACK.json` when the lock is released (`change_file.py`).

    The backup is the state as it was before this object's first save, that is before the run. Save under the
    lock: the comparison with what is kept guards against a lock broken by hand, not against two saves at once.
    """

    def __init__(
        self, folder: Path, stack: str, *, remembered: Remembered | None = None, whole_below: int = _WHOLE_BELOW
    ) -> None:
        self._stack = check_stack_name(stack)
        self._folder = folder
        self.path = folder / f"{stack}.json"
        self.backup_path = folder / f"{stack}.json.backup"
        self.events = JournalFile(folder / f"{stack}.journal")
        self.rotations = RotationFile(folder, stack)
        self._lock = LockFile(folder / f"{stack}.lock", stack)
        self._changes = ChangeFile(folder / f"{stack}.changes", stack)
        self._whole_below = whole_below
        self._last = remembered or Remembered()
        self._backed_up = False
        self._mark: Mark | None = None  # what this object appended last

    @property
    def stack(self) -> str:
        """Whose state it is."""
        return self._stack

    def load(self) -> StateDocument | None:
        """The state, or None when there is no file. Raises `StateDamaged`."""
        seen = self._look()
        known = self._last.at(seen)
        if known is not None and seen is not None and _is_settled(seen):
            return known
        changes = self._changes.read()  # before the state: a run that ends in between leaves its changes in that
        content = self._content()
        document = None if content is None else decode(content, file=str(self.path), stack=self._stack)
        if document is not None and changes is not None and changes.base == document.version:
            document = changes.applied_to(document, Place(str(self._changes.path)))
        is_settled = seen is not None and _is_settled(seen) and seen == self._look()
        self._last.known = (document, seen if is_settled else None)
        return document

    def save(self, document: StateDocument, *, over: StateVersion | None) -> None:
        """Keep `document`: as a whole, or what changed. See `StateBackend.save`."""
        ensure_folder(self._folder)
        check_base(self._kept(), over, Place(str(self.path)))
        before, seen = self._last.known
        if before is not None and before.version != over:
            before = self.load() if over is not None else None
        self._last.known = (before, None)
        may_append = before is not None and _has_only_changed_entries(before, document)
        written = self._appended(before, document, seen) if before is not None and may_append else None
        self._last.known = (document, written or self._saved_whole(before, document))

    def lock(self, info: LockInfo) -> HeldLock:
        """Take the lock; a dead process's is taken over, with a notice. Raises `Locked`."""
        ensure_folder(self._folder)
        held = self._lock.acquire(info)
        for path in (self.path, self.backup_path):
            sweep(path)
        notices = (*held.notices, *self._left_out())
        self._fold()
        return HeldLock(info, self._release, notices)

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
        known = self._last.at(self._look())
        if known is not None:
            return known.version
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

    def _back_up(self, before: StateDocument | None) -> None:
        """Keep the state from before the run, once."""
        if not self._backed_up and before is not None and self._changes.mark() is not None:
            replace_file(self.backup_path, encode(before))
        elif not self._backed_up and self.path.exists():
            copy_file(self.path, self.backup_path)
        self._backed_up = True

    def _saved_whole(self, before: StateDocument | None, document: StateDocument) -> _Seen | None:
        """Write a temporary file, fsync, rename, fsync the folder. The changes before it are in it."""
        self._back_up(before)
        replace_file(self.path, encode(document))
        if self._changes.mark() is not None:
            self._changes.remove()
        return self._look()

    def _appended(self, before: StateDocument, document: StateDocument, seen: _Seen | None) -> _Seen | None:
        """Append what changed since `before`. Returns None where the whole is to be written instead."""
        whole = seen or self._look()
        if whole is None or whole.size < self._whole_below:
            return None
        entries = encode_changes(before, document)
        written = whole.changes.size if whole.changes is not None else 0
        if written + len(entries) > whole.size:
            return None  # so that all that a run writes stays in proportion to what it changed
        if whole.changes is None:
            self._back_up(before)
            mark = self._changes.start(before.version, document.serial, entries)
        elif whole.changes != self._mark:
            return None  # of a run that was killed: it may end in half a record
        else:
            mark = self._changes.append(whole.changes, document.serial, entries)
        self._mark = mark
        return whole._replace(changes=mark)  # as this wrote them, whatever another run did since

    def _fold(self) -> None:
        """Put the changes of a run into `STACK.json`. Where they cannot be, they stay, and are read with it."""
        if self._changes.mark() is None:
            return
        with suppress(PmtaformError):
            document = self._last.at(self._look()) or self.load()
            if document is not None and document.version != self._whole():
                replace_file(self.path, encode(document))
            self._changes.remove()
            self._last.known = (document, self._look())

    def _left_out(self) -> Iterator[Diagnostic]:
        """The notice of changes that the next fold drops, because they were made on another state than this one."""
        with suppress(PmtaformError):  # what cannot be read is an error once the state is loaded
            changes = self._changes.read()
            if changes is None or not changes.records:
                return
            whole = self._whole()
            if changes.base == whole or _has(whole, changes.version):
                return
            yield CHANGES_LEFT_OUT.diagnostic(_not_of(whole, changes.version), Place(str(self._changes.path)))

    def _release(self, run: str) -> None:
        holder = self.lock_info()
        if holder is not None and holder.run == run:
            self._fold()
        self._lock.remove(run)


def _has(whole: StateVersion | None, version: StateVersion) -> bool:
    """Whether a state has the changes up to `version` already: a run was killed after it had written them."""
    return whole is not None and whole.lineage == version.lineage and whole.serial >= version.serial


def _not_of(whole: StateVersion | None, version: StateVersion) -> str:
    kept = "does not exist" if whole is None else f"has serial {whole.serial} of lineage {whole.lineage}"
    return (
        f"A run that was killed recorded changes up to serial {version.serial} of lineage {version.lineage}, and the "
        f"state {kept}: it was removed, or replaced by another one. The changes are left out. A plan reads from the "
        "hosts what was done:\n"
        "    pmtaform plan"
    )


def _is_settled(seen: _Seen) -> bool:
    """Whether a later change of the file in its place would change its time, which has steps of some milliseconds."""
    return time.time_ns() - seen.modified > _SETTLED


def _has_only_changed_entries(before: StateDocument, after: StateDocument) -> bool:
    """Whether nothing but the serial and entries of hosts differ."""
    return (before.stack, before.lineage, before.key_id) == (after.stack, after.lineage, after.key_id)


def _open(settings: BackendSettings) -> Backends:
    if settings.options:
        problem = f"It has no options, and {', '.join(settings.options)} is given."
        raise Invalid.of(BACKEND_OPTIONS, problem)
    remembered: defaultdict[str, Remembered] = defaultdict(Remembered)
    return lambda stack: FileBackend(settings.root / "state", stack, remembered=remembered[stack])


FILE: Final = BackendKind(_open)
