"""Taking turns: every variant once a round, so that what else the machine does falls on all of them alike."""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

PROGRAM = [sys.executable, "-m", "pmtaform"]

# Programs run as they do when they are installed, compiled: the first run of each, which is not counted, leaves that
# in a folder of its own, whatever the environment says of it.
_COMPILED = tempfile.TemporaryDirectory()
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}}
_ENVIRONMENT["PYTHONPYCACHEPREFIX"] = _COMPILED.name


@dataclass(frozen=True)
class Row:
    """One line of the table. `ratio` and `bound` are of ours to the baseline, or of a figure to its limit."""

    name: str
    what: str
    ours: str
    baseline: str
    ratio: float | None
    bound: float | None

    @property
    def over(self) -> bool:
        return self.bound is not None and self.ratio is not None and self.ratio > self.bound


def alternate(variants: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each variant's runs in this process; what a run makes is freed outside its time."""
    timings: dict[str, list[float]] = {name: [] for name in variants}
    for call in variants.values():
        call()
    for _ in range(rounds):
        for name, call in variants.items():
            gc.collect()
            started = time.process_time()
            made = call()
            timings[name].append(time.process_time() - started)
            del made
    return timings


@dataclass(frozen=True)
class Command:
    """A program to run, and where."""

    arguments: Sequence[str]
    folder: str | None = None
    codes: tuple[int, ...] = (0,)
    before: Callable[[], Any] | None = None
    stdin: bytes = b""

    def run(self) -> float:
        """The seconds that it takes. Raises `RuntimeError` if its exit code is not expected."""
        if self.before is not None:
            self.before()
        started = time.perf_counter()
        process = subprocess.run(
            self.arguments, cwd=self.folder, input=self.stdin, capture_output=True, env=_ENVIRONMENT
        )
        seconds = time.perf_counter() - started
        if process.returncode not in self.codes:
            raise RuntimeError(f"{self.arguments}: exit {process.returncode}\n{process.stdout!r}\n{process.stderr!r}")
        return seconds

    def peak(self) -> int:
        """The peak of its memory in bytes. Raises `RuntimeError` as `run`."""
        if self.before is not None:
            self.before()
        null = subprocess.DEVNULL
        process = subprocess.Popen(
            self.arguments, cwd=self.folder, env=_ENVIRONMENT, stdin=null, stdout=null, stderr=null
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in self.codes:
            raise RuntimeError(f"{self.arguments}: exit {process.returncode}")
        return used.ru_maxrss * 1024


def processes(variants: Mapping[str, Command], rounds: int) -> dict[str, list[float]]:
    """Seconds of each program's runs, after one that warms the disk's cache."""
    timings: dict[str, list[float]] = {name: [] for name in variants}
    for command in variants.values():
        command.run()
    for _ in range(rounds):
        for name, command in variants.items():
            timings[name].append(command.run())
    return timings


def ratio(ours: Sequence[float], baseline: Sequence[float]) -> float:
    """The median of the rounds' ratios: both halves of each were measured within a moment."""
    return median(a / b for a, b in zip(ours, baseline, strict=True))


def compare(name: str, what: str, ours: Sequence[float], baseline: Sequence[float], bound: float | None) -> Row:
    """The row for two variants that took turns."""
    return Row(name, what, seconds(median(ours)), seconds(median(baseline)), ratio(ours, baseline), bound)


def seconds(value: float) -> str:
    """As people read it."""
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def peak_memory() -> int:
    """The most bytes that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def resident() -> int:
    """The bytes that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
