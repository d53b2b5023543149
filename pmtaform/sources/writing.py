"""Replace a native file of this machine."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.project_files import FILE_MOVED, FILE_NOT_WRITTEN
from pmtaform.errors import PmtaformError


def replace_native(path: Path, content: bytes, *, expected: bytes | None = None) -> None:
    """Replace a file atomically; it keeps its mode and owner, and a symbolic link to it stays one.

    `expected` is what the file must still have. Raises `PmtaformError`.
    """
    target = path.resolve()
    place = Place(str(path))
    try:
        if expected is not None and target.read_bytes() != expected:
            detail = "It was left unchanged. Lint again."
            raise PmtaformError.of(FILE_MOVED, detail, place=place)
        _replace(target, content)
    except OSError as problem:
        detail = f"{problem.strerror or problem}. It is unchanged."
        raise PmtaformError.of(FILE_NOT_WRITTEN, detail, place=place) from None


def _replace(target: Path, content: bytes) -> None:
    before = target.stat()
    descriptor, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if os.geteuid() == 0:
                os.fchown(descriptor, before.st_uid, before.st_gid)
            os.fchmod(descriptor, before.st_mode & 0o7777)
            os.fsync(descriptor)
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
