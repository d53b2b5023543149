"""Hosts in memory under faults: a program that dies, a full disk, a connection that is cut, a host that is down."""

from __future__ import annotations

import pytest
from hostroot import CONFIG, NEW, OLD, key, transaction
from memory import MemoryRoot, in_memory
from ways import Host

from pmtaform.errors import Unreachable
from pmtaform.host import Activation, FileRemoval, HostSpec, Status, Transaction, commit, confirm, recover, stage
from pmtaform.testing.host import Cut, Fault, MemoryHost, memory_transport
from pmtaform.testing.powermta import Answer, MemoryPmta

KEY = "/etc/pmta/keys/new.pem"
GOING = "/etc/pmta/going"
STEPS = (
    "lock", "check", "policy", "stage", "backup", "prove", "running", "begin", "commit-config", "test", "activate",
    "health", "ask", "keep", "undo", "record",
)  # fmt: skip


@pytest.fixture
def host() -> Host:
    root = MemoryRoot()
    root.put(GOING, b"going\n")
    return in_memory(root)


def change(**more: object) -> Transaction:
    return transaction((CONFIG, NEW), key(KEY), removals=(FileRemoval(path=GOING),), **more)


def is_new(host: Host) -> bool:
    """Whether the host has the whole change; it must have the whole of one or the other."""
    files = {path: file.content for path, file in host.root.host.files.items()}
    old = {CONFIG: OLD, GOING: b"going\n"}
    new = {CONFIG: NEW, KEY: b"a private key\n"}
    assert files in (old, new)
    assert host.root.running == files[CONFIG]
    return files == new


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", list(Fault))
def test_whatever_step_fails_the_host_has_the_old_or_the_new(host: Host, step: str, fault: Fault) -> None:
    host.root.host.faults[step] = fault
    outcome = host.apply(change())
    assert is_new(host) == (outcome.status is Status.APPLIED)
    assert host.root.leftovers() == []
    again = host.apply(change(expect={}))
    assert again.status in (Status.APPLIED, Status.REFUSED)
    assert is_new(host)


@pytest.mark.parametrize("step", ["check", "begin", "commit-config", "activate", "record"])
def test_what_a_dead_program_left_is_settled_by_the_next(host: Host, step: str) -> None:
    host.root.host.faults[step] = Fault.DIES
    tx = change(confirm_within=600)
    host.root.host.cuts = [Cut.ANSWER]
    outcome = host.apply(tx)
    host.opened.clear()
    assert outcome.status is not Status.UNKNOWN
    seen = host.probe()
    assert seen.unsettled is None
    if outcome.status is Status.PENDING:
        confirm(host.session, host.spec, tx, host.open)
    assert host.root.leftovers() == []
    is_new(host)


@pytest.mark.parametrize("cut", list(Cut))
def test_a_cut_connection_is_read_back(host: Host, cut: Cut) -> None:
    session = host.session
    host.root.host.cuts.append(cut)
    outcome = host.apply(change())
    assert not session.is_open
    expected = Status.REFUSED if cut is Cut.REQUEST else Status.APPLIED
    assert outcome.status is expected
    assert is_new(host) == (cut is Cut.ANSWER)


def test_a_host_that_is_down_cannot_be_reached(host: Host) -> None:
    host.root.host.is_down = True
    with pytest.raises(Unreachable, match="connection-refused"):
        host.open()
    with pytest.raises(Unreachable):
        HostSpec(name="another", transport=memory_transport({"mta1": host.root.host})).open()


def test_time_passes_when_it_is_told_to(host: Host) -> None:
    assert host.apply(change(confirm_within=60)).status is Status.PENDING
    host.root.host.advance(59)
    assert (host.probe().awaiting or pytest.fail("it waits")).left == 1
    host.root.host.advance(1)
    assert not is_new(host)


def test_what_a_closed_connection_staged_is_cleared_away(host: Host) -> None:
    tx = change()
    assert stage(host.session, host.spec, tx, host.open).status is Status.STAGED
    host.session.close()
    assert host.root.leftovers() == []
    host.opened.clear()
    assert commit(host.session, host.spec, tx, host.open).status is Status.APPLIED, "it starts again"


def test_powermta_that_rejects_the_old_files_too_is_owed_a_reload(host: Host) -> None:
    host.root.tell("fail-reload", 2)
    assert host.apply(change()).status is Status.ROLLBACK_FAILED
    assert host.probe().unsettled is not None
    settled = recover(host.session, host.spec)
    assert settled.status is Status.APPLIED
    assert "has accepted the old configuration now" in (settled.recovered or "")
    assert host.probe().unsettled is None


def test_a_pmta_of_ones_own() -> None:
    class Loud(MemoryPmta):
        def answer(self, host: MemoryHost, words: tuple[str, ...]) -> Answer:
            assert host.files
            return super().answer(host, words)

    root = MemoryRoot()
    root.host.pmta = Loud("PowerMTA v4.5r1")
    host = in_memory(root)
    assert host.probe().version == "PowerMTA v4.5r1"
    assert host.apply(transaction((CONFIG, NEW), activation=Activation.NONE)).status is Status.APPLIED
