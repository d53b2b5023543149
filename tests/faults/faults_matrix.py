"""A pytest plug-in for `make faults`: prints what became of every fault at every point, as a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

_SIGNS = {"passed": ".", "failed": "F", "skipped": "-"}


@pytest.hookimpl
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Rows are points, columns are faults; one sign each for the local and the SSH transport."""
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for outcome, sign in _SIGNS.items():
        for report in terminalreporter.stats.get(outcome, []):
            for point, fault, way in _cell(report.nodeid):
                cells.setdefault((point, fault), {})[way] = sign
    if not cells:
        return
    points = list(dict.fromkeys(point for point, _ in cells))
    faults = sorted({fault for _, fault in cells})
    widest = max(map(len, points))
    write = terminalreporter.write_line
    terminalreporter.section("faults: local, SSH")
    for number, fault in enumerate(faults, 1):
        write(f"{number:>2}  {fault}")
    write(" " * widest + "".join(f"{number:>5}" for number in range(1, len(faults) + 1)))
    for point in sorted(points):
        row = [cells.get((point, fault), {}) for fault in faults]
        write(f"{point:{widest}}" + "".join(f"   {c.get('local', ' ')}{c.get('ssh', ' ')}" for c in row))


def _cell(name: str) -> Iterator[tuple[str, str, str]]:
    """Point, fault and transport of a test such as `…over_ssh[commit-key:after.1-the host reboots]`."""
    if match := re.fullmatch(r".*::(\w+)\[([a-z:-]+\.\d+)-([a-z -]+)\]", name):
        yield match[2], match[3], "ssh" if "over_ssh" in match[1] else "local"
