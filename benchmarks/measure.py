"""Taking turns: every variant once a round, so that what else the machine does falls on all of them alike."""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

MEGABYTE = 2**20
PROGRAM = [sys.executable, "-m", "pmtaform"]

# Programs run as they do when they are installed, compiled: the first run of each, which is not counted, leaves that
# in a folder of its own, whatever the environment says of it.
_COMPILED = tempfile.TemporaryDirectory()
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}}
_ENVIRONMENT["PYTHONPYCACHEPREFIX"] = _COMPILED.name


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for. `hosts`: this number instead of each part's own, without its bounds."""

    hosts: int | None = None
    rounds: int | None = None

    def count(self, usual: int) -> int:
        """The number of hosts of a part."""
        return usual if self.hosts is None else min(self.hosts, usual)

    def bound(self, usual: float | None) -> float | None:
        """A bound of a part: it counts for its own number of hosts."""
        return usual if self.hosts is None else None


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
        return self.use().seconds

    def use(self) -> Use:
        """What it takes. Raises `RuntimeError` if its exit code is not expected."""
        if self.before is not None:
            self.before()
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as output:
            stdin.write(self.stdin)
            stdin.seek(0)
            started = time.perf_counter()
            process = subprocess.Popen(
                self.arguments, cwd=self.folder, env=_ENVIRONMENT, stdin=stdin, stdout=output, stderr=output
            )
            watch = _Watch(process.pid)
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in self.codes:
                output.seek(0)
                raise RuntimeError(f"{self.arguments}: exit {process.returncode}\n{output.read()[-4000:]!r}")
        peak = max(watch.end(), used.ru_maxrss * 1024)
        return Use(seconds, used.ru_utime + used.ru_stime, peak)


@dataclass(frozen=True, slots=True)
class Use:
    """What a program took: seconds, seconds of processors, and the peak of its memory in bytes, children included."""

    seconds: float
    processor: float
    peak: int


class _Watch(threading.Thread):
    """The largest sum of resident memory of a process and all below it, looked at twenty times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._peak, self._over = pid, 0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self._over.wait(0.05):
            self._peak = max(self._peak, _resident_below(self._pid))

    def end(self) -> int:
        """The peak in bytes."""
        self._over.set()
        self.join()
        return self._peak


def _resident_below(pid: int, above: tuple[bytes, int] = (b"", 0)) -> int:
    """The resident bytes of a process and all below it; `above` are the command and bytes of the one it came from.

    A child has its parent's memory, and not as much again, until it runs its own program.
    """
    process = Path(f"/proc/{pid}")
    try:
        command = (process / "cmdline").read_bytes()
        own = int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
        children = [int(c) for task in (process / "task").iterdir() for c in (task / "children").read_text().split()]
    except OSError:
        return 0
    if command == above[0] and abs(own - above[1]) <= own // 32:
        return 0
    return own + sum(_resident_below(child, (command, own)) for child in children)


def uses(variants: Mapping[str, Command], rounds: int) -> dict[str, list[Use]]:
    """What each program's runs take, after one that warms the disk's cache."""
    taken: dict[str, list[Use]] = {name: [] for name in variants}
    for command in variants.values():
        command.run()
    for _ in range(rounds):
        for name, command in variants.items():
            taken[name].append(command.use())
    return taken


def processes(variants: Mapping[str, Command], rounds: int) -> dict[str, list[float]]:
    """Seconds of each program's runs, after one that warms the disk's cache."""
    return {name: [use.seconds for use in runs] for name, runs in uses(variants, rounds).items()}


def ratio(ours: Sequence[float], baseline: Sequence[float]) -> float:
    """The median of the rounds' ratios: both halves of each were measured within a moment."""
    return median(a / b for a, b in zip(ours, baseline, strict=True))


def compare(name: str, what: str, ours: Sequence[float], baseline: Sequence[float], bound: float | None) -> Row:
    """The row for two variants that took turns."""
    return Row(name, what, seconds(median(ours)), seconds(median(baseline)), ratio(ours, baseline), bound)


def seconds(value: float) -> str:
    """As people read it."""
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def memory(name: str, what: str, runs: Sequence[Use], limit: float | None) -> Row:
    """The row for the largest memory of these runs; the limit is in MB."""
    most = max(use.peak for use in runs) / MEGABYTE
    if limit is None:
        return Row(name, what, f"{most:.0f} MB", "", None, None)
    return Row(name, what, f"{most:.0f} MB", f"{limit:.0f} MB", most / limit, 1.0)


def peak_memory() -> int:
    """The most bytes that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def resident() -> int:
    """The bytes that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
