"""The port of execution engines: what takes tasks to workers, and brings their reports back.

`tests/execution/` has the contract; it runs on every implementation.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pmtaform.diagnostics import Definition
from pmtaform.errors import Unreachable


class TaskLost(Unreachable):
    """There is no report of a task: no worker may do it, or the worker, the scheduler or the connection was lost."""


def lost(definition: Definition, detail: str, host: str | None = None) -> TaskLost:
    """The error of a task without a report."""
    return TaskLost.of(definition, detail, host=host)


class Engine(Protocol):
    """A connection to workers. Safe to use from many threads. Close it at the end."""

    @property
    def width(self) -> int:
        """How many tasks its workers do at once."""
        ...

    def run(self, task: str, sources: str, *, host: str, via: str, stop: threading.Event) -> str:
        """Have a worker do the task, and return its report. `via` is the tag that the worker must have, or empty.

        It may be done again, by another worker, where a worker is lost. Raises `TaskLost`, and so it does soon after
        `stop` is set.
        """
        ...

    def close(self) -> None:
        """End the connection."""
        ...


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The settings of an engine in `pmtaform.yaml`: the project's folder, and the options."""

    root: Path
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EngineKind:
    """A kind of engine. `connect` checks the options (`Invalid`), and connects (`Unreachable`)."""

    connect: Callable[[EngineSettings], Engine]
