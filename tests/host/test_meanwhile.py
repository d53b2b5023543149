"""What others do while a change is at work is neither overwritten nor built upon, and a disk may fail."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, key, transaction
from projects import is_root, needs_namespaces, until
from ways import SHELLS, Host, dying_at, in_folder

from pmtaform.host import Outcome, Status, Transaction, apply, commit, confirm, generations, recover, revert, stage
from pmtaform.host.local import LocalSession
from pmtaform.host.request import body, of_transaction
from pmtaform.host.wire import call

MORE, KEY = "/etc/pmta/more", "/etc/pmta/keys/new.pem"


def program(folder: Path, text: str) -> Path:
    """A shell script that can be run."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def hooked(host: Host, point: str, hook: Path, shell: str = "dash") -> LocalSession:
    """A session whose programs run `hook` at the point."""
    environment = {"PMTAFORM_TEST_AT": point, "PMTAFORM_TEST_HOOK": str(hook)}
    return LocalSession(host.spec, SHELLS[shell], environment)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("made", [False, True])
def test_an_edit_after_the_backup_stays(root: HostRoot, tmp_path: Path, shell: str, made: bool) -> None:
    """It came before the change was put in place: the change rolls back, and the edit stays."""
    theirs = MORE if made else CONFIG
    hook = program(tmp_path, f'echo theirs >"$4/edit"; mv "$4/edit" "$4{theirs}"')
    host = in_folder(root, shell)
    session = hooked(host, "begin.0", hook, shell)
    outcome = apply(session, host.spec, transaction((CONFIG, NEW), (MORE, b"more\n")), host.open)
    session.close()
    assert outcome.status is Status.ROLLED_BACK
    assert f"{theirs} was {'created' if made else 'replaced'} by someone else meanwhile" in outcome.reason
    assert root.read(theirs) == b"theirs\n"
    if made:
        assert root.read(CONFIG) == OLD
    else:
        assert not root.at(MORE).exists()
    assert root.running == OLD
    assert root.leftovers() == []


@pytest.mark.parametrize("word", ["revert", "commit", "another"])
def test_what_is_deleted_while_a_change_is_staged_stays_deleted(root: HostRoot, word: str) -> None:
    host = in_folder(root)
    root.put(MORE, b"old\n")
    tx = transaction((CONFIG, NEW), (MORE, b"new\n"), expect={})
    assert stage(host.session, host.spec, tx, host.open).status is Status.STAGED
    root.at(MORE).unlink()
    match word:
        case "revert":
            assert revert(host.session, host.spec, tx, host.open, "no").status is Status.REFUSED
        case "commit":
            assert commit(host.session, host.spec, tx, host.open).status is Status.ROLLED_BACK
        case _:
            assert host.apply(transaction(("/etc/pmta/third", b"third\n"))).status is Status.APPLIED
    assert not root.at(MORE).exists()
    assert root.read(CONFIG) == root.running == OLD
    assert root.leftovers() == []


class Halted:
    """An apply that has the lock and stands still: before it looks at what others left, or at another point."""

    def __init__(self, host: Host, folder: Path, tx: Transaction, point: str = "recover.0") -> None:
        self.root = host.root
        for name in ("reached", "go"):
            os.mkfifo(host.root.at(f"/ctl/{name}"))
        hook = program(folder, 'echo here >"$4/ctl/reached"; read -r _ <"$4/ctl/go"')
        self.pool = ThreadPoolExecutor(2)
        self.session = hooked(host, point, hook)
        self.outcome = self.pool.submit(apply, self.session, host.spec, tx, host.open)
        host.root.at("/ctl/reached").read_bytes()

    def meanwhile(self, work: Any, tx: Transaction) -> Future[Any]:
        """Begin `work` about `tx`; returns when its process on the host waits for the lock."""
        result = self.pool.submit(work)
        owner = self.root.at(f"/var/lib/pmtaform/tx/{tx.id}/owner")
        until(lambda: _alive(owner))
        return result

    def go_on(self) -> Outcome:
        self.root.at("/ctl/go").write_text("go\n")
        outcome = self.outcome.result(timeout=60)
        self.session.close()
        self.pool.shutdown()
        return outcome


def _alive(owner: Path) -> bool:
    told = dict(line.split(" ", 1) for line in owner.read_text().splitlines())
    return Path(f"/proc/{told.get('pid', 'none')}").exists()


@pytest.mark.parametrize("confirmed", [True, False])
def test_nothing_is_built_on_a_change_that_is_being_settled(root: HostRoot, tmp_path: Path, confirmed: bool) -> None:
    """Its verdict has fallen, and it waits for the lock that someone else has."""
    host = in_folder(root)
    first = transaction((CONFIG, NEW), confirm_within=600)
    assert host.apply(first).status is Status.PENDING
    halted = Halted(host, tmp_path, transaction((CONFIG, b"second\n"), expect={}))
    word = (lambda: confirm(host.open(), host.spec, first, host.open)[0].status) if confirmed else None
    settled = halted.meanwhile(
        word or (lambda: revert(host.open(), host.spec, first, host.open, "no").status),
        first,
    )
    second = halted.go_on()
    assert (second.status, second.lock and second.lock.transaction) == (Status.LOCKED, first.id)
    assert settled.result(timeout=60) is (Status.APPLIED if confirmed else Status.ROLLED_BACK)
    assert root.read(CONFIG) == root.running == (NEW if confirmed else OLD)
    assert len(generations(host.session, host.spec)) == confirmed
    assert root.leftovers() == []


def test_commit_is_refused_while_another_change_awaits_its_confirmation(root: HostRoot, tmp_path: Path) -> None:
    host = in_folder(root)
    first = transaction((MORE, b"more\n"), expect={}, confirm_within=600)
    assert stage(host.session, host.spec, first, host.open).status is Status.STAGED
    second = transaction((CONFIG, NEW), confirm_within=600)
    halted = Halted(host, tmp_path, second)
    late = halted.meanwhile(lambda: commit(host.open(), host.spec, first, host.open), first)
    assert halted.go_on().status is Status.PENDING
    told = late.result(timeout=60)
    assert (told.status, told.lock and told.lock.transaction) == (Status.LOCKED, second.id)
    assert not root.at(MORE).exists()
    assert confirm(host.open(), host.spec, second, host.open)[0].generation == 1
    assert root.leftovers() == []


@pytest.mark.parametrize("number", [1, 2])
def test_a_disk_that_does_not_take_what_was_written(root: HostRoot, tmp_path: Path, number: int) -> None:
    """The kernel reports it at the flush, and not before."""
    fake = tmp_path / "bin"
    fake.mkdir()
    count = tmp_path / "count"
    script = (
        f'echo >>{count}; [ $(wc -l <{count}) = {number} ] || exec /bin/sync "$@"\n'
        "echo \"sync: error syncing '/x': No space left on device\" >&2; exit 1"
    )
    program(fake, script).rename(fake / "sync")
    before = root.tree()
    host = in_folder(root, environment={"PATH": f"{fake}:{os.environ['PATH']}"})
    outcome = host.apply(transaction((CONFIG, NEW), key(KEY)))
    assert outcome.status in {Status.REFUSED, Status.ROLLED_BACK}
    assert outcome.reason == "the disk does not store what was written"
    assert root.tree() == before
    assert root.running == OLD
    assert root.leftovers() == []


def test_a_request_that_is_sent_again_does_not_replace_the_first(root: HostRoot, tmp_path: Path) -> None:
    """Not even when the first has given its generation away and clears up."""
    host = in_folder(root)
    tx = transaction((CONFIG, NEW))
    halted = Halted(host, tmp_path, tx, "clean.0")
    again = call(host.session, host.spec, "apply", body(host.spec, of_transaction(tx)), timeout=60)
    assert [(item.key, item.rest) for item in again] == [("status", b"running")]
    assert halted.go_on().status is Status.APPLIED
    assert root.read(CONFIG) == root.running == NEW
    assert len(generations(host.session, host.spec)) == 1
    assert root.leftovers() == []


@pytest.mark.skipif(not is_root(), reason="only root can make a folder immutable")
@needs_namespaces
def test_removing_a_rejected_change_is_tried_again(root: HostRoot, tmp_path: Path) -> None:
    folder = root.at("/etc/pmta")
    hook = program(tmp_path, 'chattr +i "$4/etc/pmta"')
    host = in_folder(root)
    root.tell("fail-test")
    session = hooked(host, "undo.0", hook)
    before = root.tree()
    try:
        outcome = stage(session, host.spec, transaction((CONFIG, NEW)), host.open)
        assert root.read(CONFIG) == OLD, "it never was in place"
    finally:
        subprocess.run(["chattr", "-i", folder], check=True)
        session.close()
    assert (outcome.status, outcome.step) == (Status.ROLLED_BACK, "test")
    assert "was removed" in (recover(host.session, host.spec).recovered or "")
    assert root.tree() == before
    assert root.leftovers() == []


def boot(host: Host) -> None:
    """The machine has been started since."""
    host.root.put("/proc/sys/kernel/random/boot_id", os.urandom(4).hex().encode() + b"\n", 0o644)


def test_a_boot_after_staging_finds_the_old_files(folder: Host) -> None:
    before = folder.root.tree()
    boot(folder)
    stage(folder.session, folder.spec, transaction((CONFIG, NEW), key(KEY)), folder.open)
    boot(folder)
    assert "had changed nothing and was removed" in (recover(folder.session, folder.spec).recovered or "")
    assert folder.root.tree() == before
    assert "reload" not in folder.root.calls
    assert folder.root.leftovers() == []


def test_an_edit_after_staging_outlives_a_boot(folder: Host) -> None:
    boot(folder)
    stage(folder.session, folder.spec, transaction((CONFIG, NEW), key(KEY)), folder.open)
    edited = folder.root.at("/etc/pmta/edited")
    edited.write_bytes(b"by hand\n")
    edited.replace(folder.root.at(CONFIG))
    folder.root.put(KEY, b"by hand too\n")
    boot(folder)
    assert "had changed nothing and was removed" in (recover(folder.session, folder.spec).recovered or "")
    assert folder.root.read(CONFIG) == b"by hand\n"
    assert folder.root.read(KEY) == b"by hand too\n"
    assert "reload" not in folder.root.calls
    assert folder.root.leftovers() == []


def test_a_change_staged_before_a_boot_is_committed_after_it(folder: Host) -> None:
    boot(folder)
    tx = transaction((CONFIG, NEW))
    stage(folder.session, folder.spec, tx, folder.open)
    boot(folder)
    folder.root.tell("fail-reload")
    assert commit(folder.session, folder.spec, tx, folder.open).status is Status.ROLLED_BACK
    assert folder.root.read(CONFIG) == folder.root.running == OLD
    assert folder.root.leftovers() == []


def test_a_change_staged_before_a_boot_is_removed_by_another_one(folder: Host) -> None:
    boot(folder)
    tx = transaction((CONFIG, NEW), expect={})
    stage(folder.session, folder.spec, tx, folder.open)
    boot(folder)
    assert folder.apply(transaction((CONFIG, b"other\n"))).status is Status.APPLIED
    outcome = commit(folder.session, folder.spec, tx, folder.open)
    assert (outcome.status, outcome.reason) == (Status.STALE, "another transaction came first and removed it")


def test_a_lock_that_a_power_loss_emptied_is_no_ones(folder: Host) -> None:
    tx = transaction((CONFIG, NEW))
    session = LocalSession(folder.spec, ("dash",), dying_at("check"))
    call(session, folder.spec, "apply", body(folder.spec, of_transaction(tx)), timeout=60)
    lib = folder.root.at("/var/lib/pmtaform")
    for name in ("lock", f"own.{tx.id}"):
        os.truncate(lib / name, 0)
        os.utime(lib / name, (1, 1))  # before the machine was started again
    assert (lib / "tx" / tx.id / "owner").read_text() == "", "it is the same file"
    assert folder.apply(transaction((CONFIG, NEW))).status is Status.APPLIED
    assert folder.root.leftovers() == []
