"""Hosts that are folders: what is left of a plan when no network is in it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.fleet import Fleet
from benchmarks.measure import PROGRAM, Command, Options, Row, compare, processes, ratio, seconds

ROUNDS = 5


def run(_: Options) -> list[Row]:
    """A plan of one host, and whether many cost more than their number."""
    with tempfile.TemporaryDirectory() as folder:
        one = Fleet(Path(folder) / "one", 1, lines=200)
        few = Fleet(Path(folder) / "few", 20, lines=200)
        many = Fleet(Path(folder) / "many", 200, lines=200)
        plan = [*PROGRAM, "plan", "fleet"]
        commands = {name: Command(plan, str(fleet.folder)) for name, fleet in (("1", one), ("20", few), ("200", many))}
        commands["typer"] = Command([sys.executable, "-c", "import typer"])
        timings = processes(commands, ROUNDS)
    start = median(timings["1"])
    each_of_few = [(a - start) / 19 for a in timings["20"]]
    each_of_many = [(a - start) / 199 for a in timings["200"]]
    growth = ratio(each_of_many, each_of_few)
    what = "plan, each of 200 local hosts : each of 20"
    return [
        compare("local", "plan, 1 local host, nothing differs : import typer", timings["1"], timings["typer"], None),
        Row("local", what, seconds(median(each_of_many)), seconds(median(each_of_few)), growth, 1.3),
    ]
