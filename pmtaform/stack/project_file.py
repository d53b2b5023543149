"""`pmtaform.yaml` at the project's root: settings of the project that no stack can change."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pmtaform.diagnostics import Diagnostics
from pmtaform.diagnostics.codes import project_files
from pmtaform.diagnostics.codes.stack import UNKNOWN_KEY
from pmtaform.errors import Invalid
from pmtaform.plugins import DEFAULT_BACKEND
from pmtaform.programs import KEY, PROJECT_FILE, AllowedPrograms
from pmtaform.stack.document import read_file, root_of
from pmtaform.stack.nodes import Mapping, Node, Scalar, Sequence
from pmtaform.stack.yaml import read_yaml

_BACKEND: Final = "backend"
_EXECUTORS: Final = "executors"


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """The content of the file: programs that stacks may run, the state backend with its options, and engines.

    `executors` are the options of each engine, by its name.
    """

    programs: tuple[str, ...] = ()
    backend: str = DEFAULT_BACKEND
    options: MappingType[str, str] = field(default_factory=dict)
    executors: MappingType[str, MappingType[str, str]] = field(default_factory=dict)


def read_project_file(root: Path) -> ProjectFile:
    """The project file in `root`; its defaults where there is none. Raises `Invalid`."""
    path = root / PROJECT_FILE
    if not path.exists():
        return ProjectFile()
    problems = Diagnostics()
    content = read_file(path, PROJECT_FILE, problems)
    tree = read_yaml(content, PROJECT_FILE, problems) if content is not None else None
    settings = _settings(tree, problems) if tree is not None else ProjectFile()
    if problems.has_errors:
        raise Invalid(*problems)
    return settings


def allowed_programs(folder: Path) -> AllowedPrograms:
    """The programs that the stack in `folder` may have run on this machine. Raises `Invalid`."""
    return AllowedPrograms.of(read_project_file(root_of(folder)).programs)


def _settings(root: Node, problems: Diagnostics) -> ProjectFile:
    if not isinstance(root, Mapping):
        problems.report(project_files.PROJECT_FILE, f"Write `{KEY}: [PROGRAM]`.", root.place)
        return ProjectFile()
    for name, (key, _) in root.entries.items():
        if name not in (KEY, _BACKEND, _EXECUTORS):
            detail = f'"{name}": {PROJECT_FILE} has {KEY}, {_BACKEND}, {_EXECUTORS}.'
            problems.report(UNKNOWN_KEY, detail, key.place)
    backend, options = _backend(root.get(_BACKEND), problems)
    executors = _executors(root.get(_EXECUTORS), problems)
    return ProjectFile(tuple(_names(root.get(KEY), problems)), backend, options, executors)


def _names(value: Node | None, problems: Diagnostics) -> list[str]:
    if value is None:
        return []
    items = value.items if isinstance(value, Sequence) else []
    if not isinstance(value, Sequence) or not all(isinstance(item, Scalar) for item in items):
        problems.report(project_files.PROJECT_FILE, f"Write `{KEY}: [vault, pass]`.", value.place)
    return [item.text for item in items if isinstance(item, Scalar)]


def _backend(value: Node | None, problems: Diagnostics) -> tuple[str, dict[str, str]]:
    """`backend: NAME`, or `backend: {NAME: {OPTION: TEXT}}`."""
    if value is None:
        return DEFAULT_BACKEND, {}
    if isinstance(value, Scalar) and not value.is_null:
        return value.text, {}
    if isinstance(value, Mapping) and len(value.entries) == 1:
        [(name, (_, options))] = value.entries.items()
        if isinstance(options, Mapping):
            texts = {key: node.text for key, (_, node) in options.entries.items() if isinstance(node, Scalar)}
            if len(texts) == len(options.entries):
                return name, texts
    detail = f"Write `{_BACKEND}: NAME` or `{_BACKEND}: {{NAME: {{OPTION: TEXT}}}}`."
    problems.report(project_files.PROJECT_FILE, detail, value.place)
    return DEFAULT_BACKEND, {}


def _executors(value: Node | None, problems: Diagnostics) -> dict[str, dict[str, str]]:
    """`executors: {NAME: ADDRESS}`, or `executors: {NAME: {OPTION: TEXT}}`."""
    executors: dict[str, dict[str, str]] = {}
    entries = value.entries.items() if isinstance(value, Mapping) else ()
    for name, (_, options) in entries:
        if isinstance(options, Scalar) and not options.is_null:
            executors[name] = {"address": options.text}
        elif isinstance(options, Mapping):
            texts = {key: node.text for key, (_, node) in options.entries.items() if isinstance(node, Scalar)}
            if len(texts) == len(options.entries):
                executors[name] = texts
    if (value is not None and len(executors) != len(entries)) or (value is not None and not entries):
        detail = f"Write `{_EXECUTORS}: {{NAME: ADDRESS}}` or `{_EXECUTORS}: {{NAME: {{OPTION: TEXT}}}}`."
        problems.report(project_files.PROJECT_FILE, detail, value.place)
    return executors
