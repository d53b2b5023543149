"""A staged change is tested in a separate mount namespace, and no live file is touched before it is committed."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, OLD, PMTA, HostRoot, key, transaction
from projects import has_namespaces, needs_namespaces
from test_meanwhile import hooked, program
from ways import SHELLS, Host, dying_at, in_folder

from pmtaform.host import (
    FileRemoval,
    Outcome,
    Status,
    Transaction,
    commit,
    recover,
    result,
    revert,
    stage,
)
from pmtaform.host.local import LocalSession

KEY, MORE = "/etc/pmta/keys/example.com/new.pem", "/etc/pmta/conf.d/more.conf"
# Writes down which files it sees, and what is in them.
SEEING = PMTA.replace(
    "    test)\n",
    '    test)\n        (cd "$root" && grep -r "" etc/* opt/* 2>/dev/null) >"$ctl/seen.$(ls "$ctl" | grep -c seen)"\n',
)
REHEARSAL = "/var/lib/pmtaform/rehearsal"


def staged(host: Host, tx: Transaction) -> Outcome:
    return stage(host.session, host.spec, tx, host.open)


def seen(root: HostRoot, number: int = 0) -> dict[str, str]:
    """The files that `pmta test config` saw at that call, without what is laid beside them."""
    files: dict[str, str] = {}
    for line in root.at(f"/ctl/seen.{number}").read_text().splitlines():
        path, _, text = line.partition(":")
        if "pmtaform-" not in path.rpartition("/")[2]:
            files["/" + path] = files.get("/" + path, "") + text + "\n"
    return {path: text for path, text in files.items() if path.startswith(("/etc/pmta", "/opt"))}


def live(root: HostRoot) -> dict[str, tuple[bytes, int, int]]:
    """The live files: content, number and time of the last write of each."""
    paths = [path for path in (root.path / "etc").rglob("*") if path.is_file() and ".pmtaform-" not in path.name]
    return {str(path): (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


def mounts(root: HostRoot) -> list[str]:
    """What is mounted in the host's folder, as other processes see it."""
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(root.path) in line]


@pytest.fixture
def seeing(root: HostRoot) -> HostRoot:
    root.put("/usr/sbin/pmta", SEEING.encode(), 0o755)
    return root


# -- what is tested ----------------------------------------------------------------------------------------------------


@needs_namespaces
@pytest.mark.parametrize("shell", SHELLS)
def test_pmta_sees_the_files_that_the_change_will_make(seeing: HostRoot, shell: str) -> None:
    """A replaced file, a removed one, a new one, and a key in a new folder."""
    seeing.put("/etc/pmta/conf.d/going.conf", b"# going\n")
    seeing.put("/etc/pmta/kept", b"kept\n")
    host = in_folder(seeing, shell)
    before, mounted = live(seeing), mounts(seeing)
    tx = transaction(
        (CONFIG, NEW),
        (MORE, b"more\n"),
        key(KEY, b"a key\n"),
        removals=(FileRemoval(path="/etc/pmta/conf.d/going.conf"),),
        expect={},
    )
    outcome = staged(host, tx)
    assert (outcome.status, outcome.unrehearsed) == (Status.STAGED, "")
    assert seen(seeing) == {CONFIG: NEW.decode(), MORE: "more\n", KEY: "a key\n", "/etc/pmta/kept": "kept\n"}
    assert (live(seeing), mounts(seeing)) == (before, mounted)
    assert commit(host.session, host.spec, tx, host.open).status is Status.APPLIED
    assert seeing.calls.count("test config") == 2, "of the new files and of the control, not when they are in place"


@needs_namespaces
def test_the_control_is_the_change_with_lines_that_cannot_be_right(seeing: HostRoot) -> None:
    host = in_folder(seeing)
    staged(host, transaction((MORE, b"more\n"), expect={}))
    assert seen(seeing, 0) == {CONFIG: OLD.decode(), MORE: "more\n"}
    control = seen(seeing, 1)
    assert control.pop(CONFIG).startswith(OLD.decode() + "\npmtaform-control ")
    assert control == {MORE: "more\n"}
    assert seeing.read(CONFIG) == OLD


@needs_namespaces
def test_a_change_in_two_allowed_folders_is_seen_in_both(seeing: HostRoot) -> None:
    seeing.put("/opt/keys/old.pem", b"old\n")
    host = in_folder(seeing, allowed_paths=("/opt/keys", "/etc/pmta/conf.d", "/etc/pmta"))
    new = key("/opt/keys/sub/new.pem", b"a key\n")
    assert not staged(host, transaction((CONFIG, NEW), (MORE, b"more\n"), new)).unrehearsed
    expected = {CONFIG: NEW.decode(), MORE: "more\n", new.path: "a key\n", "/opt/keys/old.pem": "old\n"}
    assert seen(seeing) == expected


@needs_namespaces
def test_a_configuration_folder_that_is_a_mount_of_its_own(seeing: HostRoot) -> None:
    folder = seeing.at("/etc/pmta")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    try:
        seeing.put(CONFIG, OLD)
        host = in_folder(seeing)
        tx = transaction((CONFIG, NEW), key(KEY))
        assert not staged(host, tx).unrehearsed
        assert seen(seeing)[CONFIG] == NEW.decode()
        assert seeing.read(CONFIG) == OLD
        assert commit(host.session, host.spec, tx, host.open).status is Status.APPLIED
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@needs_namespaces
def test_a_link_above_the_allowed_folders_is_followed(seeing: HostRoot) -> None:
    seeing.at("/etc/pmta").rename(seeing.path / "elsewhere")
    seeing.at("/etc").rename(seeing.path / "etc.real")
    (seeing.path / "elsewhere").rename(seeing.path / "etc.real/pmta")
    seeing.at("/etc").symlink_to("etc.real")
    host = in_folder(seeing)
    assert not staged(host, transaction((CONFIG, NEW))).unrehearsed
    assert seen(seeing)[CONFIG] == NEW.decode()
    assert seeing.read(CONFIG) == OLD


@needs_namespaces
def test_a_link_that_takes_the_place_of_the_main_file_is_not_followed_by_the_control(
    seeing: HostRoot, tmp_path: Path
) -> None:
    """Who owns the folder may make a link of any name in it; the control must not write where that leads."""
    victim = tmp_path / "victim"
    victim.write_text("untouched\n")
    hook = program(tmp_path, f'ln -sf "{victim}" "$4{CONFIG}"')
    session = hooked(in_folder(seeing), "control.0", hook)
    outcome = stage(session, in_folder(seeing).spec, transaction((MORE, b"more\n"), expect={}), lambda: session)
    session.close()
    assert outcome.unrehearsed == f"{CONFIG} could not be changed for the control"
    assert victim.read_text() == "untouched\n"


# -- what others see ---------------------------------------------------------------------------------------------------


@pytest.fixture
def paused(root: HostRoot) -> HostRoot:
    for name in ("reached", "go"):
        os.mkfifo(root.at(f"/ctl/{name}"))
    root.tell("pause-test")
    return root


@needs_namespaces
def test_no_other_process_sees_the_new_files_while_they_are_tested(paused: HostRoot) -> None:
    host = in_folder(paused)
    before, mounted = live(paused), mounts(paused)
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(staged, host, transaction((CONFIG, NEW), (MORE, b"more\n"), key(KEY)))
        paused.at("/ctl/reached").read_bytes()
        assert (live(paused), mounts(paused)) == (before, mounted)
        paused.at("/ctl/go").write_text("go\n")
        assert outcome.result().unrehearsed == ""
    assert (live(paused), mounts(paused)) == (before, mounted)


@needs_namespaces
@pytest.mark.parametrize("how", ["in place", "replaced"])
def test_an_edit_during_the_rehearsal_stays_and_stops_the_change(paused: HostRoot, how: str) -> None:
    host = in_folder(paused)
    tx = transaction((CONFIG, NEW), key(KEY))
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(staged, host, tx)
        paused.at("/ctl/reached").read_bytes()
        edited = paused.at(CONFIG) if how == "in place" else paused.at("/edit")
        edited.write_bytes(b"theirs\n")
        if how == "replaced":
            edited.rename(paused.at(CONFIG))
        paused.at("/ctl/go").write_text("go\n")
        assert outcome.result().status is Status.STAGED
    stale = commit(host.session, host.spec, tx, host.open)
    assert (stale.status, stale.reason) == (Status.STALE, f"{CONFIG} is not what it was when the change was planned")
    assert paused.read(CONFIG) == b"theirs\n"
    assert not paused.at(KEY).exists()
    assert paused.leftovers() == []


POINTS = ["rehearse.0", "commit-key.1", "commit-config.2", "commit-config.3", "test.0", "control.0"]
POINTS += ["rehearse:after.0", "staged.0", "staged:after.0"]


@needs_namespaces
@pytest.mark.parametrize("point", POINTS)
def test_whatever_is_killed_the_live_files_are_the_old_ones(root: HostRoot, point: str) -> None:
    """In the namespace the program is another one: without its answer the change is tested when it is in place."""
    host = in_folder(root)
    tree, before, mounted = root.tree(), live(root), mounts(root)
    tx = transaction((CONFIG, NEW), (MORE, b"more\n"), key(KEY))
    session = LocalSession(host.spec, ("dash",), dying_at(point))
    outcome = stage(session, host.spec, tx, host.open)
    session.close()
    assert (live(root), mounts(root)) == (before, mounted)
    if point.startswith(("commit", "test", "control")):
        assert (outcome.status, outcome.unrehearsed != "") == (Status.STAGED, True)
    assert recover(host.session, host.spec).status is Status.APPLIED
    assert (root.tree(), root.running, root.leftovers()) == (tree, OLD, [])


@needs_namespaces
def test_what_outlives_its_transaction_writes_nothing_into_its_folder(paused: HostRoot, tmp_path: Path) -> None:
    """The transaction dies while `pmta` runs in the namespace; the next command clears up at once."""
    host = in_folder(paused)
    tree = paused.tree()
    tx = transaction((CONFIG, NEW), key(KEY))
    session = host.open()
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(stage, session, host.spec, tx, host.open)
        paused.at("/ctl/reached").read_bytes()
        owner = paused.at(f"/var/lib/pmtaform/tx/{tx.id}/owner").read_text()
        os.kill(int(owner.split()[1]), 9)
        assert outcome.result().status is Status.REFUSED
        assert (paused.tree(), paused.leftovers()) == (tree, [])
        paused.at("/ctl/go").write_text("go\n")
    session.close()
    assert paused.leftovers() == []


# -- the control -------------------------------------------------------------------------------------------------------


@needs_namespaces
def test_the_control_is_made_once_for_each_pmta_program(root: HostRoot) -> None:
    host = in_folder(root)
    tx = transaction((CONFIG, NEW))

    def tests() -> int:
        before = root.calls.count("test config")
        assert not staged(host, transaction((CONFIG, NEW))).unrehearsed
        return root.calls.count("test config") - before

    assert [tests(), tests()] == [2, 1]
    word, _, _, version = root.at(REHEARSAL).read_text().split(maxsplit=3)
    assert (word, "v5.0r1" in version) == ("seen", True)
    root.put("/usr/sbin/pmta", PMTA.replace("v5.0r1", "v5.0r10").encode(), 0o755)
    assert [tests(), tests()] == [2, 1]
    assert "v5.0r10" in root.at(REHEARSAL).read_text()
    assert revert(host.session, host.spec, tx, host.open, "no").status is Status.REFUSED


@needs_namespaces
def test_a_pmta_that_asks_its_daemon_is_not_believed(root: HostRoot) -> None:
    """It would accept anything: the daemon sees the real files."""
    root.tell("asks-daemon")
    host = in_folder(root)
    outcome = staged(host, transaction((CONFIG, NEW)))
    why = "pmta test config does not see files in a mount namespace"
    assert (outcome.status, outcome.unrehearsed) == (Status.STAGED, why)
    assert root.at(REHEARSAL).read_text().startswith("unseen ")
    called = root.calls.count("test config")
    tx = transaction((CONFIG, NEW))
    assert staged(host, tx).unrehearsed == why
    assert root.calls.count("test config") == called, "it is remembered"
    assert commit(host.session, host.spec, tx, host.open).status is Status.APPLIED
    assert root.calls.count("test config") == called + 1, "it is tested when it is in place"


@needs_namespaces
def test_what_is_rejected_when_it_is_in_place_is_rolled_back_before_a_reload(root: HostRoot) -> None:
    root.tell("asks-daemon")
    host = in_folder(root)
    tree = root.tree()
    tx = transaction((CONFIG, NEW), key(KEY))
    assert staged(host, tx).unrehearsed
    root.tell("fail-test")
    outcome = commit(host.session, host.spec, tx, host.open)
    assert (outcome.status, outcome.step) == (Status.ROLLED_BACK, "test")
    assert "reload" not in root.calls
    assert (root.tree(), root.leftovers()) == (tree, [])


@needs_namespaces
@pytest.mark.parametrize("control", ["made before", "not made yet"])
def test_a_rejected_change_never_is_in_place(root: HostRoot, control: str) -> None:
    host = in_folder(root)
    if control == "made before":
        revert(host.session, host.spec, tx := transaction((CONFIG, NEW)), host.open, str(staged(host, tx).status))
    tree = root.tree()
    root.tell("fail-test")
    outcome = staged(host, transaction((CONFIG, NEW), key(KEY)))
    assert (outcome.status, outcome.step, outcome.reason) == (Status.ROLLED_BACK, "test", "pmta test config: exit 1")
    assert "made to fail" in outcome.output
    assert (root.tree(), root.leftovers()) == (tree, [])


@needs_namespaces
def test_a_rejection_proves_nothing_where_the_present_files_are_rejected_too(root: HostRoot) -> None:
    root.tell("fail-test", 2)
    host = in_folder(root)
    tx = transaction((CONFIG, NEW))
    outcome = staged(host, tx)
    assert (outcome.status, outcome.unrehearsed) == (Status.STAGED, "pmta test config rejects the present files too")
    assert not root.at(REHEARSAL).exists(), "nothing was found out"
    assert commit(host.session, host.spec, tx, host.open).status is Status.APPLIED


@needs_namespaces
def test_a_test_without_an_answer_rejects_the_change(root: HostRoot) -> None:
    root.tell("hang-test")
    host = in_folder(root, command_timeout=1.0)
    tree = root.tree()
    outcome = staged(host, transaction((CONFIG, NEW)))
    assert (outcome.status, outcome.step) == (Status.ROLLED_BACK, "test")
    assert outcome.reason == "pmta test config: no answer within 1 s"
    assert (root.tree(), root.leftovers()) == (tree, [])


@needs_namespaces
def test_a_control_without_an_answer_is_made_again_later(root: HostRoot, tmp_path: Path) -> None:
    host = in_folder(root, command_timeout=1.0)
    session = hooked(host, "control.0", program(tmp_path, 'echo 1 >"$4/ctl/hang-test"'))
    outcome = stage(session, host.spec, transaction((CONFIG, NEW)), host.open)
    session.close()
    assert outcome.unrehearsed == "the control was not answered: pmta test config: no answer within 1 s"
    assert not root.at(REHEARSAL).exists()


@needs_namespaces
def test_a_memory_that_was_cut_short_is_none(root: HostRoot) -> None:
    host = in_folder(root)
    staged(host, transaction((CONFIG, NEW)))
    memory = root.at(REHEARSAL)
    word, stamp, *_ = memory.read_text().split()
    for cut in ("", word, f"{word} {stamp}"):
        memory.write_text(cut)
        called = root.calls.count("test config")
        assert not staged(host, transaction((CONFIG, NEW))).unrehearsed
        assert root.calls.count("test config") == called + 2


# -- hosts that cannot -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["unshare", "mount"])
def test_where_no_namespace_can_be_made_the_change_is_tested_in_place(
    root: HostRoot, tmp_path: Path, name: str
) -> None:
    """A container may forbid both. The live files are not touched for that."""
    fake = program(tmp_path, f'echo "{name}: Operation not permitted" >&2; exit 1')
    (tmp_path / "bin").mkdir()
    fake.rename(tmp_path / "bin" / name)
    host = in_folder(root, environment={"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})
    before, mounted = live(root), mounts(root)
    tx = transaction((CONFIG, NEW), key(KEY))
    outcome = staged(host, tx)
    assert outcome.status is Status.STAGED
    assert f"({name}: " in outcome.unrehearsed or not has_namespaces()
    assert (live(root), mounts(root)) == (before, mounted)
    assert "test config" not in root.calls
    assert commit(host.session, host.spec, tx, host.open).status is Status.APPLIED
    assert root.calls.count("test config") == 1
    host.session.close()


@needs_namespaces
def test_a_host_without_unshare(root: HostRoot, tmp_path: Path) -> None:
    shell = program(
        tmp_path,
        '[ -n "${HIDDEN-}" ] || HIDDEN=yes exec unshare -m "$0" "$@"\n'
        f'for each in {shutil.which("unshare")} /bin/unshare; do mount --bind /dev/null "$each"; done 2>/dev/null\n'
        'exec dash "$@"',
    )
    host = in_folder(root)
    session = LocalSession(host.spec, (str(shell),))
    outcome = stage(session, host.spec, transaction((CONFIG, NEW)), host.open)
    session.close()
    assert (outcome.status, outcome.unrehearsed) == (Status.STAGED, "this host has no unshare")


@needs_namespaces
def test_a_folder_too_large_to_be_copied(root: HostRoot, tmp_path: Path) -> None:
    fake = program(tmp_path, 'echo "cp: No space left on device" >&2; exit 1')
    (tmp_path / "bin").mkdir()
    hook = tmp_path / "hook"
    hook.write_text(f'#!/bin/sh\nmv "{fake}" "{tmp_path}/bin/cp"\n')
    hook.chmod(0o755)
    path = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    host = in_folder(root)
    told = {"PMTAFORM_TEST_AT": "rehearse.0", "PMTAFORM_TEST_HOOK": str(hook), **path}
    session = LocalSession(host.spec, ("dash",), told)
    outcome = stage(session, host.spec, transaction((CONFIG, NEW)), host.open)
    session.close()
    assert (outcome.status, outcome.unrehearsed) == (
        Status.STAGED,
        "the folders of the change could not be copied (cp: No space left on device)",
    )


def test_the_record_of_a_change_that_was_not_rehearsed_is_like_any_other(root: HostRoot) -> None:
    root.tell("asks-daemon")
    host = in_folder(root)
    tx = transaction((CONFIG, NEW))
    staged(host, tx)
    outcome = commit(host.session, host.spec, tx, host.open)
    assert outcome == result(host.session, host.spec, tx.id)
    assert outcome.status is Status.APPLIED
