"""A host's clock that jumps in the middle of a change: it decides nothing, at whichever step it jumps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, key, make_host_root, transaction
from projects import until
from ways import SHELLS, Host, in_folder

from pmtaform.host import Status, commit, confirm, records, result, revert, stage

JUMPS = {"ten years on": "+3650d", "ten years back": "-3650d", "an hour on": "+1h", "an hour back": "-1h"}


@dataclass
class Clock:
    """The clock of a host, which libfaketime shows to every program there."""

    file: Path

    def jump(self, to: str) -> None:
        self.file.write_text(f"{to}\n")

    @property
    def environment(self) -> dict[str, str]:
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


@pytest.fixture
def root(tmp_path: Path) -> HostRoot:
    return make_host_root(tmp_path / "root")


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    forget_the_dead()
    clock = Clock(tmp_path / "clock")
    clock.jump("+0")
    return clock


def forget_the_dead() -> None:
    """Remove what libfaketime has left of programs that were killed.

    It names a semaphore after the process, and reports it in the output of a later process that gets the same number.
    """
    for left in Path("/dev/shm").glob("*faketime_s*"):
        if not Path("/proc", left.name.rpartition("_")[2]).exists():
            left.unlink(missing_ok=True)


# busybox is linked statically, and so has the machine's own clock.
@pytest.fixture(params=[shell for shell in SHELLS if shell != "busybox"])
def host(request: pytest.FixtureRequest, root: HostRoot, clock: Clock) -> Host:
    return in_folder(root, request.param, clock.environment)


def test_the_host_has_that_clock(host: Host, clock: Clock) -> None:
    clock.jump("+3650d")
    date = host.session.begin(["date", "+%s"], timeout=20).ask(b"", b"none", timeout=20).stdout
    assert int(date) > time.time() + 3000 * 86400


@pytest.mark.parametrize("to", JUMPS.values(), ids=JUMPS)
def test_a_change_outlives_jumps_between_all_its_steps(host: Host, clock: Clock, to: str) -> None:
    tx = transaction((CONFIG, NEW), key("/etc/pmta/keys/new.pem"), confirm_within=600)
    assert stage(host.session, host.spec, tx, host.open).status is Status.STAGED
    clock.jump(to)
    assert commit(host.session, host.spec, tx, host.open).status is Status.PENDING
    clock.jump("+0")
    awaiting = host.probe().awaiting
    assert awaiting is not None
    assert 0 < awaiting.left <= 600
    clock.jump(to)
    outcome, _ = confirm(host.session, host.spec, tx, host.open)
    assert outcome.status is Status.APPLIED
    clock.jump("+0")
    assert result(host.session, host.spec, tx.id) == outcome
    assert records(host.session, host.spec)[-1].transaction == tx.id
    assert host.root.running == host.root.read(CONFIG) == NEW
    assert host.root.leftovers() == []


@pytest.mark.parametrize("to", JUMPS.values(), ids=JUMPS)
def test_what_is_reverted_after_a_jump_is_back(host: Host, clock: Clock, to: str) -> None:
    tx = transaction((CONFIG, NEW), confirm_within=600)
    assert host.apply(tx).status is Status.PENDING
    clock.jump(to)
    assert revert(host.session, host.spec, tx, host.open, "a test").status is Status.ROLLED_BACK
    assert host.root.running == host.root.read(CONFIG) == OLD
    assert host.root.leftovers() == []


@pytest.mark.parametrize("to", JUMPS.values(), ids=JUMPS)
def test_an_unconfirmed_change_rolls_back_whatever_the_clock_shows(host: Host, clock: Clock, to: str) -> None:
    tx = transaction((CONFIG, NEW), confirm_within=2)
    assert host.apply(tx).status is Status.PENDING
    clock.jump(to)
    until(lambda: host.root.leftovers() == [])
    assert host.root.running == host.root.read(CONFIG) == OLD


@pytest.mark.parametrize("to", JUMPS.values(), ids=JUMPS)
def test_a_rejected_change_is_rolled_back_over_a_jump(host: Host, clock: Clock, to: str) -> None:
    host.root.tell("fail-reload")
    clock.jump(to)
    assert host.apply(transaction((CONFIG, NEW))).status is Status.ROLLED_BACK
    assert host.root.running == host.root.read(CONFIG) == OLD
