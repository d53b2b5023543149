"""Whatever dies, the host has the whole old or the whole new configuration, and the next command goes on."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, key, transaction
from projects import ALL_FAULTS
from sshd import start_sshd
from ways import SHELLS, Host, dying_at, in_folder, over_ssh

from pmtaform.errors import Locked
from pmtaform.host import (
    FileKind,
    FileRemoval,
    Status,
    Transaction,
    apply,
    generations,
    recover,
    release,
    result,
)
from pmtaform.host import transaction as transaction_module
from pmtaform.host.local import LocalSession
from pmtaform.host.request import body, of_transaction
from pmtaform.host.transport import Dialogue, Running
from pmtaform.host.wire import boot, call, program, sealed, steps

KEY, GOING = "/etc/pmta/keys/new.pem", "/etc/pmta/keys/old.pem"
UNDO = [step for step in steps() if step.startswith("undo")]
# Those that only a change has that is staged first, or that waits for its confirmation.
LATER = {"rehearse", "control", "staged", "arm", "pending", "confirm", "verdict", "disarm"}
DO = [step for step in steps() if not step.startswith("undo") and step not in LATER]
AFTER = [f"{s}:after" for s in ("lock", "recover", "check", "stage", "backup", "begin", "commit-key", "commit-config")]
AFTER += [f"{s}:after" for s in ("test", "activate", "health", "remove-key")]
# The program that takes the request in is another than the one that does the work; after it the record is there.
BESIDE = {"receive", "unlock", "answer"}


class DiesOnce:
    """A session whose first program is killed on the host at a step; later ones are left alone."""

    shell = ("dash",)

    def __init__(self, host: Host, step: str) -> None:
        self.first = LocalSession(host.spec, self.shell, dying_at(step))
        self.later = LocalSession(host.spec, self.shell)
        self.runs = 0

    @property
    def running(self) -> Running | None:
        """None stays: each request has its own program."""
        return None

    @running.setter
    def running(self, _: Running | None) -> None: ...

    def begin(self, command: Sequence[str], *, timeout: float) -> Dialogue:
        self.runs += 1
        return (self.first if self.runs == 1 else self.later).begin(command, timeout=timeout)

    def close(self) -> None: ...


def a_change(root: HostRoot) -> Transaction:
    """New key and configuration, a file in a new folder, and a key that goes."""
    root.put(GOING, b"going\n", 0o400)
    removals = (FileRemoval(path=GOING, kind=FileKind.KEY),)
    return transaction((CONFIG, NEW), key(KEY), ("/etc/pmta/sub/more", b"more\n"), removals=removals)


def die(host: Host, tx: Transaction, step: str) -> None:
    """Have the host's program killed at `step`, and the client with it: no one looks at what became of it."""
    session = LocalSession(host.spec, ("dash",), dying_at(step))
    call(session, host.spec, "apply", body(host.spec, of_transaction(tx)), timeout=60)


def whole(root: HostRoot, before: dict[str, object], status: Status) -> None:
    """The host is wholly old or wholly new, runs what its files say, and nothing is left behind."""
    assert root.leftovers() == []
    if status is Status.APPLIED:
        assert (root.read(CONFIG), root.read(KEY), root.at(GOING).exists()) == (NEW, b"a private key\n", False)
        assert root.running == NEW
    else:
        assert root.tree() == before
        assert root.running == OLD


def test_the_steps_are_enumerated_in_one_place() -> None:
    assert DO[0] == "receive"
    assert {"stage", "backup", "commit-key", "commit-config", "test", "activate", "health", "remove-key"} < set(DO)
    assert set(UNDO) == {"undo", "undo-file", "undo-new", "undo-activate", "undo-clean"}


@pytest.mark.parametrize(
    "step", [*(s for s in DO if s not in BESIDE), *AFTER, "commit-config.3", "stage.3", "backup.2"]
)
def test_the_program_on_the_host_is_killed(root: HostRoot, step: str) -> None:
    host = in_folder(root)
    tx = a_change(root)
    before = root.tree()
    session = DiesOnce(host, step)
    outcome = apply(session, host.spec, tx, lambda: session)
    assert session.runs > 1, "it did die"
    assert outcome.status in {Status.APPLIED, Status.ROLLED_BACK, Status.REFUSED}
    whole(root, before, outcome.status)
    assert result(session, host.spec, tx.id) == outcome


@pytest.mark.parametrize("step", [*(s for s in DO if s not in BESIDE), *AFTER][:: 1 if ALL_FAULTS else 2])
def test_client_and_program_are_killed_and_the_next_command_goes_on(root: HostRoot, step: str) -> None:
    host = in_folder(root)
    tx = a_change(root)
    before = root.tree()
    die(host, tx, step)
    pending = host.probe().unsettled
    again = host.apply(transaction(("/etc/pmta/third", b"third"), expect={}))
    assert again.status is Status.APPLIED
    outcome = result(host.session, host.spec, tx.id)
    assert outcome is not None
    if pending:
        assert pending == tx.id
        assert tx.id in (again.recovered or "")
    root.at("/etc/pmta/third").unlink()
    whole(root, before, outcome.status)


@pytest.mark.parametrize("step", UNDO)
def test_the_program_is_killed_while_it_undoes(root: HostRoot, step: str) -> None:
    host = in_folder(root)
    tx = a_change(root)
    before = root.tree()
    root.tell("fail-reload")
    session = DiesOnce(host, step)
    outcome = apply(session, host.spec, tx, lambda: session)
    assert session.runs > 1
    assert outcome.status is Status.ROLLED_BACK
    whole(root, before, outcome.status)


def test_recover_alone_does_only_that(folder: Host) -> None:
    before = folder.root.tree()
    tx = transaction((CONFIG, NEW))
    die(folder, tx, "activate:after")
    assert folder.root.running == NEW
    outcome = recover(folder.session, folder.spec)
    assert (
        outcome.recovered
        == f"the transaction {tx.id}, interrupted at the step activate, was undone: every file was restored"
    )
    whole(folder.root, before, Status.ROLLED_BACK)
    assert recover(folder.session, folder.spec).recovered is None


def test_the_lock_of_the_dead_is_taken_over(folder: Host) -> None:
    die(folder, transaction((CONFIG, NEW)), "check")
    assert folder.root.at("/var/lib/pmtaform/lock").exists()
    assert folder.probe().lock is None
    assert folder.apply(transaction((CONFIG, NEW))).status is Status.APPLIED


def test_the_lock_of_the_dead_can_be_released(folder: Host) -> None:
    assert release(folder.session, folder.spec) is None
    die(folder, transaction((CONFIG, NEW)), "check")
    holder = release(folder.session, folder.spec)
    assert holder is not None
    assert (holder.who, holder.what) == ("anna@laptop", "a test")
    assert not folder.root.at("/var/lib/pmtaform/lock").exists()


def test_one_that_is_just_being_made_is_left_alone(folder: Host) -> None:
    """Between making its folder and writing its owner in it; the owner is beside it already."""
    lib = folder.root.at("/var/lib/pmtaform")
    assert folder.apply(transaction((CONFIG, NEW))).status is Status.APPLIED
    newcomer, owner = lib / "tx/newcomer", lib / "own.newcomer"
    newcomer.mkdir()
    start = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    owner.write_text(f"pid {os.getpid()}\nstart {start}\nboot {boot_id}\nid newcomer\n")
    assert folder.apply(transaction((CONFIG, b"third\n"), expect={})).status is Status.APPLIED
    assert newcomer.exists()
    owner.write_text(owner.read_text().replace(f"start {start}", "start 1"))
    assert folder.apply(transaction((CONFIG, b"fourth\n"), expect={})).status is Status.APPLIED
    assert folder.root.leftovers() == []


def test_a_lock_from_before_a_reboot_is_a_dead_one(folder: Host) -> None:
    die(folder, transaction((CONFIG, NEW)), "check")
    lock = folder.root.at("/var/lib/pmtaform/lock")
    # The same process number is at work again, since another boot.
    lock.write_text(lock.read_text().replace("pid ", f"pid {os.getpid()}\nold ").replace("boot ", "boot 0"))
    assert folder.apply(transaction((CONFIG, NEW))).status is Status.APPLIED


def test_many_heirs_of_a_dead_lock_do_not_meet(root: HostRoot) -> None:
    host = in_folder(root)
    die(host, transaction((CONFIG, NEW), expect={}), "commit-config:after")

    def work(n: int) -> Status:
        tx = transaction((CONFIG, f"{n}\n".encode()), ("/etc/pmta/twin", f"{n}\n".encode()), expect={})
        session = LocalSession(host.spec, list(SHELLS.values())[n % 3])
        return apply(session, host.spec, tx, lambda: session).status

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(work, range(16)))
    assert set(outcomes) <= {Status.APPLIED, Status.LOCKED}
    assert Status.APPLIED in outcomes
    assert root.read(CONFIG) == root.read("/etc/pmta/twin") == root.running
    assert len(generations(host.session, host.spec)) == min(10, outcomes.count(Status.APPLIED))
    assert root.leftovers() == []


class Paused:
    """An apply that is halted in the middle, at `pmta test config`, until `go` is called."""

    def __init__(self, host: Host, tx: Transaction) -> None:
        self.root = host.root
        for name in ("reached", "go"):
            os.mkfifo(host.root.at(f"/ctl/{name}"))
        host.root.tell("pause-test")
        self.pool = ThreadPoolExecutor(1)
        session = host.open()
        self.outcome = self.pool.submit(self._run, session, host, tx)
        host.root.at("/ctl/reached").read_bytes()

    @staticmethod
    def _run(session: object, host: Host, tx: Transaction):
        try:
            return apply(session, host.spec, tx, host.open)  # type: ignore[arg-type]
        finally:
            session.close()  # type: ignore[attr-defined]

    def go_on(self):
        self.root.at("/ctl/go").write_text("go\n")
        outcome = self.outcome.result(timeout=60)
        self.pool.shutdown()
        return outcome


def test_two_operators(disk: Host) -> None:
    first = transaction((CONFIG, NEW))
    paused = Paused(disk, first)
    second = disk.apply(transaction((CONFIG, b"second\n"), expect={}))
    assert (second.status, second.lock and second.lock.who) == (Status.LOCKED, "anna@laptop")
    assert second.lock is not None
    assert second.lock.transaction == first.id
    seen = disk.probe()
    assert (seen.lock, seen.unsettled) == (second.lock, None)
    with pytest.raises(Locked, match="anna@laptop"):
        release(disk.session, disk.spec)
    assert paused.go_on().status is Status.APPLIED
    assert disk.root.running == NEW
    assert disk.root.leftovers() == []


def test_the_connection_is_cut_and_the_outcome_is_read_back(root: HostRoot, tmp_path: Path) -> None:
    with start_sshd(tmp_path / "own") as own:
        host = over_ssh(root, own)
        paused = Paused(host, transaction((CONFIG, NEW)))
        cut = own.sessions()
        assert cut
        for pid in cut:
            os.kill(pid, 9)
        outcome = paused.go_on()
    assert outcome.status is Status.APPLIED
    assert root.running == NEW
    assert root.leftovers() == []


def test_a_connection_lost_between_plan_and_apply_is_made_again(root: HostRoot, tmp_path: Path) -> None:
    with start_sshd(tmp_path / "own") as own:
        host = over_ssh(root, own)
        host.probe()
        for pid in own.sessions():
            os.kill(pid, 9)
        host.session._transport.join(10)  # type: ignore[attr-defined]
        outcome = host.apply(transaction((CONFIG, NEW)))
        host.session.close()
    assert (outcome.status, outcome.reason) == (Status.APPLIED, "")


def test_the_host_cannot_be_asked_again(root: HostRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction_module, "_PAUSES", (0.0, 0.0))
    with start_sshd(tmp_path / "own") as own:
        host = over_ssh(root, own)
        tx = transaction((CONFIG, NEW))
        paused = Paused(host, tx)
        own.stop()
        outcome = paused.outcome.result(timeout=60)
        assert outcome.status is Status.UNKNOWN
        assert f"/var/lib/pmtaform/results/{tx.id}" in outcome.reason
        paused.go_on()
    folder = in_folder(root)
    # Over another way: it went to its end on the host by itself.
    settled = transaction_module._settle(folder.session, folder.spec, tx.id, "")
    assert settled.status is Status.APPLIED
    assert root.running == NEW


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_request_that_does_not_arrive_whole_does_nothing(folder: Host, share: float) -> None:
    tx = transaction((CONFIG, NEW * 1000))
    request = b"".join(
        [sealed(program())[0], b"f" * 32 + b"\napply\n", *body(folder.spec, of_transaction(tx)), b"f" * 32 + b"\n"]
    )
    before = folder.root.tree()
    whole = len(sealed(program())[0])
    cut = whole + int((len(request) - whole) * share)
    with subprocess.Popen(boot(("dash",), program()), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as agent:
        agent.communicate(request[:cut], timeout=30)
    assert folder.root.tree() == before
    assert folder.root.leftovers() == []


def test_a_program_that_only_waits_does_not_pass_for_one_at_work(root: HostRoot, tmp_path: Path) -> None:
    """The transaction's own process could not begin; the one that took the request in lives on."""
    hook = tmp_path / "hook"
    hook.write_text('#!/bin/sh\nrm "$4/var/lib/pmtaform/tx/$3/request"\n')
    hook.chmod(0o755)
    host = in_folder(root)
    told = {"PMTAFORM_TEST_AT": "receive.0", "PMTAFORM_TEST_HOOK": str(hook)}
    session = LocalSession(host.spec, ("dash",), told)
    tx = transaction((CONFIG, NEW))
    call(session, host.spec, "apply", body(host.spec, of_transaction(tx)), timeout=60)
    assert session.running is not None, "it waits"
    assert root.leftovers() == [f"var/lib/pmtaform/tx/{tx.id}"]
    assert recover(host.session, host.spec).status is Status.APPLIED
    assert root.leftovers() == []
    session.close()


def test_a_request_still_on_its_way_is_decided_against(root: HostRoot) -> None:
    host = in_folder(root)
    content = b"x" * (1 << 21)
    tx = transaction((CONFIG, content))
    request = b"".join(
        [sealed(program())[0], b"f" * 32 + b"\napply\n", *body(host.spec, of_transaction(tx)), b"f" * 32 + b"\n"]
    )
    with subprocess.Popen(boot(("dash",), program()), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as agent:
        assert agent.stdin
        agent.stdin.write(request[: 1 << 20])  # more than a pipe holds: it is being read
        settled = transaction_module._settle(host.session, host.spec, tx.id, "")
        assert (settled.status, settled.step) == (Status.REFUSED, "receive")
        agent.communicate(request[1 << 20 :])
    assert root.read(CONFIG) == OLD
    assert root.leftovers() == []
    assert result(host.session, host.spec, tx.id) == settled


def test_no_thread_is_left(ssh_host: Host) -> None:
    before = threading.active_count()
    session = ssh_host.open()
    apply(session, ssh_host.spec, transaction((CONFIG, NEW)), ssh_host.open)
    session.close()
    assert threading.active_count() <= before
