"""Ctrl-C and kill, at moments that are known to have come."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from projects import HostFolder, ProjectFolder, until
from terminal import read_question

from pmtaform.diagnostics import Exit

_GATE = """\
#!/bin/sh
# The host's pmta, except for one command, which waits at a gate.
case "$*" in
"{command}") echo >>{root}/reached; read -r _ <{root}/gate ;;
esac
exec {root}/usr/sbin/pmta.behind "$@"
"""


def wait_until_told(process: subprocess.Popen[str], text: str) -> None:
    """Read what the command tells, step by step, until it says `text`."""
    assert process.stderr is not None
    assert any(text in line for line in process.stderr), "it never said so"


@dataclass
class Gate:
    """Holds one command of a host's pmta until it is opened."""

    host: HostFolder
    command: str
    reached: Path = field(init=False)

    def __post_init__(self) -> None:
        self.reached = self.host.root / "reached"
        program = self.host.at("/usr/sbin/pmta")
        program.rename(program.with_name("pmta.behind"))
        os.mkfifo(self.host.root / "gate")
        # The side that opens it first must not wait for the other one.
        self._handle = os.open(self.host.root / "gate", os.O_RDWR)
        self.host.put(_GATE.format(command=self.command, root=self.host.root), "/usr/sbin/pmta", 0o755)

    def open(self) -> None:
        os.write(self._handle, b"go\n" * 9)

    def close(self) -> None:
        os.close(self._handle)


@pytest.fixture
def gate(project: ProjectFolder) -> Iterator[Gate]:
    """Two hosts, worked on one after the other; the first is in the middle of its transaction."""
    project.add_host("mta1", pmta=True)
    project.add_host("mta2", pmta=True)
    project.stack("config: {postmaster: a@example.com}\nconfirm-within: 0\nrollout: {parallel: 1}")
    made = Gate(project.host, "reload")
    yield made
    made.open()
    made.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "kill"])
def test_once_during_an_apply_begins_no_further_host(project: ProjectFolder, gate: Gate, how: signal.Signals) -> None:
    before = project.hosts["mta2"].tree()
    with project.start("apply", "--auto-approve") as process:
        until(gate.reached.exists, process)
        process.send_signal(how)
        wait_until_told(process, "no further host is started")
        gate.open()
        out, _ = process.communicate(timeout=60)
    assert process.returncode == Exit.INTERRUPTED
    assert "mta1  applied (generation 1)" in out
    assert "mta2  not started" in out
    assert project.hosts["mta2"].tree() == before
    assert list(project.state["hosts"]) == ["mta1"]
    assert "postmaster a@example.com" in project.host.in_force
    project.apply().ended(Exit.OK)
    project.settled()


def test_twice_leaves_at_once_and_the_host_finishes_by_itself(project: ProjectFolder, gate: Gate) -> None:
    with project.start("apply", "--auto-approve") as process:
        until(gate.reached.exists, process)
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        wait_until_told(process, "no further host is started")
        process.send_signal(signal.SIGINT)
        err = process.stderr.read()
    assert process.returncode == Exit.INTERRUPTED
    assert "Each started transaction ends on its host by itself" in err
    busy = project.plan("--host", "mta1").ended(Exit.LOCKED)
    assert "Change under way on the host" in busy.words
    gate.open()
    until(lambda: not project.host.at("/var/lib/pmtaform/lock").exists())
    assert project.host.leftovers() == []
    assert "postmaster a@example.com" in project.host.in_force
    outcome = project.apply().ended(Exit.OK)
    assert "Lock of a dead process taken over" in outcome.words
    assert "mta1 unchanged" in outcome.words
    assert "mta2 applied" in outcome.words
    project.settled()


def test_who_leaves_is_told_what_to_do_and_what_no_one_confirms_can_be_taken_back(project: ProjectFolder) -> None:
    host = project.add_host("mta1").stand_in()
    before = host.contents()
    project.stack("config: {postmaster: a@example.com}\nconfirm-within: 1h")
    gate = Gate(host, "reload")
    with project.start("apply", "--auto-approve") as process:
        until(gate.reached.exists, process)
        assert process.stderr is not None
        process.send_signal(signal.SIGTERM)
        wait_until_told(process, "no further host is started")
        process.send_signal(signal.SIGTERM)
        result = process.stderr.read()
    assert process.returncode == Exit.INTERRUPTED
    assert "mta1: activating" in result
    assert "To settle them now: pmtaform recover mta1" in result
    assert "under-way" in project.state
    gate.open()
    until(lambda: host.marked("pending"))
    until(lambda: not host.at("/var/lib/pmtaform/lock").exists())
    assert "postmaster a@example.com" in host.running
    waits = project.run("recover", "mta1").ended(Exit.LOCKED)
    assert "--confirm" in waits.words
    assert "--revert" in waits.words
    project.run("recover", "mta1", "--revert").ended(Exit.OK)
    assert host.contents() == before
    assert "postmaster" not in host.running
    assert host.leftovers() == []
    assert "under-way" not in project.state
    gate.close()


def test_while_planning_it_leaves_at_once_and_holds_no_lock(project: ProjectFolder, gate: Gate) -> None:
    gate.host.put(_GATE.format(command="show version", root=gate.host.root), "/usr/sbin/pmta", 0o755)
    with project.start("apply", "--auto-approve") as process:
        until(gate.reached.exists, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == Exit.INTERRUPTED
    assert err.strip() == "pmtaform: interrupted."
    assert not (project.root / "state/fleet.lock").exists()


def test_at_the_question_nothing_is_applied(project: ProjectFolder) -> None:
    import pty

    host = project.add_host("mta1")
    project.config("postmaster: a@example.com")
    before = host.tree()
    control, terminal = pty.openpty()
    with project.start("apply", stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        read_question(control)
        process.send_signal(signal.SIGINT)
        until(lambda: process.poll() is not None)
    os.close(control)
    assert process.returncode == Exit.INTERRUPTED
    assert host.tree() == before
    assert not (project.root / "state/fleet.lock").exists()


def test_a_rollback_finishes_what_it_has_started(project: ProjectFolder, gate: Gate) -> None:
    gate.open()
    project.apply().ended(Exit.OK)
    gate.reached.unlink()
    gate.close()
    gate.__dict__["_handle"] = os.open(gate.host.root / "gate", os.O_RDWR)
    with project.start("rollback", "mta1", "--auto-approve") as process:
        until(gate.reached.exists, process)
        process.send_signal(signal.SIGINT)
        wait_until_told(process, "finish or roll back")
        gate.open()
        out, _ = process.communicate(timeout=60)
    assert process.returncode == Exit.OK
    assert "mta1  applied (generation 2)" in out
    assert "postmaster" not in project.host.in_force
