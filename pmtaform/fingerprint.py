"""The build of pmtaform that runs: what an earlier build computed may differ from what this one would."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pmtaform import __version__


@cache
def fingerprint() -> str:
    """A text that differs between builds.

    An installed package is identified by its version. In a checkout the version stays the same while files change, so
    their names, sizes and times count, too: 4 ms for 500 files.
    """
    package = Path(__file__).parent
    is_checkout = (package.parent / "pyproject.toml").exists()
    files = hashlib.sha256("\n".join(sorted(_files(str(package)))).encode()).hexdigest() if is_checkout else ""
    return f"{__version__} {sys.version_info[0]}.{sys.version_info[1]} {files}".rstrip()


def _files(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path)
            else:
                facts = entry.stat()
                yield f"{entry.path} {facts.st_size} {facts.st_mtime_ns}"
