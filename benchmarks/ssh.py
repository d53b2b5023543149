"""Plans and an apply over real SSH servers on loopback, whole processes, to a bare script that runs `true` there.

Most hosts have no PowerMTA (`activation: none`): what a reload costs is PowerMTA's business. Those of the confirmed
apply have a stand-in of a few lines, so that all is done that a confirmation needs. Servers and client share the
machine's cores.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.distance import far
from benchmarks.fleet import Fleet, servers
from benchmarks.measure import PROGRAM, Command, Row, compare, processes
from pmtaform.model.operations import Rollout

if TYPE_CHECKING:
    from sshd import Sshd

THREADS = 16
SMALL, MEDIUM = 200, 5000  # lines
IN_FLIGHT = Rollout().changing
ROUND_TRIP = 100  # milliseconds
_APPLY = [*PROGRAM, "apply", "fleet", "--auto-approve"]


def run() -> list[Row]:
    """10 and 50 hosts."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as running:
        for count, rounds, bound in ((10, 9, 2.0), (50, 7, 1.4)):
            rows += _fleet(Fleet(Path(folder) / f"small{count}", running, count, lines=SMALL), rounds, bound)
        rows += _confirmed(Path(folder), running)
        rows += _medium(Fleet(Path(folder) / "medium", running, 50, lines=MEDIUM))
    return rows


def _bare(fleet: Fleet, connections: int = 1) -> Command:
    script = str(Path(__file__).with_name("bare.py"))
    return Command([sys.executable, script, str(THREADS)], stdin=json.dumps(fleet.addresses * connections).encode())


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


def _confirmed(folder: Path, running: list[Sshd]) -> list[Row]:
    """One value on 50 hosts that run a PowerMTA: staged, reloaded, checked, confirmed over new connections, read back.

    To both bare connections of each host that it takes, the confirming one being one of them, and to one of them alone;
    the bound of 3 is set to either. Once in place, where the client's own cores do the work of all hosts, and once as
    fleets are, a round trip away.
    """
    fleet = Fleet(folder / "confirmed", running, 50, lines=SMALL, pmta=True)
    one = Fleet(folder / "one", running, 1, lines=SMALL, pmta=True)
    alone = Command(_APPLY, str(one.folder), before=one.change)
    each = max(0, Command(_APPLY, str(fleet.folder), before=fleet.change).peak() - alone.peak()) / IN_FLIGHT / 2**20
    with far(running, ROUND_TRIP) as away:
        distant = Fleet(folder / "far", away, 50, lines=SMALL, pmta=True)
        rows = [*_to_bare(fleet, "in place"), *_to_bare(distant, f"{ROUND_TRIP} ms away")]
    return [*rows, Row("ssh", "the same, memory per host in flight", f"{each:.2f} MB", "3 MB", each / 3, 1.0)]


def _to_bare(fleet: Fleet, where: str) -> list[Row]:
    apply = Command(_APPLY, str(fleet.folder), before=fleet.change)
    timings = processes({"apply": apply, "two": _bare(fleet, 2), "one": _bare(fleet)}, 3)
    what = f"apply, 50 hosts, one value, confirmed, {where}"
    return [
        compare("ssh", f"{what} : both connections, bare paramiko, `true`", timings["apply"], timings["two"], 3.0),
        compare("ssh", "the same : one connection alone", timings["apply"], timings["one"], 3.0),
    ]


def _medium(fleet: Fleet) -> list[Row]:
    plan = Command([*PROGRAM, "plan", "fleet"], str(fleet.folder))
    timings = processes({"plan": plan, "bare": _bare(fleet)}, 3)
    what = f"plan, {len(fleet.hosts)} hosts, {fleet.lines} lines, nothing differs : bare paramiko, `true`"
    return [compare("ssh", what, timings["plan"], timings["bare"], None)]
