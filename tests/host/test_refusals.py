"""What a host's rights and disk do not allow, and what a stack must never be able to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, make_host_root, spec_of, transaction
from ways import Host, in_folder

from pmtaform.errors import HostError
from pmtaform.host import FileRemoval, FileWrite, Known, Status, apply, probe
from pmtaform.host.local import LocalSession

ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not ROOT, reason="needs root to become another user or to mount")


def untouched(host: Host, *writes: FileWrite | tuple[str, bytes], **more: object) -> str:
    """The reason why `writes` are refused; nothing may have changed."""
    before = host.root.tree()
    outcome = host.apply(transaction(*writes, expect={}, **more))
    assert outcome.status is Status.REFUSED
    assert host.root.tree() == before
    assert (set(host.root.calls) - {"show status"}, host.root.leftovers()) == (set(), [])
    return outcome.reason


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/etc/pmta",
        "/etc/pmta/../passwd",
        "/etc/pmta/./x",
        "/etc/pmta//x",
        "/etc/pmtax/y",
        "/etc/pmta/x/",
        "/etc/pmta/..",
    ],
)
def test_nothing_is_written_outside_the_allowed_folders(host: Host, path: str) -> None:
    assert untouched(host, (path, b"x"))


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/pmta/../passwd"])
def test_nothing_is_removed_outside_the_allowed_folders(folder: Host, path: str) -> None:
    folder.root.put("/etc/passwd", b"root\n")
    assert untouched(folder, removals=(FileRemoval(path=path),))


def test_a_relative_path_is_an_error_before_anything_is_sent(folder: Host) -> None:
    with pytest.raises(HostError, match="path-not-absolute"):
        folder.apply(transaction(("etc/pmta/x", b"x")))


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\0b", "\x1b[31m"])
def test_control_characters_in_a_path_are_an_error(folder: Host, name: str) -> None:
    with pytest.raises(HostError, match="control-character"):
        folder.apply(transaction((f"/etc/pmta/{name}", b"x")))


@pytest.mark.parametrize("owner", ["root:root", "a b", "-x", "$(id)", "a\nb", ""])
def test_an_owner_is_a_name(folder: Host, owner: str) -> None:
    with pytest.raises(HostError, match="bad-owner"):
        folder.apply(transaction(FileWrite(path=CONFIG, content=NEW, owner=owner)))


def test_a_link_planted_in_the_way_is_not_followed(disk: Host) -> None:
    disk.root.put("/outside/victim", b"precious")
    disk.root.at("/etc/pmta/file").symlink_to(disk.root.at("/outside/victim"))
    disk.root.at("/etc/pmta/way").symlink_to(disk.root.at("/outside"))
    disk.root.at("/etc/pmta/dangling").symlink_to(disk.root.at("/outside/made"))
    for path in ("file", "way/victim", "way/made", "dangling"):
        assert "is a symbolic link" in untouched(disk, (f"/etc/pmta/{path}", b"x"))
    assert disk.root.read("/outside/victim") == b"precious"
    assert not disk.root.at("/outside/made").exists()


def test_an_allowed_folder_that_is_a_link_is_not_followed(folder: Host) -> None:
    shutil.move(folder.root.at("/etc/pmta"), folder.root.at("/etc/real"))
    folder.root.at("/etc/pmta").symlink_to(folder.root.at("/etc/real"))
    assert "is a symbolic link" in untouched(folder, (CONFIG, NEW))


def test_a_folder_in_the_place_of_a_file(host: Host) -> None:
    host.root.put("/etc/pmta/dir/file", b"x")
    assert "is a folder" in untouched(host, ("/etc/pmta/dir", b"x"))


def test_a_file_in_the_place_of_a_folder(folder: Host) -> None:
    assert untouched(folder, (f"{CONFIG}/x", b"x"))


def test_a_name_that_is_too_long(folder: Host) -> None:
    assert untouched(folder, ("/etc/pmta/" + "x" * 250, b"x"))


def test_a_folder_outside_is_not_made(folder: Host) -> None:
    outcome = folder.apply(transaction(("/opt/conf/x", b"x"), expect={}), allowed_paths=("/opt/conf",))
    assert (outcome.status, outcome.reason) == (Status.REFUSED, "the folder /opt does not exist")


def test_new_folders_are_removed_with_a_failed_change(folder: Host) -> None:
    before = folder.root.tree()
    folder.root.tell("fail-test")
    folder.apply(transaction((CONFIG, NEW), ("/etc/pmta/a/b/c", b"x"), ("/etc/pmta/a/b/d", b"x")))
    assert folder.root.tree() == before


def test_a_file_size_limit_is_met_before_anything_is_changed(root: HostRoot) -> None:
    host = in_folder(root)
    limited = ("sh", "-c", 'ulimit -f 200; exec dash "$@"', "limited")
    host.open = lambda: LocalSession(host.spec, limited)  # 100 kB
    before = root.tree()
    outcome = host.apply(transaction((CONFIG, b"x" * 300_000)))
    assert outcome.status is Status.REFUSED
    assert root.tree() == before
    assert root.leftovers() == []


@pytest.fixture
def small_disk(root: HostRoot) -> Iterator[HostRoot]:
    """A host whose /etc/pmta is a disk of 256 kB."""
    content = root.read(CONFIG)
    where = root.at("/etc/pmta")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(where)], check=True)
    try:
        root.put(CONFIG, content)
        yield root
    finally:
        subprocess.run(["umount", str(where)], check=True)


@only_root
@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_a_full_disk(small_disk: HostRoot, shell: str) -> None:
    host = in_folder(small_disk, shell)
    reason = untouched(host, (CONFIG, b"x" * 100_000), ("/etc/pmta/b", b"x" * 100_000), ("/etc/pmta/c", b"x" * 100_000))
    assert "could not be written" in reason
    assert host.apply(transaction((CONFIG, NEW))).status is Status.APPLIED


@only_root
def test_a_full_disk_says_so(small_disk: HostRoot) -> None:
    host = in_folder(small_disk)
    outcome = host.apply(transaction((CONFIG, b"x" * 400_000)))
    assert "No space left on device" in outcome.output


@only_root
def test_a_disk_that_is_read_only(small_disk: HostRoot) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk.at("/etc/pmta"))], check=True)
    assert "nothing can be written in its folder" in untouched(in_folder(small_disk), (CONFIG, NEW))


@only_root
def test_a_full_disk_for_our_own_things(root: HostRoot) -> None:
    where = root.at("/var/lib/pmtaform")
    where.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(where)], check=True)
    try:
        assert "is the disk full?" in untouched(in_folder(root), (CONFIG, b"x" * 300_000))
    finally:
        subprocess.run(["umount", str(where)], check=True)


@pytest.fixture
def open_root() -> Iterator[HostRoot]:
    """A host folder that any user may reach."""
    with tempfile.TemporaryDirectory(prefix="pmtaform-test-") as folder:
        Path(folder).chmod(0o755)
        yield make_host_root(Path(folder) / "root")


def as_nobody(host: Host) -> Host:
    become = (
        'test $(id -u) = 0 && set -- setpriv --reuid=65534 --regid=65534 --clear-groups dash "$@" || set -- dash "$@"'
    )
    shell = ("sh", "-c", f'{become}; exec "$@"', "nobody")
    host.open = lambda: LocalSession(host.spec, shell)
    return host


@only_root
def test_a_user_without_rights_is_advised_to_use_sudo(open_root: HostRoot) -> None:
    host = as_nobody(in_folder(open_root))
    assert "sudo" in untouched(host, (CONFIG, NEW))
    seen = host.probe()
    assert seen.unreadable == {CONFIG: "no permission to read it; does this host need sudo?"}


@only_root
def test_what_a_user_owns_needs_no_sudo_and_what_he_cannot_give_does(open_root: HostRoot) -> None:
    for path in (open_root.path, *open_root.path.rglob("*")):
        os.chown(path, 65534, 65534)
    host = as_nobody(in_folder(open_root))
    given = FileWrite(path="/etc/pmta/gift", content=b"x", owner="root")
    assert "this needs sudo" in untouched(host, given)
    assert host.apply(transaction((CONFIG, NEW), ("/etc/pmta/new", b"x"))).status is Status.APPLIED


def test_a_root_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="root-missing"):
        spec_of(HostRoot(tmp_path / "absent")).open()


def test_a_missing_shell(root: HostRoot) -> None:
    session = LocalSession(spec_of(root), ("/no/such/shell",))
    with pytest.raises(HostError, match="shell-missing"):
        probe(session, spec_of(root), Known(), lambda *_: [])


def test_a_host_is_left_alone_until_it_is_changed(root: HostRoot) -> None:
    session = spec_of(root).open()
    probe(session, spec_of(root), Known(), lambda *_: [])
    assert not root.at("/var").exists()
    outcome = apply(session, spec_of(root), transaction((CONFIG, NEW)), lambda: session)
    assert (outcome.status, root.read(CONFIG)) == (Status.APPLIED, NEW)
    assert OLD != NEW
