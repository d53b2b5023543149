"""Plans, an apply and an import over real SSH servers on loopback, whole processes, where every host is different.

Fifty hosts with 5,000 lines of their own each, and the same with ten. The floor is `ssh HOST true` for every host,
16 at once; beside it a bare paramiko script does the same. Servers and client share the machine's cores. A stand-in of
a few lines is `pmta`: what a reload costs is PowerMTA's business.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.data import MEDIUM, Size
from benchmarks.distance import far
from benchmarks.machines import Machines, machines, not_here, ssh_true
from benchmarks.measure import PROGRAM, Command, Options, Row, Use, compare, memory, uses

AT_ONCE = 16
HOSTS, FEW = 50, 10
ROUNDS = 3
ROUND_TRIP = 100  # milliseconds


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of a task: how often the floor it may take, and its memory in MB."""

    ratio: float | None = None
    megabytes: float | None = None


@dataclass(frozen=True, slots=True)
class Tasks:
    """What is measured, each with its bounds."""

    same: Bounds = Bounds()
    changed: Bounds = Bounds()
    apply: Bounds = Bounds()
    adopt: Bounds = Bounds()


FIFTY = Tasks(Bounds(1.6), Bounds(3.0, 250), Bounds(6.0, 300), Bounds(4.0, 200))


def run(options: Options) -> list[Row]:
    """Fifty hosts, ten of them near and far."""
    if missing := not_here("ssh"):
        return missing
    rounds = options.rounds or ROUNDS
    with tempfile.TemporaryDirectory() as folder, machines(Path(folder), options.count(HOSTS)) as running:
        rows = tasks("ssh", running, FIFTY if options.hosts is None else Tasks(), rounds)
        rows += _kept(running, options, rounds)
    with tempfile.TemporaryDirectory() as folder, machines(Path(folder), options.count(FEW)) as running:
        rows += _few(running, options, rounds)
        rows += _far(running, options, rounds)
    return rows


def tasks(name: str, running: Machines, bounds: Tasks, rounds: int) -> list[Row]:
    """The rows of one fleet: each task in turns with the floor."""
    hosts = f"{len(running.hosts)} hosts, {_lines(running.size)} lines"
    project = str(running.project)
    plan = [*PROGRAM, "-C", project, "plan"]
    adopting = [*PROGRAM, "-C", project, *running.importing("again")]
    every = (
        ("plan, nothing differs", Command([*plan, "same"], before=running.forget), bounds.same),
        ("plan, five changes a host", Command([*plan, "new"], before=running.forget), bounds.changed),
        ("apply of five changes a host, confirmed", _apply(running), bounds.apply),
        ("import", Command(adopting, before=running.forget_import), bounds.adopt),
    )
    rows = []
    for what, command, limits in every:
        taken = uses({"ours": command, "ssh": Command(ssh_true(running, AT_ONCE)), "bare": _bare(running)}, rounds)
        ours, floor, bare = (_seconds(taken[key]) for key in ("ours", "ssh", "bare"))
        processor = median(use.processor for use in taken["ours"]) / len(running.hosts)
        rows += [
            compare(name, f"{what}, {hosts} : ssh HOST true", ours, floor, limits.ratio),
            compare(name, "  the same : bare paramiko, `true`", ours, bare, None),
            memory(name, "  its memory", taken["ours"], limits.megabytes),
            Row(name, "  the client's processor, a host", f"{processor * 1000:.0f} ms", "", None, None),
        ]
    return rows


def _lines(size: Size) -> str:
    return "5,000" if size == MEDIUM else "100,000"


def _apply(running: Machines) -> Command:
    words = [*PROGRAM, "-C", str(running.project), "apply", "new", "--auto-approve", "--allow", "rate-raised"]
    return Command(words, before=running.forget)


def _bare(running: Machines, connections: int = 1) -> Command:
    script = str(Path(__file__).with_name("bare.py"))
    hosts = json.dumps(running.addresses * connections)
    return Command([sys.executable, script, str(AT_ONCE)], stdin=hosts.encode())


def _seconds(runs: Sequence[Use]) -> list[float]:
    return [use.seconds for use in runs]


def _kept(running: Machines, options: Options, rounds: int) -> list[Row]:
    """A plan over the connections that an earlier one has left open."""
    words = [*PROGRAM, "-C", str(running.project)]
    running.forget()
    try:
        plan = Command([*words, "plan", "same", "--keep-warm"])
        taken = uses({"plan": plan, "ssh": Command(ssh_true(running, AT_ONCE))}, rounds)
    finally:
        subprocess.run([*words, "warm", "stop"], check=True, capture_output=True)
    ours, floor = _seconds(taken["plan"]), _seconds(taken["ssh"])
    what = f"plan over kept connections, {len(running.hosts)} hosts : ssh HOST true"
    return [compare("ssh", what, ours, floor, options.bound(0.7))]


def _few(running: Machines, options: Options, rounds: int) -> list[Row]:
    """The fixed costs: start-up and reading ten stacks' files show where there are few hosts."""
    plan = Command([*PROGRAM, "-C", str(running.project), "plan", "same"])
    taken = uses({"plan": plan, "ssh": Command(ssh_true(running, AT_ONCE))}, rounds)
    ours, floor = _seconds(taken["plan"]), _seconds(taken["ssh"])
    what = f"plan, nothing differs, {len(running.hosts)} hosts, {_lines(running.size)} lines : ssh HOST true"
    return [compare("ssh", what, ours, floor, options.bound(2.8))]


def _far(running: Machines, options: Options, rounds: int) -> list[Row]:
    """The same apply where every byte takes half a round trip more.

    To both bare connections of each host that it takes, the confirming one being one of them, and to one of them alone.
    """
    with far(list(running.at.values()), ROUND_TRIP) as ports:
        running.relay(ports)
        taken = uses({"apply": _apply(running), "two": _bare(running, 2), "one": _bare(running)}, rounds)
    ours, two, one = (_seconds(taken[key]) for key in ("apply", "two", "one"))
    what = f"apply, {len(running.hosts)} hosts, confirmed, {ROUND_TRIP} ms away"
    return [
        compare("ssh", f"{what} : both connections, bare paramiko, `true`", ours, two, options.bound(3.0)),
        compare("ssh", "  the same : one connection alone", ours, one, None),
    ]
