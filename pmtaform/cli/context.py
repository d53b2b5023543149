"""The options before a command."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pmtaform.api import Project


class Format(StrEnum):
    """How a command answers."""

    TEXT = "text"
    JSON = "json"


@dataclass(slots=True)
class Settings:
    """The common options of this run."""

    directory: Path | None = None
    no_color: bool = False

    def project(self) -> Project:
        """The project that the run is about. Raises `UsageError`."""
        from pmtaform.api import Project

        return Project.find(self.directory)

    def has_stack(self, word: str) -> bool:
        """Whether the project has a stack with this name or folder."""
        from pmtaform.errors import PmtaformError

        try:
            self.project().stack_folder(word)
        except PmtaformError:
            return False
        return True


settings = Settings()
