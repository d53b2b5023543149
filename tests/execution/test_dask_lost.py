"""A worker or a scheduler that is lost: nothing is changed twice, and nothing is lost."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster, cluster, declare, fleet_of
from projects import CommandResult, HostFolder, ProjectFolder, move_deadline, until

from pmtaform.diagnostics import Exit

BODY = """
config:
  log-file: /var/log/pmta/log
  domain: {gmail.com: {max-smtp-out: 10}}
"""


@pytest.fixture(scope="session")
def frail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster whose workers are killed. Each test starts what it needs."""
    with cluster(tmp_path_factory.mktemp("frail"), {}) as made:
        yield made


@pytest.fixture
def one(tmp_path: Path, frail: Cluster) -> ProjectFolder:
    """One host, and two workers."""
    for name in ("one", "two"):
        if name not in frail.workers:
            frail.start(name)
    project = fleet_of(tmp_path, frail)
    for name in ("mta2", "mta3"):
        del project.hosts[name]
    for name in ("reached", "go"):
        os.mkfifo(project.host.at(f"/ctl/{name}"))
    return project


class Paused:
    """An apply in another process, whose host program waits at a point."""

    def __init__(self, project: ProjectFolder, point: str) -> None:
        self.host: HostFolder = project.host
        self.host.tell("at", f"{point}\n")
        self._go = os.open(self.host.at("/ctl/go"), os.O_RDWR | os.O_NONBLOCK)
        self._client = project.start("apply", "fleet", "--auto-approve")
        pipe, ended = os.open(self.host.at("/ctl/reached"), os.O_RDWR | os.O_NONBLOCK), os.pidfd_open(self._client.pid)
        ready, _, _ = select.select([pipe, ended], [], [], 60)
        assert pipe in ready, self._client.communicate()
        self.program = int(os.read(pipe, 100))
        os.close(pipe)
        os.close(ended)

    def go_on(self) -> None:
        os.write(self._go, b"go\n")

    def ended(self) -> CommandResult:
        out, err = self._client.communicate(timeout=120)
        return CommandResult(self._client.returncode, out, err)


def test_a_worker_killed_in_a_change_changes_nothing_twice(one: ProjectFolder, frail: Cluster) -> None:
    declare(one, BODY, activation="none")
    paused = Paused(one, "commit-config.*")
    frail.kill(frail.worker_of(paused.program))
    paused.go_on()  # the program on the host runs to its end; the second worker finds what became of it
    result = paused.ended().ended(Exit.OK)
    assert "mta1 applied (generation 1)" in result.words
    assert "Change made by an earlier attempt" in result.words
    assert one.state["hosts"]["mta1"]["generation"] == 1
    assert "under-way" not in one.state
    assert one.host.leftovers() == []
    assert len(list(one.host.at("/var/lib/pmtaform/generations").iterdir())) == 1
    one.settled()


def test_a_worker_killed_before_its_confirmation_is_rolled_back_once(one: ProjectFolder, frail: Cluster) -> None:
    declare(one, BODY)
    before = one.host.running
    paused = Paused(one, "activate.*")
    frail.kill(frail.worker_of(paused.program))
    paused.go_on()
    until(lambda: one.host.marked("pending"))
    for deadline in one.host.root.glob("var/lib/pmtaform/tx/*/deadline"):
        move_deadline(deadline)  # the time for the confirmation is over
    result = paused.ended().ended(Exit.SOME_FAILED)
    assert "mta1 rolled back" in result.words
    assert "not confirmed within" in result.words
    assert one.host.running == before
    assert one.state["hosts"] == {}
    assert one.host.leftovers() == []
    one.host.at("/ctl/at").unlink()
    one.apply().ended(Exit.OK)
    one.settled()


def test_without_any_worker_left_the_outcome_is_unknown_and_recover_finds_it(
    one: ProjectFolder, frail: Cluster
) -> None:
    declare(one, BODY, activation="none")
    paused = Paused(one, "commit-config.*")
    for worker in list(frail.workers.values()):
        frail.kill(worker.pid)
    result = paused.ended().ended(Exit.UNREACHABLE)
    assert "Worker lost" in result.words
    assert "pmtaform recover mta1" in result.words
    assert "mta1" in one.state["under-way"], "the intent stays until it is known"
    paused.go_on()
    until(lambda: not one.host.at("/var/lib/pmtaform/lock").exists())
    one.run("recover", "mta1").ended(Exit.OK)
    assert one.state["hosts"]["mta1"]["generation"] == 1
    one.plan("--executor", "local", "--detailed-exitcode").ended(Exit.OK)
