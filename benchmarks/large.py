"""The same tasks on ten hosts with 100,000 lines of their own each: what a host's size costs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.data import LARGE
from benchmarks.machines import machines, not_here
from benchmarks.measure import Options, Row
from benchmarks.ssh import Bounds, Tasks, tasks

HOSTS = 10
TEN = Tasks(Bounds(7.0), Bounds(20.0, 500), Bounds(), Bounds(85.0))


def run(options: Options) -> list[Row]:
    """One round, after one that warms the disk's cache: an import of them takes long."""
    if missing := not_here("large"):
        return missing
    with tempfile.TemporaryDirectory() as folder, machines(Path(folder), options.count(HOSTS), LARGE) as running:
        return tasks("large", running, TEN if options.hosts is None else Tasks(), options.rounds or 1)
