"""Files of the project that stacks put on hosts as they are, each read once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from pmtaform.diagnostics import Diagnostics, Place
from pmtaform.diagnostics.codes.stack_files import FILE_OUTSIDE
from pmtaform.stack.document import read_file


class Assets:
    """The project's files that a stack's `files` name."""

    def __init__(self, folder: Path, shown: str) -> None:
        self._folder = folder
        self._shown = shown
        self._contents: dict[str, bytes | None] = {}
        self._digests: dict[str, str] = {}
        self._findings: dict[str, Diagnostics] = {}

    def read(self, name: str, place: Place, problems: Diagnostics) -> bytes | None:
        """What the file `name` holds, or None; why not goes into `problems`."""
        if name not in self._contents:
            findings = self._findings[name] = Diagnostics()
            shown = name if Path(name).is_absolute() else f"{self._shown}/{name}"
            inside = self._inside(name, place, findings)
            self._contents[name] = read_file(self._folder / name, shown, findings, place) if inside else None
        problems.extend(self._findings[name])
        return self._contents[name]

    def only(self, names: Iterable[str]) -> Assets:
        """Some of the files."""
        some = Assets(self._folder, self._shown)
        some._contents = {name: self._contents[name] for name in names}
        some._findings = {name: self._findings[name] for name in some._contents}
        return some

    def digest(self, name: str) -> str:
        """The SHA-256 of a file that was read, in hex."""
        if name not in self._digests:
            self._digests[name] = hashlib.sha256(self._contents[name] or b"").hexdigest()
        return self._digests[name]

    def digests(self) -> list[tuple[str, str]]:
        """The digest of every file read so far, by its name in the stack."""
        return sorted((name, self.digest(name)) for name, content in self._contents.items() if content is not None)

    def _inside(self, name: str, place: Place, problems: Diagnostics) -> bool:
        """Whether a file lies in the project: a proposed stack must not put other files on hosts."""
        folder = self._folder.resolve()
        root = folder.parent.parent if folder.parent.name == "stacks" else folder
        try:
            if (self._folder / name).resolve().is_relative_to(root):
                return True
        except (OSError, ValueError):
            pass  # no file can have this name
        detail = f"{name!r} is outside the project. Copy the file into it, or give it as `secret: file:PATH`."
        problems.report(FILE_OUTSIDE, detail, place)
        return False
