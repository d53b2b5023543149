"""Replace a native file of this machine."""

from __future__ import annotations

from pathlib import Path

from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.project_files import FILE_CHANGED, FILE_NOT_WRITTEN
from pmtaform.errors import PmtaformError
from pmtaform.writing import replace_file


def replace_native(path: Path, content: bytes, *, expected: bytes | None = None) -> None:
    """Replace a file atomically; it keeps its mode and owner, and a symbolic link to it stays one.

    `expected` is what the file must still have. Raises `PmtaformError`.
    """
    target = path.resolve()
    place = Place(str(path))
    try:
        if expected is not None and target.read_bytes() != expected:
            detail = "It was left unchanged. Lint again."
            raise PmtaformError.of(FILE_CHANGED, detail, place=place)
        replace_file(target, content, like=target.stat())
    except OSError as problem:
        detail = f"{problem.strerror or problem}. It is unchanged."
        raise PmtaformError.of(FILE_NOT_WRITTEN, detail, place=place) from None
