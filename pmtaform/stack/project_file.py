"""`pmtaform.yaml` at the project's root: what holds for the project and no stack can change."""

from __future__ import annotations

from pathlib import Path

from pmtaform.diagnostics import Diagnostics
from pmtaform.errors import Invalid
from pmtaform.programs import KEY, PROJECT_FILE, AllowedPrograms
from pmtaform.stack.document import read_file, root_of
from pmtaform.stack.nodes import Mapping, Scalar, Sequence
from pmtaform.stack.yaml import read_yaml


def allowed_programs(folder: Path) -> AllowedPrograms:
    """The programs that the stack in `folder` may have run on this machine. Raises `Invalid`."""
    path = root_of(folder) / PROJECT_FILE
    if not path.exists():
        return AllowedPrograms.of(())
    problems = Diagnostics()
    content = read_file(path, PROJECT_FILE, problems)
    names = _names(content, problems) if content is not None else []
    if problems.has_errors:
        raise Invalid(*problems)
    return AllowedPrograms.of(names)


def _names(content: bytes, problems: Diagnostics) -> list[str]:
    root = read_yaml(content, PROJECT_FILE, problems)
    if root is None:
        return []
    if not isinstance(root, Mapping):
        problems.error("project-file", "Project file is not a mapping", f"Write `{KEY}: [PROGRAM]`.", root.place)
        return []
    for name, (key, _) in root.entries.items():
        if name != KEY:
            problems.error("unknown-key", "Unknown key", f'"{name}": {PROJECT_FILE} has {KEY}.', key.place)
    value = root.get(KEY)
    if value is None:
        return []
    items = value.items if isinstance(value, Sequence) else []
    if not isinstance(value, Sequence) or not all(isinstance(item, Scalar) for item in items):
        problems.error("project-file", "Not a list of programs", f"Write `{KEY}: [vault, pass]`.", value.place)
    return [item.text for item in items if isinstance(item, Scalar)]
