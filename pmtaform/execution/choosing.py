"""The engine that a command works over: what the project file configures, and what the command line names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pmtaform.diagnostics import did_you_mean
from pmtaform.diagnostics.codes.command_line import CONTRADICTORY_OPTIONS
from pmtaform.diagnostics.codes.execution import BAD_EXECUTOR, NO_SUCH_EXECUTOR
from pmtaform.errors import Invalid, UsageError
from pmtaform.execution.engine import Engine, EngineSettings
from pmtaform.plugins import EXECUTORS
from pmtaform.project import Project
from pmtaform.stack.project_file import read_project_file

LOCAL: Final = "local"


@contextmanager
def engine_of(project: Project, named: str | None, workers: int | None = None) -> Iterator[Engine | None]:
    """The engine, connected until the end of the block; None: this process does the work.

    `workers` is a number of processes on this machine. `named` is what the command line names; without it, the one that
    the project file configures. Raises `UsageError`, `Invalid`, and `Unreachable` for an engine without a scheduler.
    """
    engine = _engine(project, named, workers)
    try:
        yield engine
    finally:
        if engine is not None:
            engine.close()


def _engine(project: Project, named: str | None, workers: int | None) -> Engine | None:
    if workers is not None:
        if named not in (None, LOCAL):
            raise UsageError.of(CONTRADICTORY_OPTIONS, "--workers are processes on this machine, and no engine.")
        from pmtaform.execution.processes import ProcessEngine

        return ProcessEngine(project.root, workers)
    name = _name(project, named)
    if name is None:
        return None
    options = read_project_file(project.root).executors[name]
    try:
        kind = EXECUTORS[name]
    except KeyError:
        names = EXECUTORS.names()
        detail = f'There is no engine "{name}"; there are: {", ".join(names)}.{did_you_mean(name, names)}'
        raise Invalid.of(BAD_EXECUTOR, detail) from None
    return kind.connect(EngineSettings(project.root, options))


def _name(project: Project, named: str | None) -> str | None:
    if named == LOCAL:
        return None
    configured = list(read_project_file(project.root).executors)
    if named is None:
        if len(configured) > 1:
            detail = f"pmtaform.yaml has {', '.join(configured)}. Name one with --executor, or add --executor local."
            raise UsageError.of(NO_SUCH_EXECUTOR, detail)
        return configured[0] if configured else None
    if named not in configured:
        known = ", ".join(configured) or "none"
        detail = f'"{named}" is not under `executors` in pmtaform.yaml; there is: {known}.'
        raise UsageError.of(NO_SUCH_EXECUTOR, f"{detail}\n    executors: {{{named}: tls://scheduler:8786}}")
    return named
