"""`python -m benchmarks [--strict] [--hosts N] [NAME…]`: measure, and print one table."""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks.measure import Options, Row

NAMES = ("start", "names", "parse", "knowledge", "dangers", "local", "imports", "ssh", "large")
LONG = ("thousands",)  # minutes: measured only by name
_HEAD = ("name", "what", "ours", "baseline", "ratio", "bound", "")


def main() -> int:
    """With `--strict` the exit code is 1 when something is over its bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    what = f"what to measure: {', '.join(NAMES)} (default), {', '.join(LONG)}"
    parser.add_argument("names", nargs="*", metavar="NAME", help=what)
    parser.add_argument("--strict", action="store_true", help="exit 1 when something is over its bound")
    parser.add_argument(
        "--hosts", type=int, help="at most this many hosts, over SSH and in thousands; bounds are not compared then"
    )
    parser.add_argument("--rounds", type=int, help="rounds over SSH")
    given = parser.parse_args()
    options = Options(hosts=given.hosts, rounds=given.rounds)
    if unknown := set(given.names) - {*NAMES, *LONG}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    rows: list[Row] = []
    for name in given.names or NAMES:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"benchmarks.{name}").run(options)
    show(rows)
    return 1 if given.strict and any(row.over for row in rows) else 0


def show(rows: list[Row]) -> None:
    """The table, each column as wide as its content."""
    table = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(cells[i]) for cells in table) for i in range(len(_HEAD))]
    for cells in table:
        words = [c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
        print("  ".join(words).rstrip())


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    bound = "" if row.bound is None else f"{row.bound:.2f}"
    verdict = "" if row.bound is None else "over" if row.over else "ok"
    return (row.name, row.what, row.ours, row.baseline, ratio, bound, verdict)


if __name__ == "__main__":
    sys.exit(main())
