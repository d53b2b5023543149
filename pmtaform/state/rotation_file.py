"""The history of a stack's rotated keys in a file: `state/<stack>.dkim.json`."""

from __future__ import annotations

from pathlib import Path

from pmtaform.reading import read_regular
from pmtaform.state.atomic import ensure_folder, replace_file, sweep
from pmtaform.state.backend import KeyHistories
from pmtaform.state.names import check_stack_name
from pmtaform.state.rotations import damaged, decode, encode


class RotationFile:
    """The histories of one stack's keys. Save under the stack's lock."""

    def __init__(self, folder: Path, stack: str) -> None:
        self._folder = folder
        self._stack = check_stack_name(stack)
        self.path = folder / f"{stack}.dkim.json"
        self._saved: bytes | None = None

    def load(self) -> KeyHistories:
        """The histories; none when there is no file. Raises `StateDamaged`: `rotation-damaged`, `rotation-too-new`."""
        try:
            self._saved = read_regular(self.path)
        except FileNotFoundError:
            return {}
        except OSError as problem:
            damaged((problem.strerror or type(problem).__name__).lower(), str(self.path))
        return decode(self._saved, file=str(self.path), stack=self._stack)

    def save(self, histories: KeyHistories) -> None:
        """Keep the histories, atomically; nothing is written when nothing is new.

        Raises `PmtaformError` (`state-not-written`).
        """
        content = encode(self._stack, histories)
        if content == self._saved or (self._saved is None and not histories):
            return
        ensure_folder(self._folder)
        sweep(self.path)
        replace_file(self.path, content)
        self._saved = content
