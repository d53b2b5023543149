"""What someone else writes into the files of a change, whenever it is: it is not lost, nor taken for ours."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, key, transaction
from test_confirm import waiting
from test_faults import die
from test_meanwhile import hooked, program
from ways import dying_at, in_folder

from pmtaform.errors import HostError
from pmtaform.host import FileKind, FileRemoval, Rollback, Status, apply, confirm, recover, result, revert, rollback
from pmtaform.host.local import LocalSession
from pmtaform.host.transaction import decide_pending

KEY, GOING = "/etc/pmta/keys/new.pem", "/etc/pmta/keys/old.pem"
EDITS = {
    "in place": f'echo theirs >"$4{CONFIG}"',
    "replaced": f'echo theirs >"$4/edit"; mv "$4/edit" "$4{CONFIG}"',
}


@pytest.mark.parametrize("point", ["running.0", "begin.0", "commit-config.1"])
def test_an_edit_in_place_before_the_commit_is_restored_with_the_file(
    root: HostRoot, tmp_path: Path, point: str
) -> None:
    """What is kept of the file is a link to it, and so has the edit too."""
    host = in_folder(root)
    session = hooked(host, point, program(tmp_path, EDITS["in place"]))
    outcome = apply(session, host.spec, transaction((CONFIG, NEW)), host.open)
    session.close()
    assert outcome.status is Status.ROLLED_BACK
    assert f"{CONFIG} was edited by someone else meanwhile" in outcome.reason
    assert root.read(CONFIG) == b"theirs\n"
    assert root.running == OLD
    assert root.leftovers() == []


@pytest.mark.parametrize("how", EDITS)
def test_an_edit_while_the_change_is_pending_is_kept_aside(root: HostRoot, tmp_path: Path, how: str) -> None:
    """A rollback restores the host completely."""
    host = in_folder(root)
    tx = waiting(host)
    if how == "in place":
        root.at(CONFIG).write_bytes(b"theirs\n")
    else:
        root.at("/edit").write_bytes(b"theirs\n")
        root.at("/edit").rename(root.at(CONFIG))
    outcome = revert(host.session, host.spec, tx, host.open, "no")
    assert outcome.status is Status.ROLLED_BACK
    assert root.read(CONFIG) == root.running == OLD
    (kept,) = root.at("/var/lib/pmtaform/edited").iterdir()
    assert kept.read_bytes() == b"theirs\n"
    assert outcome.reason == (f"no; edits made meanwhile are kept in /var/lib/pmtaform/edited: {CONFIG} ({kept.name})")
    assert root.leftovers() == []


def test_an_edit_that_cannot_be_kept_is_reported(root: HostRoot) -> None:
    host = in_folder(root)
    tx = waiting(host)
    root.put("/var/lib/pmtaform/edited", b"in the way")
    root.at(CONFIG).write_bytes(b"theirs\n")
    outcome = revert(host.session, host.spec, tx, host.open, "no")
    assert outcome.status is Status.ROLLED_BACK
    assert f"{CONFIG} (could not be kept)" in outcome.reason
    assert root.read(CONFIG) == root.running == OLD


def test_a_new_file_that_someone_replaced_is_not_removed(root: HostRoot) -> None:
    host = in_folder(root)
    tx = waiting(host, 600, key(KEY))
    root.at("/edit").write_bytes(b"theirs\n")
    root.at("/edit").rename(root.at(KEY))
    assert revert(host.session, host.spec, tx, host.open, "no").status is Status.ROLLED_BACK
    assert root.read(KEY) == b"theirs\n"
    assert root.read(CONFIG) == root.running == OLD
    assert root.leftovers() == []


def test_a_removed_key_that_came_back_keeps_nothing_from_its_end(root: HostRoot) -> None:
    host = in_folder(root)
    root.put(GOING, b"going\n", 0o400)
    tx = transaction((CONFIG, NEW), removals=(FileRemoval(path=GOING, kind=FileKind.KEY),))
    die(host, tx, "remove-key:after")
    root.put(GOING, b"by hand\n", 0o400)
    outcome = recover(host.session, host.spec)
    assert outcome.recovered is not None
    assert "was finished" in outcome.recovered
    assert root.read(GOING) == b"by hand\n"
    assert root.leftovers() == []


def test_a_later_generation_is_not_undone_with_ones_own(root: HostRoot) -> None:
    """What undoes a change by itself, because of a check, undoes that change alone."""
    host = in_folder(root)
    mine = host.apply(transaction((CONFIG, NEW)))
    host.apply(transaction(("/etc/pmta/more", b"theirs\n"), expect={}))
    wanted = Rollback(generation=mine.generation, id="back", who="a", started="b", only_newest=True)
    outcome = rollback(host.session, host.spec, wanted, host.open)
    assert outcome.status is Status.STALE
    assert "generation 2 was made by another run meanwhile" in outcome.reason
    assert root.read("/etc/pmta/more") == b"theirs\n"
    assert root.read(CONFIG) == NEW


def test_an_edit_kept_aside_is_on_the_disk_before_its_place_is_taken(root: HostRoot, tmp_path: Path) -> None:
    host = in_folder(root)
    tx = waiting(host)
    root.at(CONFIG).write_bytes(b"theirs\n")
    log = tmp_path / "synced"
    fake = program(tmp_path, f'echo "$*" >>{log}; exec /bin/sync "$@"')
    (tmp_path / "bin").mkdir()
    fake.rename(tmp_path / "bin" / "sync")
    session = LocalSession(host.spec, ("dash",), {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})
    revert(session, host.spec, tx, host.open, "no")
    session.close()
    lines = log.read_text().splitlines()
    (kept,) = [number for number, line in enumerate(lines) if "/edited/" in line]
    assert any(line.endswith("/etc/pmta") for line in lines[kept + 1 :]), "and only then the folder of the file"


def test_recover_names_an_edit_that_was_kept_before(root: HostRoot) -> None:
    host = in_folder(root)
    tx = waiting(host)
    root.at(CONFIG).write_bytes(b"theirs\n")
    session = LocalSession(host.spec, ("dash",), dying_at("undo-activate"))
    with suppress(HostError):
        decide_pending(session, host.spec, tx.id, "revert", "no")
    session.close()
    recover(host.session, host.spec)
    (kept,) = root.at("/var/lib/pmtaform/edited").iterdir()
    record = result(host.session, host.spec, tx.id)
    assert record is not None
    assert kept.name in record.reason


def test_a_file_that_a_pending_change_removed_and_someone_made_again_is_kept_aside(root: HostRoot) -> None:
    """Only a rollback removes files of the configuration."""
    host = in_folder(root)
    more = "/etc/pmta/conf.d/more.conf"
    assert host.apply(transaction((CONFIG, NEW), (more, b"# more\n"))).status is Status.APPLIED
    back = transaction(confirm_within=600)
    wanted = Rollback(generation=1, id=back.id, who="a", started="b", confirm_within=600)
    assert rollback(host.session, host.spec, wanted, host.open).status is Status.PENDING
    root.put(more, b"# by hand\n")
    outcome = revert(host.session, host.spec, back, host.open, "no")
    assert (outcome.status, root.read(CONFIG), root.read(more)) == (Status.ROLLED_BACK, NEW, b"# more\n")
    (kept,) = root.at("/var/lib/pmtaform/edited").iterdir()
    assert kept.read_bytes() == b"# by hand\n"
    assert f"{more} ({kept.name})" in outcome.reason
    assert root.leftovers() == []


def test_a_key_to_remove_that_is_edited_meanwhile_stays(root: HostRoot) -> None:
    """Keys go last, long after they were looked at."""
    host = in_folder(root)
    root.put(GOING, b"going\n", 0o600)
    going = (FileRemoval(path=GOING, kind=FileKind.KEY),)
    tx = transaction((CONFIG, NEW), removals=going, confirm_within=600)
    assert host.apply(tx).status is Status.PENDING
    root.at(GOING).write_bytes(b"theirs\n")
    outcome, _ = confirm(host.session, host.spec, tx, host.open)
    assert (outcome.status, outcome.step) == (Status.ROLLED_BACK, "remove-key")
    assert f"{GOING} was edited by someone else meanwhile" in outcome.reason
    assert root.read(GOING) == b"theirs\n"
    assert root.read(CONFIG) == root.running == OLD
    assert root.leftovers() == []
