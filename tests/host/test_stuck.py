"""What can be neither finished nor undone is reported as that, is tried again, and harms no one else's change."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, key, transaction
from projects import is_root, until
from test_confirm import waiting
from test_faults import die
from test_meanwhile import hooked, program
from ways import Host, dying_at, in_folder

from pmtaform.errors import HostError
from pmtaform.host import FileKind, FileRemoval, Session, Status, apply, commit, recover, result, revert, stage
from pmtaform.host.answers import HostFacts
from pmtaform.host.local import LocalSession
from pmtaform.host.transaction import _ask_onward, _ask_result, _Word, decide_pending

KEY, GOING = "/etc/pmta/keys/new.pem", "/etc/pmta/keys/old.pem"


def test_undoing_an_earlier_change_again_leaves_a_later_change_in_place(folder: Host) -> None:
    """PowerMTA took neither the new nor the old files; the same change again finds it well."""
    root = folder.root
    root.tell("fail-reload", 3)
    assert folder.apply(transaction((CONFIG, NEW), key(KEY))).status is Status.ROLLBACK_FAILED
    assert not root.at(KEY).exists()
    assert folder.apply(transaction((CONFIG, NEW), key(KEY))).status is Status.APPLIED
    outcome = recover(folder.session, folder.spec)
    assert outcome.status is Status.APPLIED
    assert root.read(CONFIG) == root.running == NEW
    assert root.at(KEY).exists()
    assert root.leftovers() == []


def test_a_host_whose_files_are_not_all_restored_is_not_changed(root: HostRoot) -> None:
    if not is_root():
        pytest.skip("only root can make a folder immutable")
    host = in_folder(root)
    die(host, transaction((CONFIG, NEW)), "activate")
    subprocess.run(["chattr", "+i", root.at("/etc/pmta")], check=True)
    try:
        outcome = host.apply(transaction(("/etc/pmta/keys/more.pem", b"more\n"), expect={}))
    finally:
        subprocess.run(["chattr", "-i", root.at("/etc/pmta")], check=True)
    assert (outcome.status, outcome.step) == (Status.REFUSED, "recover")
    assert f"not restored: {CONFIG}" in outcome.reason
    assert recover(host.session, host.spec).status is Status.APPLIED
    assert root.read(CONFIG) == root.running == OLD
    assert root.leftovers() == []


def test_recover_reports_what_it_could_not_do(root: HostRoot) -> None:
    host = in_folder(root)
    root.tell("fail-reload", 99)
    assert host.apply(transaction((CONFIG, NEW))).status is Status.ROLLBACK_FAILED
    outcome = recover(host.session, host.spec)
    assert (outcome.status, outcome.step) == (Status.REFUSED, "undo-activate")
    assert "the old files are restored, but PowerMTA did not load them" in outcome.reason


def test_a_change_that_cannot_be_undone_is_not_tried_endlessly(root: HostRoot, tmp_path: Path) -> None:
    """The program on the host is killed, and PowerMTA takes nothing any more."""
    host = in_folder(root)
    session = hooked(host, "health.0", program(tmp_path, 'echo 99 >"$4/ctl/fail-reload"; kill -9 "$2"'))
    outcome = apply(session, host.spec, transaction((CONFIG, NEW)), host.open)
    session.close()
    assert outcome.status is Status.ROLLBACK_FAILED
    assert root.calls.count("reload") == 2
    assert root.read(CONFIG) == OLD


# -- a word that does not fit, or comes at the same time as another ----------------------------------------------------


def test_what_is_only_staged_cannot_be_confirmed(folder: Host) -> None:
    root = folder.root
    root.put(GOING, b"going\n", 0o400)
    removals = (FileRemoval(path=GOING, kind=FileKind.KEY),)
    tx = transaction((CONFIG, NEW), removals=removals, confirm_within=600)
    assert stage(folder.session, folder.spec, tx, folder.open).status is Status.STAGED
    told = decide_pending(folder.session, folder.spec, tx.id, "confirm")
    assert told is not None
    assert told.status is Status.STAGED
    assert root.at(GOING).exists()
    assert commit(folder.session, folder.spec, tx, folder.open).status is Status.PENDING
    assert revert(folder.session, folder.spec, tx, folder.open, "no").status is Status.ROLLED_BACK


def test_a_staged_change_that_another_client_claimed_is_stale(root: HostRoot) -> None:
    """Another client took it and died before it wrote whose it is, or the disk is full."""
    host = in_folder(root)
    tx = transaction((CONFIG, NEW))
    assert stage(host.session, host.spec, tx, host.open).status is Status.STAGED
    root.at(f"/var/lib/pmtaform/tx/{tx.id}/claimed").touch()
    assert commit(host.session, host.spec, tx, host.open).status is Status.STALE
    assert root.read(CONFIG) == OLD
    assert root.leftovers() == []


def test_what_is_reverted_is_not_put_in_force(root: HostRoot, tmp_path: Path) -> None:
    """`revert` has decided; `commit` comes before it says whose the change is."""
    host = in_folder(root)
    tx = transaction((CONFIG, NEW), confirm_within=600)
    assert stage(host.session, host.spec, tx, host.open).status is Status.STAGED
    for name in ("reached", "go"):
        os.mkfifo(root.at(f"/ctl/{name}"))
    session = hooked(host, "verdict.0", program(tmp_path, 'echo here >"$4/ctl/reached"; read -r _ <"$4/ctl/go"'))
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(revert, session, host.spec, tx, host.open, "no")
        root.at("/ctl/reached").read_bytes()
        commit(host.open(), host.spec, tx, host.open)
        root.at("/ctl/go").write_text("go\n")
        assert taken.result(timeout=60).status is Status.REFUSED
    session.close()
    assert "reload" not in root.calls
    assert root.read(CONFIG) == root.running == OLD
    assert root.leftovers() == []


def test_a_change_that_was_removed_while_its_program_waited_for_the_lock(root: HostRoot, tmp_path: Path) -> None:
    """What is left where another clears it away in that moment: the folder, and whose it is."""
    gone = (
        'cd "$4/var/lib/pmtaform" && mkdir -p results && printf "status refused\\nwhole\\noutput\\n" >"results/$3" '
        '&& cd "tx/$3" && for f in *; do [ "$f" = owner ] || rm -rf "$f"; done; rm -f "$4"/etc/pmta/.config.pmtaform-*'
    )
    host = in_folder(root)
    tx = transaction((CONFIG, NEW))
    assert stage(host.session, host.spec, tx, host.open).status is Status.STAGED
    session = hooked(host, "lock.0", program(tmp_path, gone))
    assert commit(session, host.spec, tx, host.open).status is Status.REFUSED
    session.close()
    assert root.read(CONFIG) == OLD
    assert "reload" not in root.calls


def test_a_reload_is_not_started_where_powermta_went_down_since_it_was_staged(root: HostRoot) -> None:
    host = in_folder(root)
    tx = transaction((CONFIG, NEW))
    assert stage(host.session, host.spec, tx, host.open).status is Status.STAGED
    root.tell("stopped", 99)
    outcome = commit(host.session, host.spec, tx, host.open)
    assert (outcome.status, outcome.step) == (Status.REFUSED, "running")
    assert "reload" not in root.calls
    assert root.read(CONFIG) == OLD
    assert root.leftovers() == []


# -- a disk that is full, or loses its power ---------------------------------------------------------------------------


@pytest.fixture
def small(root: HostRoot) -> Iterator[HostRoot]:
    """A host whose /var/lib/pmtaform is a small disk."""
    if not is_root():
        pytest.skip("only root can mount a small disk")
    where = root.at("/var/lib/pmtaform")
    where.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", where], check=True)
    yield root
    subprocess.run(["umount", "-l", where], check=True)


def test_a_change_that_fills_the_disk_is_rolled_back(small: HostRoot) -> None:
    waiting(in_folder(small))
    lib = small.at("/var/lib/pmtaform")
    with (lib / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(b"x" * 4096):
            pass
    for deadline in lib.glob("tx/*/deadline"):
        text = deadline.read_bytes()
        boot, when, within, end = text.split(b"\n")[-2].split()
        with deadline.open("r+b") as out:  # no room for more
            out.write(text[: text.rfind(boot)] + b" ".join((boot, b"0" * len(when), within, end)) + b"\n")
    until(lambda: small.running == OLD)
    assert small.read(CONFIG) == OLD


def test_names_that_a_power_loss_brings_back_are_removed(root: HostRoot, tmp_path: Path) -> None:
    """The record is on the disk, and that nothing lies beside the file any more is not: it may be another disk."""
    back = 'cp -p "$4/etc/pmta/config" "$4/etc/pmta/.config.pmtaform-$3-old"; kill -9 "$2"'
    host = in_folder(root)
    session = hooked(host, "unlock.0", program(tmp_path, back))
    assert apply(session, host.spec, transaction((CONFIG, NEW)), host.open).status is Status.APPLIED
    session.close()
    recover(host.session, host.spec)
    assert root.leftovers() == []


def test_a_record_that_a_power_loss_emptied_is_none(root: HostRoot, tmp_path: Path) -> None:
    host = in_folder(root)
    session = hooked(host, "unlock.0", program(tmp_path, ': >"$4/var/lib/pmtaform/results/$3"; kill -9 "$2"'))
    tx = transaction((CONFIG, NEW))
    apply(session, host.spec, tx, host.open)
    session.close()
    recover(host.session, host.spec)
    told = result(host.session, host.spec, tx.id)
    assert told is not None
    assert told.status is Status.APPLIED
    assert root.leftovers() == []


def test_the_decision_to_undo_is_flushed_before_a_file_is_restored(root: HostRoot, tmp_path: Path) -> None:
    """Else a power loss brings back that it was well, and what was restored is reported as applied."""
    if not is_root():
        pytest.skip("only root can make a folder immutable")
    fake = tmp_path / "bin"
    fake.mkdir()
    note = f'for f; do [ "${{f%/tx/*}}" = "$f" ] || last=$f; done; ls "$last" >{tmp_path}/synced 2>/dev/null'
    program(fake, f'{note}; exec /bin/sync "$@"').rename(fake / "sync")
    host = in_folder(root)
    kept = root.at("/var/lib/pmtaform/generations")
    kept.mkdir(parents=True)
    environment = {
        "PATH": f"{fake}:{os.environ['PATH']}",
        "PMTAFORM_TEST_AT": "undo.0",
        "PMTAFORM_TEST_HOOK": str(program(tmp_path, f"cp {tmp_path}/synced {tmp_path}/seen")),
    }
    session = LocalSession(host.spec, ("dash",), environment)
    subprocess.run(["chattr", "+i", kept], check=True)
    try:
        outcome = apply(session, host.spec, transaction((CONFIG, NEW)), host.open)
    finally:
        subprocess.run(["chattr", "-i", kept], check=True)
    session.close()
    assert outcome.status is Status.ROLLED_BACK
    assert "healthy" not in (tmp_path / "seen").read_text().split()


@pytest.mark.parametrize("how", ["the program dies", "its answer is lost"])
def test_a_host_that_fails_to_run_the_program_once_is_asked_again(root: HostRoot, how: str) -> None:
    """It kills programs for want of memory: the first, and the one that is to ask what became of it."""
    host = in_folder(root)
    cut = ("sh", "-c", 'exec dash "$@" | head -c 1', "cut")
    dead = how == "the program dies"
    first = LocalSession(host.spec, ("dash",) if dead else cut, dying_at("activate:after") if dead else {})
    shells = iter([("false",)])

    def reopen() -> Session:
        return LocalSession(host.spec, next(shells, ("dash",)))

    outcome = apply(first, host.spec, transaction((CONFIG, NEW)), reopen)
    assert outcome.status in {Status.APPLIED, Status.ROLLED_BACK}
    assert root.read(CONFIG) == root.running == (NEW if outcome.status is Status.APPLIED else OLD)


def test_the_outcome_can_be_asked_for_on_a_full_disk(root: HostRoot) -> None:
    """A transaction that never started is blocked for ever, and that has to be recorded."""
    if not is_root():
        pytest.skip("only root can mount")
    where = root.at("/var/lib/pmtaform")
    where.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", where], check=True)
    host = in_folder(root)
    try:
        for name in ("tx", "results"):
            (where / name).mkdir()
        with (where / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while filler.write(b"x" * 4096):
                pass
        items = _ask_result(host.session, host.spec, "lost-1", wait=0, seal=True)
        assert HostFacts(items).outcome("mta1").status is Status.UNKNOWN
    finally:
        host.session.close()
        subprocess.run(["umount", "-l", where], check=True)


def test_files_restored_after_a_power_loss_are_activated_by_the_next_try(root: HostRoot) -> None:
    """Its marks were not on the disk yet, the renames were; at the first attempt PowerMTA is still starting."""
    boot = "/proc/sys/kernel/random/boot_id"
    root.put(boot, b"boot-one\n")
    host = in_folder(root)
    tx = transaction((CONFIG, NEW), test_config=True, confirm_within=600)
    assert stage(host.session, host.spec, tx, host.open).status is Status.STAGED
    marks = root.at(f"/var/lib/pmtaform/tx/{tx.id}/marks")
    session = LocalSession(host.spec, ("dash",), dying_at("health"))
    with suppress(HostError):
        _ask_onward(session, host.spec, _Word("commit"), tx.id)
    session.close()
    assert root.running == NEW
    marks.write_text(marks.read_text().partition("activate")[0])  # what was flushed before the renames
    root.put(boot, b"boot-two\n")
    root.tell("fail-reload", 1)
    assert recover(host.session, host.spec).status is Status.REFUSED
    assert recover(host.session, host.spec).status is Status.APPLIED
    assert root.read(CONFIG) == root.running == OLD
    assert root.leftovers() == []
