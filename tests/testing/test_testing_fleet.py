"""A fleet in memory: plan, apply, drift and failure without a process, a disk of hosts or a state folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pmtaform import Project, apply_plan, drift_of, make_plan
from pmtaform.errors import Locked
from pmtaform.plugins import TRANSPORTS
from pmtaform.progress import Verdict
from pmtaform.state import LockInfo
from pmtaform.testing.host import Cut, Fault, MemoryHost, memory_transport
from pmtaform.testing.state import MemoryBackends

CONFIG = "/etc/pmta/config"
RUNS = b"""postmaster old@example.com
smtp-listener 127.0.0.1:2525
log-file /var/log/pmta/log
<source 127.0.0.1>
    always-allow-relaying yes
    smtp-service yes
</source>
<spool /var/spool/pmta>
</spool>
"""
STACK = """
hosts:
  mta1: {transport: memory}
  mta2: {transport: memory}
config: {postmaster: new@example.com}
"""


class Fleet:
    """Two hosts, a stack that wants another postmaster of them, and a state in memory."""

    def __init__(self, root: Path) -> None:
        self.hosts = {name: MemoryHost({CONFIG: RUNS}) for name in ("mta1", "mta2")}
        self.backends = MemoryBackends()
        folder = root / "stacks" / "fleet"
        folder.mkdir(parents=True)
        (folder / "stack.yaml").write_text(STACK)
        self.project = Project(root, self.backends)

    def apply(self) -> dict[str, Verdict]:
        planned = make_plan(self.project, self.project.load("fleet"))
        result = apply_plan(planned)
        planned.close()
        return {name: host.verdict for name, host in result.hosts.items()}

    def postmaster(self, host: str) -> bytes:
        return self.hosts[host].running[CONFIG].splitlines()[0]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(tmp_path)
    with TRANSPORTS.providing({"memory": memory_transport(made.hosts)}):
        yield made


def test_a_change_reaches_every_host_and_a_second_plan_is_empty(fleet: Fleet) -> None:
    assert fleet.apply() == {"mta1": Verdict.APPLIED, "mta2": Verdict.APPLIED}
    assert fleet.postmaster("mta1") == fleet.postmaster("mta2") == b"postmaster new@example.com"
    assert not make_plan(fleet.project, fleet.project.load("fleet")).plan.changed
    kept = fleet.backends("fleet").load()
    assert kept is not None
    assert set(kept.hosts) == {"mta1", "mta2"}
    assert not (fleet.project.root / "state").exists()


def test_a_hand_edit_is_drift(fleet: Fleet) -> None:
    fleet.apply()
    host = fleet.hosts["mta1"]
    host.put(CONFIG, host.files[CONFIG].content.replace(b"new@", b"hand@"))
    reports = drift_of(make_plan(fleet.project, fleet.project.load("fleet")))
    assert {name for name, report in reports.items() if report.drifted} == {"mta1"}


def test_a_host_that_rejects_the_change_keeps_the_old(fleet: Fleet) -> None:
    pmta = fleet.hosts["mta1"].pmta
    assert pmta is not None
    pmta.failing["fail-reload"] = 1
    assert fleet.apply()["mta1"] is Verdict.ROLLED_BACK
    assert fleet.postmaster("mta1") == b"postmaster old@example.com"


@pytest.mark.parametrize("step", ["check", "commit-config", "activate", "record"])
def test_a_program_that_dies_leaves_the_old_or_the_new_and_the_next_run_ends_well(fleet: Fleet, step: str) -> None:
    fleet.hosts["mta1"].faults[step] = Fault.DIES
    fleet.apply()
    assert fleet.hosts["mta1"].running[CONFIG] == fleet.hosts["mta1"].files[CONFIG].content
    fleet.apply()
    assert fleet.postmaster("mta1") == fleet.postmaster("mta2") == b"postmaster new@example.com"


def test_a_cut_connection_is_read_back(fleet: Fleet) -> None:
    planned = make_plan(fleet.project, fleet.project.load("fleet"))
    fleet.hosts["mta2"].cuts.append(Cut.ANSWER)
    apply_plan(planned)
    planned.close()
    assert fleet.postmaster("mta2") == b"postmaster new@example.com"


def test_a_lock_in_memory_keeps_a_second_run_out(fleet: Fleet) -> None:
    planned = make_plan(fleet.project, fleet.project.load("fleet"))
    with fleet.backends("fleet").lock(LockInfo.mine("apply fleet")), pytest.raises(Locked, match="apply fleet"):
        apply_plan(planned)
    planned.close()
    assert fleet.postmaster("mta1") == b"postmaster old@example.com"


def test_the_registry_forgets_what_it_was_given(tmp_path: Path) -> None:
    with TRANSPORTS.providing({"memory": memory_transport({})}):
        assert "memory" in TRANSPORTS
    assert "memory" not in TRANSPORTS
