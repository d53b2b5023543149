"""The engine that a command works over: what the project file configures, and what the command line names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Final

from pmtaform.diagnostics import did_you_mean, some_of
from pmtaform.diagnostics.codes.command_line import BAD_WORKERS, CONTRADICTORY_OPTIONS
from pmtaform.diagnostics.codes.execution import BAD_EXECUTOR, NO_SUCH_EXECUTOR
from pmtaform.errors import Invalid, UsageError
from pmtaform.execution.engine import Engine, EngineSettings
from pmtaform.plugins import EXECUTORS
from pmtaform.programs import PROJECT_FILE
from pmtaform.project import Project
from pmtaform.stack.project_file import read_project_file

LOCAL: Final = "local"
AUTO: Final = "auto"
_MOST_WORKERS: Final = 999


@contextmanager
def engine_of(project: Project, named: str | None) -> Iterator[Engine | None]:
    """The engine, connected until the end of the block; None: this process does the work.

    `named` is what the command line names; without it, the one that the project file configures. Raises `UsageError`,
    `Invalid`, and `Unreachable` for an engine without a scheduler.
    """
    engine = _engine(project, named)
    try:
        yield engine
    finally:
        if engine is not None:
            engine.close()


@contextmanager
def pool_of(workers: str | None, named: str | None) -> Iterator[Executor | None]:
    """The processes that compute verdicts, until the end of the block; None: this one does.

    `workers` is their number, or `auto`: as many as there are cores, once there is enough work. Raises `UsageError`.
    """
    if workers is None:
        yield None
        return
    if named not in (None, LOCAL):
        raise UsageError.of(CONTRADICTORY_OPTIONS, "--workers are processes of this machine. Omit --executor.")
    is_auto = workers == AUTO
    count = len(os.sched_getaffinity(0)) if is_auto else _number_of(workers)
    if is_auto and count < 2:
        yield None
        return
    from pmtaform.execution.processes import WorkerPool

    with WorkerPool(count, is_eager=not is_auto) as pool:
        yield pool


def _number_of(workers: str) -> int:
    """The number of processes. Raises `UsageError`."""
    is_number = workers.isascii() and workers.isdigit()
    if is_number and 0 < int(workers) <= _MOST_WORKERS:
        return int(workers)
    problem = f"is not from 1 to {_MOST_WORKERS}" if is_number else "is neither a number of processes nor auto"
    raise UsageError.of(BAD_WORKERS, f'"{workers}" {problem}. For one process for each core:\n    --workers auto')


def _engine(project: Project, named: str | None) -> Engine | None:
    name = _name(project, named)
    if name is None:
        return None
    options = read_project_file(project.root).executors[name]
    try:
        kind = EXECUTORS[name]
    except KeyError:
        names = list(EXECUTORS.names())
        near = did_you_mean(name, names) or f" There is: {some_of(names)}."
        raise Invalid.of(BAD_EXECUTOR, f'{PROJECT_FILE}: there is no engine "{name}".{near}') from None
    return kind.connect(EngineSettings(project.root, options))


def _not_configured(named: str, configured: list[str]) -> str:
    """Why there is no such executor, and what to do."""
    problem = f"is not under `executors` in {PROJECT_FILE}."
    if configured:
        return f"{problem}{did_you_mean(named, configured) or f' There is: {some_of(configured)}.'}"
    if named in EXECUTORS.names():
        return f"{problem} To work over it:\n    executors: {{{named}: tls://scheduler:8786}}"
    return f"{problem} There is no executor. Omit --executor to work in this process."


def _name(project: Project, named: str | None) -> str | None:
    if named == LOCAL:
        return None
    configured = list(read_project_file(project.root).executors)
    if named is None:
        if len(configured) > 1:
            detail = f"{PROJECT_FILE} has {', '.join(configured)}. Name one with --executor, or add --executor local."
            raise UsageError.of(NO_SUCH_EXECUTOR, detail)
        return configured[0] if configured else None
    if named not in configured:
        raise UsageError.of(NO_SUCH_EXECUTOR, f'"{named}" {_not_configured(named, configured)}')
    return named
