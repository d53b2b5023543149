"""The stack's key in a file: `state/<stack>.key`, for its owner only and never in Git."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NoReturn

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.secrets import STATE_KEY
from pmtaform.errors import SecretUnavailable
from pmtaform.state.atomic import create_file, ensure_folder
from pmtaform.state.key import StackKey, new_key_text
from pmtaform.state.names import check_stack_name

_OPEN_TO_OTHERS = 0o077
_GITIGNORE = b"# Keys are secrets; locks and journals belong to one machine.\n*.key\n*.lock\n*.journal\n.*.tmp\n"


def open_key(folder: Path, stack: str) -> StackKey:
    """The key of `stack` in the state folder; made, by exactly one of all who ask at once, if there is none.

    Raises `SecretUnavailable` (code `state-key`) when others may read it or it is no key.
    """
    path = folder / f"{check_stack_name(stack)}.key"
    if not path.exists():
        ensure_folder(folder)
        create_file(folder / ".gitignore", _GITIGNORE)
        create_file(path, new_key_text())
    try:
        content = _read_private(path)
    except OSError as problem:
        _refused(path, f"it cannot be read: {(problem.strerror or '').lower()}.")
    try:
        return StackKey.parse(content)
    except ValueError:
        _refused(
            path,
            "it is not a key (64 hexadecimal digits). Restore it from a backup. Or delete it: pmtaform then makes "
            "a new key, and every block shows as changed until the next apply.",
        )


def _read_private(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            _refused(path, "it is not a regular file.")
        if status.st_mode & _OPEN_TO_OTHERS:
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            _refused(
                path,
                f"its mode is {mode}: with it, others can test guesses at the passwords in your configurations "
                f"against the digests in the state. Run:\n    chmod 600 {path}",
            )
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


def _refused(path: Path, detail: str) -> NoReturn:
    raise SecretUnavailable.of(STATE_KEY, detail, place=Place(str(path)))
