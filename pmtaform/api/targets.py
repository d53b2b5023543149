"""Resolve a command's PATH, HOST or REV:STACK[:HOST], and read the configurations there."""

from __future__ import annotations

from pathlib import Path

from pmtaform.api.restoring import spec_of
from pmtaform.diagnostics.codes.command_line import NO_SUCH_CONFIGURATION
from pmtaform.errors import UsageError
from pmtaform.project import Project
from pmtaform.sources import LoadedConfiguration, read_host, read_path, read_stack
from pmtaform.stack import project_above


def read_target(target: str, project: Project | None, stack: str | None = None) -> LoadedConfiguration:
    """The configuration in a PATH or on a HOST. A path that exists is one, unless a stack is named.

    `project` is None outside a project. Raises `UsageError`, `HostError` and `Unreachable`.
    """
    path = Path(target)
    if stack is None and path.exists():
        return read_path(path)
    if project is None:
        raise _unknown(f'"{target}" is not a file or folder, and there is no project here that could have this host.')
    return read_host(spec_of(project.load(stack), target))


def read_side(text: str, project: Project | None, stack: str | None = None) -> dict[str, LoadedConfiguration]:
    """The configurations that one side of a comparison names, by host; a file or a folder is one."""
    if ":" not in text or Path(text).exists():
        return {text: read_target(text, project, stack)}
    if project is None:
        raise _unknown(f'"{text}" is not a file, and there is no project here that could have this stack.')
    return read_stack(project, text)


def project_if_any(folder: Path | None) -> Project | None:
    """The project of a folder (the current one), or None."""
    root = project_above(folder or Path.cwd())
    return Project(root) if root is not None else None


def _unknown(detail: str) -> UsageError:
    return UsageError.of(NO_SUCH_CONFIGURATION, detail)
