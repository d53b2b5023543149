"""Access control lists, extended attributes and labels of replaced files stay; what cannot be kept is refused."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, make_host_root, transaction
from projects import is_root
from ways import SHELLS, in_folder

from pmtaform.host import FileKind, FileRemoval, FileWrite, HostSpec, Outcome, Status, confirm, revert
from pmtaform.rollout.outcomes import notes_of
from pmtaform.transports.local import LOCAL

KEY = "/etc/pmta/dkim/key.pem"


def has_lists(folder: Path) -> bool:
    probe = folder / "probe"
    probe.touch()
    process = subprocess.run(["setfacl", "-m", "u:4242:r", probe], capture_output=True, check=False)
    probe.unlink()
    return process.returncode == 0


@pytest.fixture
def root(tmp_path: Path) -> HostRoot:
    if shutil.which("setfacl") is None or not has_lists(tmp_path):
        pytest.skip("the file system of the tests has no access control lists")
    made = make_host_root(tmp_path / "root")
    made.put(KEY, b"old key\n", 0o600)
    return made


def lists(root: HostRoot, *paths: str) -> None:
    for path in paths:
        subprocess.run(["setfacl", "-m", "u:4242:rw,g:4243:r", root.at(path)], check=True)


def attributes(path: Path) -> dict[str, bytes]:
    """All that a file is but its content: the list is one of the attributes."""
    at = path.stat()
    own = f"{stat.S_IMODE(at.st_mode):o} {at.st_uid} {at.st_gid}".encode()
    return {"": own} | {name: os.getxattr(path, name) for name in os.listxattr(path)}


KINDS = {
    "list": lambda root: lists(root, CONFIG, KEY),
    "attribute": lambda root: [os.setxattr(root.at(path), "user.note", b"by hand") for path in (CONFIG, KEY)],
    "label": lambda root: [
        os.setxattr(root.at(path), "security.selinux", b"system_u:object_r:pmta_etc_t:s0\0") for path in (CONFIG, KEY)
    ],
}
CHANGE = (FileWrite(path=CONFIG, content=NEW), FileWrite(path=KEY, content=b"new key\n", kind=FileKind.KEY))


def with_kind(root: HostRoot, kind: str) -> dict[str, dict[str, bytes]]:
    if kind == "label" and not is_root():
        pytest.skip("only root sets a label")
    KINDS[kind](root)
    before = {path: attributes(root.at(path)) for path in (CONFIG, KEY)}
    assert all(len(each) > 1 for each in before.values())
    return before


def now(root: HostRoot) -> dict[str, dict[str, bytes]]:
    return {path: attributes(root.at(path)) for path in (CONFIG, KEY)}


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ends", ["applied", "tested", "failed", "reverted"])
def test_a_replaced_file_keeps_all_that_it_is(root: HostRoot, shell: str, kind: str, ends: str) -> None:
    before = with_kind(root, kind)
    host = in_folder(root, shell)
    if ends == "failed":
        root.tell("fail-reload")
    tx = transaction(
        *CHANGE, expect={}, test_config=ends == "tested", confirm_within=600 if ends == "reverted" else 0.0
    )
    outcome = host.apply(tx)
    if ends == "reverted":
        assert (outcome.status, now(root)) == (Status.PENDING, before)
        outcome = revert(host.session, host.spec, tx, host.open, "no")
    assert outcome.status is (Status.APPLIED if ends in ("applied", "tested") else Status.ROLLED_BACK)
    assert now(root) == before
    assert root.read(CONFIG) == (NEW if outcome.status is Status.APPLIED else OLD)
    assert root.leftovers() == []


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_the_owner_of_a_file_with_a_list_may_change(root: HostRoot, shell: str) -> None:
    if not is_root():
        pytest.skip("only root gives files away")
    before = with_kind(root, "list")[CONFIG]
    outcome = in_folder(root, shell).apply(
        transaction(FileWrite(path=CONFIG, content=NEW, owner="4242", group="4243"), expect={})
    )
    assert outcome.status is Status.APPLIED
    after = attributes(root.at(CONFIG))
    assert after.pop("") == b"660 4242 4243"
    assert before.pop("") == b"660 0 0"
    assert after == before


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize(("mode", "fits"), [(0o660, True), (0o640, False), (0o600, False), (0o644, False)])
def test_a_mode_is_the_mask_of_a_list(root: HostRoot, shell: str, mode: int, fits: bool) -> None:
    """A mode that is what the list shows changes nothing; another one would take rights away, or give them."""
    before = with_kind(root, "list")
    outcome = in_folder(root, shell).apply(transaction(FileWrite(path=CONFIG, content=NEW, mode=mode), expect={}))
    assert outcome.status is (Status.APPLIED if fits else Status.REFUSED)
    assert fits or "access control list, whose mask is the middle digit" in outcome.reason
    assert now(root) == before
    assert root.read(CONFIG) == (NEW if fits else OLD)
    assert root.leftovers() == []


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_mode_without_a_list_is_set(root: HostRoot, shell: str) -> None:
    """Guard: attributes alone give a mode no other meaning."""
    before = with_kind(root, "attribute")[CONFIG]
    outcome = in_folder(root, shell).apply(transaction(FileWrite(path=CONFIG, content=NEW, mode=0o600), expect={}))
    assert outcome.status is Status.APPLIED
    assert attributes(root.at(CONFIG)) == before | {"": before[""].replace(b"640", b"600")}


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_is_refused_where_the_tools_keep_no_attributes(root: HostRoot, tmp_path: Path, kind: str) -> None:
    """Busybox's `cp` keeps no attributes; `getfattr` lists some."""
    tools = tmp_path / "bin"
    tools.mkdir()
    subprocess.run(["busybox", "--install", "-s", str(tools)], check=True)
    (tools / "getfattr").symlink_to(str(shutil.which("getfattr")))
    before = with_kind(root, kind)
    host = in_folder(root, "busybox", {"PATH": str(tools)})
    outcome = host.apply(transaction(*CHANGE, expect={}))
    assert outcome.status is Status.REFUSED
    assert "which the tools of this host do not keep" in outcome.reason
    assert (now(root), root.read(CONFIG), root.leftovers()) == (before, OLD, [])


@pytest.mark.parametrize("shell", SHELLS)
def test_a_plain_file_needs_no_such_tools(root: HostRoot, tmp_path: Path, shell: str) -> None:
    """Guard."""
    outcome = in_folder(root, shell).apply(transaction(*CHANGE, expect={}))
    assert outcome.status is Status.APPLIED


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_new_file_has_the_mode_that_was_asked_for_whatever_its_folder_hands_on(root: HostRoot, shell: str) -> None:
    """A folder's default list would let others read a key, for as long as it is being written too."""
    folder = root.at("/etc/pmta/dkim")
    subprocess.run(["setfacl", "-d", "-m", "u:4242:rwx,o::r", folder], check=True)
    path = "/etc/pmta/dkim/new.pem"
    outcome = in_folder(root, shell).apply(
        transaction(FileWrite(path=path, content=b"k", kind=FileKind.KEY), expect={})
    )
    assert outcome.status is Status.APPLIED
    assert attributes(root.at(path)) == {"": f"600 {os.getuid()} {os.getgid()}".encode()}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("removed", [False, True])
def test_other_names_of_a_file_are_reported(root: HostRoot, shell: str, removed: bool) -> None:
    """A rename changes one name; the others keep the old content, also of a key that goes."""
    for path, other in ((CONFIG, "/etc/pmta/other"), (KEY, "/etc/other-key")):
        root.at(other).hardlink_to(root.at(path))
    root.put("/etc/pmta/plain", b"plain\n")
    key = FileRemoval(path=KEY, kind=FileKind.KEY)
    writes = [FileWrite(path=CONFIG, content=NEW), FileWrite(path="/etc/pmta/plain", content=b"new\n")]
    tx = transaction(*writes, removals=(key,) if removed else (), expect={}, confirm_within=600)
    host = in_folder(root, shell)
    assert host.apply(tx).status is Status.PENDING
    outcome, _ = confirm(host.session, host.spec, tx, host.open)
    assert outcome.status is Status.APPLIED
    assert sorted(outcome.hard_links) == [(CONFIG, 2), *([(KEY, 2)] if removed else [])], "and nothing of a plain file"
    assert root.read("/etc/pmta/other") == OLD


@pytest.mark.parametrize("names", [1, 2, 3])
def test_a_run_warns_of_other_names(names: int) -> None:
    spec = HostSpec(name="mta1", transport=LOCAL)
    links = ((CONFIG, names),) if names > 1 else ()
    outcome = Outcome(host="mta1", status=Status.APPLIED, hard_links=links)
    notes = notes_of(spec, outcome)
    assert [(note.code, note.host) for note in notes] == [("hard-link", "mta1")] * len(links)
    assert all(f"one of {names} names" in note.detail and CONFIG in note.detail for note in notes)
    assert notes_of(spec, Outcome(host="mta1", status=Status.ROLLED_BACK, hard_links=links)) == ()
