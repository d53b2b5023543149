"""A pytest plug-in for `make test`: measures branch coverage of pmtaform, shows it, and holds it above a floor.

Tracing doubles the time of a test on Python 3.11, so only a fixed sample of the tests is traced: the first cases of
every test function, and no property test. The others add few branches. So the figure is a lower bound, it is the same
for the same commit, and it costs little. Programs that tests start are not measured.

Every worker writes a data file; the controller combines them at the end.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import coverage
import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".coverage"
CASES = 2  # how many cases of a test function are traced
_WORKER = "PYTEST_XDIST_WORKER"

_traced: set[str] = set()
FOLDER.mkdir(exist_ok=True)
if _WORKER not in os.environ:  # the controller: what an earlier run left must not count
    for _file in FOLDER.iterdir():
        _file.unlink()


def _coverage(suffix: str | None) -> coverage.Coverage:
    return coverage.Coverage(str(FOLDER / "data"), suffix, config_file=str(ROOT / "pyproject.toml"))


_measure = _coverage(os.environ.get(_WORKER, "controller"))
_measure.start()  # here: what modules do when they are imported counts


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Choose the tests that are traced. `make coverage` runs only those."""
    cases: Counter[str] = Counter()
    for item in items:
        function = item.nodeid.partition("[")[0]
        cases[function] += 1
        if cases[function] <= CASES and not _is_property(item):
            _traced.add(item.nodeid)
    if "PMTAFORM_ONLY_TRACED" in os.environ:
        items[:] = [item for item in items if item.nodeid in _traced]


def pytest_collection_finish() -> None:
    """Stop tracing until the first test of the sample."""
    _measure.stop()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Trace the test, its set-up and its tear-down."""
    if item.nodeid not in _traced:
        return (yield)
    _measure.start()
    try:
        return (yield)
    finally:
        _measure.stop()


def pytest_sessionfinish() -> None:
    """Write the data of this process."""
    _measure.stop()
    _measure.save()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Combine the data of all workers and show the total."""
    total = _coverage(None)
    total.combine([str(FOLDER)], keep=True)
    with (FOLDER / "report.txt").open("w", encoding="utf-8") as report:
        percent = total.report(file=report)
    floor = float(total.get_option("report:fail_under") or 0)
    terminalreporter.section("branch coverage")
    terminalreporter.write_line(f"{percent:.1f} % (at least {floor:g} %; each file in .coverage/report.txt)")
    if percent < floor:
        terminalreporter.write_line("Branch coverage fell. Test the new branches.", red=True)
        terminalreporter._session.exitstatus = pytest.ExitCode.TESTS_FAILED
    elif percent >= floor + 1:
        terminalreporter.write_line(f"Raise the floor to {int(percent)}: fail_under in pyproject.toml.")


def _is_property(item: pytest.Item) -> bool:
    return hasattr(getattr(item, "obj", None), "hypothesis")
