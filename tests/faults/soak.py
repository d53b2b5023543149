"""Many hosts, many applies, something goes wrong at random: nothing is mixed, nothing is lost, nothing grows.

`make soak` runs it in full; a small one runs with the tests.
"""

from __future__ import annotations

import gc
import os
import random
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from projects import RUNS, HostFolder, ProjectFolder  # noqa: E402
from world import marks  # noqa: E402

TROUBLE = Path(__file__).with_name("trouble.sh")


@dataclass
class Soak:
    """`hosts` hosts with a stack that changes all the time, and what was seen of this process meanwhile."""

    root: Path
    hosts: int
    seed: int = 1
    project: ProjectFolder = field(init=False)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)  # KiB
    values: dict[str, str] = field(default_factory=dict)
    comments: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.project = ProjectFolder(self.root / "project")
        self.project.folder.mkdir(parents=True)
        for number in range(1, self.hosts + 1):
            self.project.add_host(f"mta{number}").stand_in()
        os.environ.update({**marks(self.root), "PMTAFORM_TEST_HOOK": str(TROUBLE)})

    def go(self, applies: int, at_once: int) -> None:
        """That many applies, each to `at_once` hosts chosen at random, each host with its own trouble or none."""
        for number in range(applies):
            chosen = self.random.sample(sorted(self.project.hosts), at_once)
            for name in chosen:
                self._trouble(self.project.hosts[name])
            own = {name: f"n{number}-{name}@example.com" for name in chosen}
            self._say(own)
            result = self.project.apply(*(word for name in chosen for word in ("--host", name)))
            assert "Traceback" not in result.all, result.all
            assert "this is a bug" not in result.all, result.all
            for name in chosen:
                self._settle(self.project.hosts[name])
            self._check(chosen, own, " ".join(result.out.split()))
            self._look()

    def _trouble(self, host: HostFolder) -> None:
        """Nothing in a third of all cases; else the host's program is killed at some step, or a command fails."""
        kind = self.random.randrange(9)
        if kind in (0, 1):
            host.tell("fail-reload")
        elif kind == 2:
            host.tell("fail-test")
        elif kind in (3, 4, 5):
            steps = ("lock", "stage", "backup", "begin", "commit-config", "test", "activate", "health", "pending")
            host.tell("at", self.random.choice((*steps, "verdict", "keep", "record", "undo")) + ".*\n")
        elif kind == 6:
            comment = f"# by hand {self.random.random()}"
            host.put(host.read() + comment + "\n")
            self.comments.setdefault(host.root.name, []).append(comment)

    def _settle(self, host: HostFolder) -> None:
        for fault in ("fail-reload", "fail-test", "at"):
            host.at(f"/ctl/{fault}").unlink(missing_ok=True)

    def _say(self, own: dict[str, str]) -> None:
        """Every chosen host has a value that no one else has and that it had never before."""
        values = {name: own.get(name, self.values.get(name) or "none@example.com") for name in self.project.hosts}
        hosts = {name: {"config": {"postmaster": value}, "confirm-within": "60s"} for name, value in values.items()}
        self.project.stack("rollout: {max-failures: 100%, parallel: 8}\n", hosts=hosts)

    def _check(self, chosen: list[str], own: dict[str, str], result: str) -> None:
        """After `recover` each host has its old value or its new one, runs what its files say, and the state agrees."""
        told = self.project.run("recover", *chosen, "--format", "json")
        assert told.code == 0, told.all
        hosts = self.project.state["hosts"]
        for name in chosen:
            host = self.project.hosts[name]
            assert host.leftovers() == [], told.all
            assert settings(host.running) == settings(host.read()), name
            first, *more = settings(host.read())
            assert [first] == settings(RUNS), name
            value = more[0].removeprefix("postmaster ") if more else ""
            assert value in (self.values.get(name, ""), own[name]), f"{name} has {value}"
            assert len(more) <= 1
            if f"{name} applied" in result or f"{name} unchanged" in result:
                assert value == own[name], f"{name} was reported as applied"
            assert not value or name in hosts, f"{name} was changed, and the state does not know"
            comments = [line for line in host.read().splitlines() if line.startswith("#")]
            assert comments == self.comments.get(name, []), "what was written by hand is lost"
            self.values[name] = value
        assert "under-way" not in self.project.state

    def _look(self) -> None:
        gc.collect()
        self.descriptors.append(len(list(Path("/proc/self/fd").iterdir())))
        self.threads.append(threading.active_count())
        status = Path("/proc/self/status").read_text()
        self.memory.append(int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]))

    def grown(self) -> str:
        """What has grown from the first quarter to the last, in words; empty: nothing."""
        quarter = max(1, len(self.memory) // 4)
        for what, seen, more in (
            ("descriptors", self.descriptors, 0),
            ("threads", self.threads, 0),
            ("memory in KiB", self.memory, 4096),
        ):
            first, last = max(seen[:quarter]), max(seen[-quarter:])
            if last > first + more:
                return f"{what}: {first} at first, {last} in the end"
        return ""


def settings(text: str) -> list[str]:
    """The lines that say something."""
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def main() -> int:
    """`python tests/faults/soak.py [HOSTS [APPLIES [AT ONCE]]]`."""
    import tempfile

    hosts, applies, at_once = (int(word) for word in (*sys.argv[1:], *("30", "200", "6")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(Path(folder), hosts, seed=random.randrange(1 << 30))
        print(f"{hosts} hosts, {applies} applies to {at_once} each, seed {soak.seed}", flush=True)
        soak.go(applies, at_once)
    print(
        f"descriptors {soak.descriptors[0]} to {soak.descriptors[-1]}, threads {soak.threads[0]} to {soak.threads[-1]},"
    )
    print(f"memory {soak.memory[0]} to {soak.memory[-1]} KiB; {soak.grown() or 'nothing has grown'}")
    return 1 if soak.grown() else 0


if __name__ == "__main__":
    sys.exit(main())
