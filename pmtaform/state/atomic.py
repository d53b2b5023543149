"""Files of the state folder: written atomically, and what it means when they cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from pmtaform import writing
from pmtaform.diagnostics import Place
from pmtaform.diagnostics.codes.state import STATE_NOT_WRITTEN
from pmtaform.errors import PmtaformError
from pmtaform.reading import read_regular
from pmtaform.writing import TEMPORARY


def ensure_folder(folder: Path) -> None:
    """Make `folder`, for its owner only, if it is not there."""
    with writing_state(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def replace_file(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Give `path` the new `content`, atomically. Raises `PmtaformError` (code `state-not-written`)."""
    with writing_state(path):
        writing.replace_file(path, content)


def create_file(path: Path, content: bytes) -> bool:
    """Make `path` with `content` unless there is one already; return whether it was made. Raises as `replace_file`."""
    with writing_state(path):
        return writing.create_file(path, content)


def copy_file(source: Path, target: Path) -> None:
    """Make `target` what `source` is now."""
    with writing_state(target):
        content = read_regular(source)
    replace_file(target, content)


def sweep(path: Path) -> None:
    """Remove temporary files of `path` that killed processes left. Only for the holder of the lock."""
    for leftover in path.parent.glob(f".{glob_escape(path.name)}.*{TEMPORARY}"):
        with suppress(OSError):
            leftover.unlink()


def glob_escape(name: str) -> str:
    """`name` as a pattern that means itself."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


@contextmanager
def writing_state(path: Path) -> Iterator[None]:
    """Turn every OSError within into a `PmtaformError`."""
    try:
        yield
    except OSError as problem:
        not_written(path, problem)


def not_written(path: Path, problem: OSError) -> NoReturn:
    """Raise the error that `path` could not be written, and that nothing is lost by it."""
    reason = (problem.strerror or type(problem).__name__).lower()
    detail = (
        f"{path}: {reason}. The previous file is intact. Make room, or correct the permissions of {path.parent}. Then "
        "run a plan, which reads from the hosts what was done and not recorded here:\n    pmtaform plan"
    )
    raise PmtaformError.of(STATE_NOT_WRITTEN, detail, place=Place(str(path)))
