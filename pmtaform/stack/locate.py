"""Find projects and their stacks on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pmtaform.diagnostics import did_you_mean
from pmtaform.diagnostics.codes.command_line import AMBIGUOUS_STACK, NO_PROJECT, NO_SUCH_STACK
from pmtaform.errors import UsageError
from pmtaform.stack.document import yaml_files

STACKS: Final = "stacks"


def project_above(start: Path) -> Path | None:
    """The project's root: the nearest folder upwards from `start` that holds `stacks/`; None: there is none."""
    here = start.absolute()
    return next((folder for folder in (here, *here.parents) if (folder / STACKS).is_dir()), None)


def find_project(start: Path) -> Path:
    """The project's root, as `project_above` finds it. Raises `UsageError` (code `no-project`)."""
    root = project_above(start)
    if root is not None:
        return root
    here = start.absolute()
    detail = f"Neither {here} nor a folder above it holds `{STACKS}/`. Go into a project, name one with -C DIR, "
    detail += "or start one:\n    pmtaform init NAME"
    raise UsageError.of(NO_PROJECT, detail)


def stack_names(project: Path) -> list[str]:
    """The names of a project's stacks, sorted: folders under `stacks/` that hold YAML files."""
    folder = project / STACKS
    if not folder.is_dir():
        return []
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith(".") and yaml_files(entry)
    )


def stack_folder(project: Path, name: str | None) -> Path:
    """The folder of a stack: by name, by path, or the only one there is. Raises `UsageError`."""
    known = stack_names(project)
    if name is None:
        if len(known) == 1:
            return project / STACKS / known[0]
        if not known:
            detail = f"There is no stack under {project / STACKS}. This writes one:\n    pmtaform init NAME"
            raise UsageError.of(NO_SUCH_STACK, detail)
        detail = f"The project has several stacks: {', '.join(known)}. Name one of them on the command line."
        raise UsageError.of(AMBIGUOUS_STACK, detail)
    if name in known:
        return project / STACKS / name
    path = Path(name)
    if path.is_dir() and yaml_files(path):
        return path
    near = did_you_mean(name, known) or (f" There are: {', '.join(known)}." if known else "")
    detail = f'"{name}" is neither a stack under {project / STACKS} nor the folder of one.{near}'
    raise UsageError.of(NO_SUCH_STACK, detail)
