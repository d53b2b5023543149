"""Ten thousand hosts, each with its own 200 lines, 20 ms away: plans and an apply, and whether a host costs the same
among a hundred, a thousand and ten thousand.

The hosts are in the memory of another process, which answers as the host program does, so the client's processor time
and memory are its own. 1 % of the hosts change in five places.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.elsewhere import content_of, name_of
from benchmarks.measure import Command, Options, Row, Use, memory, seconds, uses
from pmtaform.state import FileBackend

HOSTS = 10_000
FEWER = (100, 1_000)
VMTAS = 8  # 210 lines a host
ROUND_TRIP = 0.02  # seconds
AT_ONCE = 64
MOST_PROCESSOR = 0.006  # seconds of an unchanged host
MOST_READING = 0.5  # seconds, for the state of all hosts
MOST_MEMORY = 400  # MB
MOST_GROWTH = 1.3  # of what a host costs, from a thousand to ten thousand
_MODULE = [sys.executable, "-m", "benchmarks.elsewhere"]


class Thousands:
    """`count` hosts in another process, and a project with what they have (`same`) and with 1 % changed (`new`)."""

    def __init__(self, folder: Path, count: int, vmtas: int = VMTAS) -> None:
        self.count = count
        self.changed = max(1, count // 100)
        self.project = folder / "project"
        self._address = str(folder / "hosts")
        self._stack("fleet", vmtas, 0)
        words = [*_MODULE, self._address, str(count), str(vmtas)]
        self._hosts = subprocess.Popen(words, stdout=subprocess.PIPE)
        assert self._hosts.stdout is not None
        self._hosts.stdout.readline()
        self.vmtas = vmtas

    def close(self) -> None:
        """End the hosts."""
        self._hosts.terminate()
        self._hosts.wait()

    def command(self, *words: str, round_trip: float = ROUND_TRIP) -> Command:
        """`pmtaform WORDS` with the hosts that far away."""
        given = [*_MODULE, self._address, str(round_trip), "pmtaform", "-C", str(self.project), *words]
        return Command(given, folder=str(Path(__file__).parent.parent))

    def change(self) -> None:
        """Change the stack in five places of every hundredth host."""
        self._files("fleet", self.vmtas, self.changed)

    def _stack(self, name: str, vmtas: int, changed: int) -> None:
        folder = self.project / "stacks" / name
        folder.mkdir(parents=True)
        hosts = "".join(
            f"  {host}:\n    transport: elsewhere\n    native: [files/{host}/config]\n"
            for host in map(name_of, range(self.count))
        )
        rollout = f"rollout:\n  parallel: {AT_ONCE}\n  canary: 1\n  waves: [10%, 50%]\n"
        (folder / "stack.yaml").write_text(f"stack: {name}\n{rollout}hosts:\n{hosts}")
        self._files(name, vmtas, changed)

    def _files(self, name: str, vmtas: int, changed: int) -> None:
        every = self.count // changed if changed else 0
        for number in range(self.count):
            file = self.project / "stacks" / name / "files" / name_of(number) / "config"
            is_changed = bool(every) and number % every == 0
            if is_changed or not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content_of(number, vmtas, changed=is_changed))


@contextmanager
def thousands(count: int, vmtas: int = VMTAS) -> Iterator[Thousands]:
    """Hosts that are as their stack declares, and ended at the end."""
    with tempfile.TemporaryDirectory() as folder:
        running = Thousands(Path(folder), count, vmtas)
        try:
            running.command("apply", "fleet", "--auto-approve", round_trip=0).run()
            yield running
        finally:
            running.close()


def run(options: Options) -> list[Row]:
    """A row for each task, and how what a host costs grows with the fleet."""
    rows: list[Row] = []
    costs: dict[int, float] = {}
    for count in (*FEWER, HOSTS):
        if count <= options.count(HOSTS):
            with thousands(count) as running:
                made, costs[count] = _tasks(running, options)
                rows += made
    if HOSTS in costs:
        growth = costs[HOSTS] / costs[1_000]
        what = "plan, nothing differs: an unchanged host among 10,000 : among 1,000"
        ours, fewer = _milliseconds(costs[HOSTS]), _milliseconds(costs[1_000])
        rows.append(Row("thousands", what, ours, fewer, growth, MOST_GROWTH))
    return rows


def _tasks(running: Thousands, options: Options) -> tuple[list[Row], float]:
    """The rows of one fleet, and the processor time of an unchanged host."""
    limit = MOST_MEMORY if running.count == HOSTS else None
    same = uses({"plan": running.command("plan", "fleet")}, options.rounds or 1)["plan"]
    cost = median(use.processor for use in same) / running.count
    name = f"plan, nothing differs, {running.count:,} hosts"
    bound = 1.0 if running.count == HOSTS else None
    rows = [
        Row(
            "thousands",
            f"{name}: the client's processor, a host",
            _milliseconds(cost),
            _milliseconds(MOST_PROCESSOR),
            cost / MOST_PROCESSOR,
            bound,
        ),
        *_more(name, same, limit),
        _state(running),
    ]
    running.change()
    name = f"plan, {running.changed:,} of {running.count:,} hosts differ"
    rows += _more(name, [running.command("plan", "fleet").use()], limit)
    name = f"apply, {running.changed:,} of {running.count:,} hosts, in waves"
    rows += _more(name, [running.command("apply", "fleet", "--auto-approve", "--allow", "rate-raised").use()], limit)
    return rows, cost


def _state(running: Thousands) -> Row:
    """What it takes to read the state of all hosts."""
    backend = FileBackend(running.project / "state", "fleet")
    started = time.process_time()
    document = backend.load()
    took = time.process_time() - started
    if document is None or len(document.hosts) != running.count:
        raise RuntimeError("the state has not every host")
    bound = 1.0 if running.count == HOSTS else None
    what = f"read the state of {running.count:,} hosts"
    return Row("thousands", what, seconds(took), seconds(MOST_READING), took / MOST_READING, bound)


def _more(name: str, runs: list[Use], limit: float | None) -> list[Row]:
    took = f"{median(use.seconds for use in runs):.1f} s, of which processor {median(u.processor for u in runs):.1f} s"
    return [Row("thousands", name, took, "", None, None), memory("thousands", "  its memory", runs, limit)]


def _milliseconds(value: float) -> str:
    return f"{value * 1000:.2f} ms"
