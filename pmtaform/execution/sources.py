"""The files of a stack as one text, for workers, and the copy of them that a worker keeps while it runs."""

from __future__ import annotations

import atexit
import base64
import hashlib
import json
import shutil
import tempfile
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pmtaform.diagnostics.codes.execution import SOURCES_DIFFER
from pmtaform.errors import Invalid
from pmtaform.programs import PROJECT_FILE
from pmtaform.project import Project
from pmtaform.stack import Stack, load_stack

_KEPT: Final = 4  # stacks of which a worker keeps the files


def pack(project: Project, stack: Stack) -> str:
    """The files that `stack` was read from, and the project file, by their paths in the project.

    Files that references name (`file:`) are not among them: they are secrets.
    """
    names = dict.fromkeys((*stack.files, PROJECT_FILE))
    files = {}
    for name in names:
        path = project.root / name
        if path.is_file() and path.resolve().is_relative_to(project.root.resolve()):
            files[name] = base64.b64encode(path.read_bytes()).decode("ascii")
    packed = zlib.compress(json.dumps(files).encode("ascii"), 1)
    return base64.b64encode(packed).decode("ascii")


class WorkerCopies:
    """The stacks that a worker has read. Their folders are for this user alone."""

    def __init__(self) -> None:
        # By name and all files: the digest is that of the stack's own files. The project file, which allows programs,
        # is not among them, and a copied stack has the digest of the first.
        self._stacks: dict[tuple[str, str], tuple[Path, Stack]] = {}
        self._users: Counter[tuple[str, str]] = Counter()  # tasks that work with a copy now
        self._turn = threading.Lock()
        atexit.register(self.clear)

    @contextmanager
    def stack(self, name: str, digest: str, sources: str) -> Iterator[tuple[Path, Stack]]:
        """The project folder and the stack, which stay until the end of the block.

        Raises `Invalid` when the files are not those of `digest`.
        """
        key = name, hashlib.sha256(sources.encode()).hexdigest()
        with self._turn:
            known = self._stacks.pop(key, None) or self._read(name, digest, sources)
            self._stacks[key] = known  # the newest is last
            self._users[key] += 1
            self._trim()
        try:
            yield known
        finally:
            with self._turn:
                self._users[key] -= 1

    def _trim(self) -> None:
        """Remove the oldest copies that no task works with."""
        unused = [key for key in self._stacks if not self._users[key]]
        for key in unused[: max(0, len(self._stacks) - _KEPT)]:
            root, _ = self._stacks.pop(key)
            del self._users[key]
            shutil.rmtree(root, ignore_errors=True)

    def clear(self) -> None:
        """Remove every copy."""
        with self._turn:
            for root, _ in self._stacks.values():
                shutil.rmtree(root, ignore_errors=True)
            self._stacks.clear()

    def _read(self, name: str, digest: str, sources: str) -> tuple[Path, Stack]:
        root = Path(tempfile.mkdtemp(prefix="pmtaform-worker-")).resolve()  # mode 0700
        try:
            _unpack(root, sources)
            stack = load_stack(root / "stacks" / name)
            if stack.digest != digest:
                raise Invalid.of(SOURCES_DIFFER, f'The files of stack "{name}" did not arrive as they were sent.')
        except BaseException:
            shutil.rmtree(root, ignore_errors=True)
            raise
        return root, stack


def _unpack(root: Path, sources: str) -> None:
    files: dict[str, str] = json.loads(zlib.decompress(base64.b64decode(sources)))
    (root / "stacks").mkdir()
    for name, content in files.items():
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise Invalid.of(SOURCES_DIFFER, f"{name!r} is outside of the project.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(content))
