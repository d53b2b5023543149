"""A thousand hosts in memory, far away: what a plan asks of each, and what it leaves open."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest

from pmtaform import Project, make_plan
from pmtaform.errors import Unreachable
from pmtaform.host.model import HostSpec
from pmtaform.planning.request import PlanRequest
from pmtaform.plugins import TRANSPORTS
from pmtaform.progress import Event, Phase
from pmtaform.testing.fleet import MemoryFleet, far_away
from pmtaform.testing.host import memory_transport
from pmtaform.testing.state import MemoryBackends

CONFIG = "/etc/pmta/config"
ROUND_TRIP = 0.02
AT_ONCE = 40


def contents(name: str) -> dict[str, bytes]:
    """Files that no other host has."""
    return {CONFIG: f"postmaster {name}@example.com\nhost-name {name}.example.com\n".encode()}


class Network:
    """Counts round trips; no one waits."""

    def __init__(self) -> None:
        self.trips: list[float] = []
        self._guard = threading.Lock()

    def wait(self, seconds: float) -> None:
        with self._guard:
            self.trips.append(seconds)


def stack(root: Path, names: list[str]) -> Project:
    """A stack that declares what the hosts have."""
    folder = root / "stacks" / "fleet"
    folder.mkdir(parents=True)
    hosts = "".join(f"  {name}: {{transport: memory, vars: {{name: {name}}}}}\n" for name in names)
    config = "config: {postmaster: '${name}@example.com', host-name: '${name}.example.com'}\n"
    (folder / "stack.yaml").write_text(f"rollout: {{parallel: {AT_ONCE}}}\nhosts:\n{hosts}{config}")
    return Project(root, MemoryBackends())


def test_a_plan_of_a_thousand_hosts_takes_two_round_trips_of_each(tmp_path: Path) -> None:
    names = [f"mta{number:04}" for number in range(1_000)]
    fleet, network, phases = MemoryFleet(names, contents), Network(), Counter[Phase]()
    transport = far_away(memory_transport(fleet), ROUND_TRIP, wait=network.wait)

    def watch(event: Event) -> None:
        phases[event.phase] += 1

    with TRANSPORTS.providing({"memory": transport}):
        project = stack(tmp_path, names)
        planned = make_plan(project, project.load("fleet"), PlanRequest(watch=watch))
    assert [host.host for host in planned.plan.hosts] == names
    assert not planned.plan.changed
    assert not planned.plan.failures
    assert phases[Phase.PLANNED] == len(names)
    assert set(network.trips) == {ROUND_TRIP}
    assert len(network.trips) == 2 * len(names)


def test_a_host_is_made_when_it_is_reached() -> None:
    made: list[str] = []

    def noted(name: str) -> dict[str, bytes]:
        made.append(name)
        return contents(name)

    fleet = MemoryFleet(["mta1", "mta2"], noted)
    assert (len(fleet), list(fleet), made) == (2, ["mta1", "mta2"], [])
    assert fleet["mta2"] is fleet["mta2"]
    assert made == ["mta2"]
    with pytest.raises(KeyError):
        fleet["mta3"]
    transport = memory_transport(fleet)
    with pytest.raises(Unreachable):
        transport.open(HostSpec(name="mta3", transport=transport))
