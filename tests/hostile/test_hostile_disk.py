"""A disk of the client that takes no more, at any write of a run: what hosts have is reported, and settled later."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest
from projects import CommandResult, ProjectFolder

from pmtaform import writing
from pmtaform.diagnostics import Exit
from pmtaform.state import journal_file

HOSTS = ("mta1", "mta2", "mta3")
WRITES = 22  # as many as there are in a run of three hosts, and some more


class Disk:
    """Where the state is: it accepts a number of writes, and then fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 1 << 30
        self.refused = 0
        self.error = errno.ENOSPC
        for module in (writing, journal_file):
            monkeypatch.setattr(module, "write_all", self._counted(module.write_all))

    def _counted(self, write: Callable[[int, bytes], None]) -> Callable[[int, bytes], None]:
        def counted(descriptor: int, content: bytes) -> None:
            self.left -= 1
            if self.left < 0:
                self.refused += 1
                raise OSError(self.error, os.strerror(self.error))
            write(descriptor, content)

        return counted


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def fleet(project: ProjectFolder) -> ProjectFolder:
    for name in HOSTS:
        project.add_host(name)
    write(project, 7)
    project.apply().ended(Exit.OK)
    return project


def write(project: ProjectFolder, value: int) -> None:
    project.config(f"domain: {{a.example: {{max-smtp-out: {value}}}}}", "rollout: {parallel: 1, canary: 1}\n")


def verdicts(result: CommandResult) -> dict[str, str]:
    return {host["host"]: host["verdict"] for host in result.lines()[-1]["hosts"]}


def has(project: ProjectFolder, value: int) -> dict[str, bool]:
    return {name: f"max-smtp-out {value}" in host.read() for name, host in project.hosts.items()}


@pytest.mark.parametrize(
    ("after", "error"),
    [(after, errno.ENOSPC) for after in range(WRITES)]
    + [(after, error) for after in range(0, WRITES, 7) for error in (errno.EROFS, errno.EIO)],
)
def test_the_outcome_is_reported_however_much_can_be_written(
    fleet: ProjectFolder, disk: Disk, after: int, error: int
) -> None:
    write(fleet, 8)
    disk.left, disk.error = after, error
    result = fleet.apply("--format", "json")
    new = has(fleet, 8)
    if not disk.refused:
        result.ended(Exit.OK)
    else:
        assert result.code != Exit.OK
        assert "state-not-written" in result.all
    if result.out and result.lines()[-1]["kind"] == "pmtaform-run":
        told = verdicts(result)
        assert {name: verdict == "applied" for name, verdict in told.items()} == new
        assert set(told.values()) <= {"applied", "not started"}
        assert (result.lines()[-1]["unsaved"] is not None) == bool(disk.refused)
    else:
        assert not any(new.values()), "a run that tells of no host has changed none"
    disk.left = 1 << 30
    assert has(fleet, 8) == new
    fleet.apply().ended(Exit.OK)
    assert all(has(fleet, 8).values())
    fleet.settled()


def test_a_disk_that_takes_more_in_the_end_is_no_error(
    fleet: ProjectFolder, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pmtaform.rollout.run_records import RunRecords

    write(fleet, 8)
    finish = RunRecords.finish

    def with_room(records: RunRecords) -> object:
        disk.left = 1 << 30
        return finish(records)

    monkeypatch.setattr(RunRecords, "finish", with_room)
    disk.left = 8
    result = fleet.apply("--format", "json")
    assert disk.refused
    assert result.lines()[-1]["unsaved"] is None
    assert all(name in fleet.run("history").out for name in HOSTS)


@pytest.mark.parametrize("after", range(5))
def test_a_rollback_is_reported_however_much_can_be_written(fleet: ProjectFolder, disk: Disk, after: int) -> None:
    write(fleet, 8)
    fleet.apply().ended(Exit.OK)
    disk.left = after
    result = fleet.run("rollback", "mta1", "--auto-approve", "--format", "json")
    back = "max-smtp-out 7" in fleet.hosts["mta1"].read()
    assert (result.code == Exit.OK) == (disk.refused == 0)
    if back:
        assert verdicts(result) == {"mta1": "applied"}
    disk.left = 1 << 30
    fleet.apply().ended(Exit.OK)
    fleet.settled()


def test_hosts_that_go_back_are_reported_as_that(fleet: ProjectFolder, disk: Disk) -> None:
    """`on-failure: rollback-wave` is for hosts that failed, not for a disk."""
    fleet.config("domain: {a.example: {max-smtp-out: 8}}", "rollout: {parallel: 1, on-failure: rollback-all}\n")
    disk.left = 8
    result = fleet.apply("--format", "json")
    assert disk.refused
    assert set(verdicts(result).values()) <= {"applied", "not started"}


def test_text_tells_of_hosts_and_of_the_disk(fleet: ProjectFolder, disk: Disk) -> None:
    write(fleet, 8)
    disk.left = 8
    result = fleet.apply()
    assert "mta1  applied" in result.out
    assert "[state-not-written]" in result.words
    assert "no space left on device" in result.words
