"""Plans and an apply over real SSH servers on loopback, whole processes, to a bare script that runs `true` there.

The hosts have no PowerMTA (`activation: none`): what a reload costs is PowerMTA's business. Servers and client share
the machine's cores.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.fleet import Fleet, servers
from benchmarks.measure import PROGRAM, Command, Row, compare, processes

THREADS = 16
SMALL, MEDIUM = 200, 5000  # lines


def run() -> list[Row]:
    """10 and 50 hosts."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as running:
        for count, rounds, bound in ((10, 9, 2.0), (50, 7, 1.4)):
            rows += _fleet(Fleet(Path(folder) / f"small{count}", running, count, lines=SMALL), rounds, bound)
        rows += _medium(Fleet(Path(folder) / "medium", running, 50, lines=MEDIUM))
    return rows


def _bare(fleet: Fleet) -> Command:
    script = str(Path(__file__).with_name("bare.py"))
    return Command([sys.executable, script, str(THREADS)], stdin=json.dumps(fleet.addresses).encode())


def _fleet(fleet: Fleet, rounds: int, bound: float) -> list[Row]:
    hosts, folder = f"{len(fleet.hosts)} hosts, {fleet.lines} lines", str(fleet.folder)
    plan, apply = [*PROGRAM, "plan", "fleet"], [*PROGRAM, "apply", "fleet", "--auto-approve"]
    same = processes({"plan": Command(plan, folder), "bare": _bare(fleet)}, rounds)
    applied = processes({"apply": Command(apply, folder, before=fleet.change), "bare": _bare(fleet)}, 3)
    fleet.drift()
    drifted = processes({"plan": Command([*plan, "--diff"], folder), "bare": _bare(fleet)}, 3)
    return [
        compare("ssh", f"plan, {hosts}, nothing differs : bare paramiko, `true`", same["plan"], same["bare"], bound),
        compare("ssh", f"apply, {hosts}, one value : the same", applied["apply"], applied["bare"], None),
        compare("ssh", f"plan --diff, {hosts}, all drifted : the same", drifted["plan"], drifted["bare"], None),
    ]


def _medium(fleet: Fleet) -> list[Row]:
    plan = Command([*PROGRAM, "plan", "fleet"], str(fleet.folder))
    found = processes({"plan": plan, "bare": _bare(fleet)}, 3)
    what = f"plan, {len(fleet.hosts)} hosts, {fleet.lines} lines, nothing differs : bare paramiko, `true`"
    return [compare("ssh", what, found["plan"], found["bare"], None)]
