"""Folders and files that PowerMTA's user makes links of, at every step of a change: nothing of root's is touched.

`/etc/pmta` belongs to that user. At one point of the change, which stands still there, the user swaps a name in it.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, HostRoot, key, make_host_root, transaction
from projects import is_root, pairs
from ways import SHELLS, Host, in_folder

from pmtaform.host import FileKind, FileRemoval, FileWrite, Outcome, Status, Transaction, confirm, probe, recover, stage
from pmtaform.host import commit as go_on
from pmtaform.host.local import LocalSession
from pmtaform.host.model import Known

PMTA_USER = 4242
OLD_KEY, GONE_KEY, MADE = "/etc/pmta/dkim/old.pem", "/etc/pmta/dkim/gone.pem", "/etc/pmta/made/below/new.conf"
NEW_KEY = "/etc/pmta/dkim/new.pem"
pytestmark = pytest.mark.skipif(not is_root(), reason="only root has what that user has not")


def world(path: Path) -> HostRoot:
    """A host whose /etc/pmta belongs to PowerMTA's user, and a folder of root's that has files by the same names."""
    root = make_host_root(path / "root")
    root.put(OLD_KEY, b"the old key\n", 0o600)
    root.put(GONE_KEY, b"a key that goes\n", 0o600)
    for at in [root.at("/etc/pmta"), *root.at("/etc/pmta").rglob("*")]:
        os.chown(at, PMTA_USER, PMTA_USER)
    victim = root.at("/victim")
    victim.mkdir(mode=0o755)
    for name in ("config", "old.pem", "gone.pem", "new.pem", "new.conf", "passwd"):
        (victim / name).write_text(f"root's {name}\n")
        (victim / name).chmod(0o640)
    (victim / "below").mkdir()
    return root


def change(**more: object) -> Transaction:
    """Everything that a change can do with a file, in folders that are there and such that are made."""
    return transaction(
        (CONFIG, NEW),
        (MADE, b"made\n"),
        FileWrite(path=OLD_KEY, content=b"the new key\n", kind=FileKind.KEY, mode=0o644),
        key(NEW_KEY),
        removals=(FileRemoval(path=GONE_KEY, kind=FileKind.KEY),),
        expect={},
        test_config=True,
        **more,  # type: ignore[arg-type]
    )


def look(root: HostRoot) -> dict[str, tuple[str, int, int, int]]:
    """All of root's folder, as it must stay."""
    by_name = {}
    for path in [root.at("/victim"), *sorted(root.at("/victim").rglob("*"))]:
        at = path.lstat()
        text = path.read_text() if stat.S_ISREG(at.st_mode) else ""
        by_name[str(path.relative_to(root.path))] = (
            text,
            stat.S_IMODE(at.st_mode),
            at.st_uid,
            at.st_nlink if text else 0,
        )
    return by_name


def hook(folder: Path, text: str) -> Path:
    path = folder / "hook"
    path.write_text(f'#!/bin/sh\n# $1 the point, $3 the transaction, $4 the host\'s root\ncd "$4/etc/pmta"\n{text}\n')
    path.chmod(0o755)
    return path


def hooked(host: Host, shell: str, point: str, script: Path) -> LocalSession:
    environment = {"PMTAFORM_TEST_AT": point, "PMTAFORM_TEST_HOOK": str(script)}
    return LocalSession(host.spec, SHELLS[shell], environment)


def run(host: Host, session: LocalSession, tx: Transaction) -> Outcome:
    """Staged, tested, made: the way that has all steps."""
    first = stage(session, host.spec, tx, host.open)
    return go_on(session, host.spec, tx, host.open) if first.status is Status.STAGED else first


@cache
def points(fails: bool) -> tuple[str, ...]:
    """Every point that the change comes to, the first and the last of those per file."""
    with tempfile.TemporaryDirectory() as folder:
        root = world(Path(folder))
        host = in_folder(root)
        script = hook(Path(folder), 'echo "$1" >>"$4/ctl/points"')
        if fails:
            root.tell("fail-reload")
        session = hooked(host, "dash", "*", script)
        status = run(host, session, change()).status
        session.close()
        assert status is (Status.ROLLED_BACK if fails else Status.APPLIED)
        seen = dict.fromkeys(root.at("/ctl/points").read_text().split())
    steps: dict[str, list[str]] = {}
    for point in seen:
        if ":after" not in point or "folder" in point:
            steps.setdefault(point.rpartition(".")[0], []).append(point)
    return tuple(point for of in steps.values() for point in dict.fromkeys((of[0], of[-1])))


USER = f"setpriv --reuid {PMTA_USER} --regid {PMTA_USER} --clear-groups"
# What the user does there, once.
SWAPS = {
    "folder of keys": "[ -L dkim ] || { mv dkim .away && ln -s ../../victim dkim; }",
    "folder that was made": (
        "for d in made made/below; do [ -d $d ] && [ ! -L $d ] && mv $d $d.away"
        ' && ln -s "$4/victim" $d && break; done; :'
    ),
    "folder that is being made": (
        'for d in .*.pmtaform-*; do [ -d $d ] && [ ! -L $d ] && mv $d away && ln -s "$4/victim" $d; done; :'
    ),
    "file beside": (
        "for f in .*.pmtaform-* dkim/.*.pmtaform-*; do [ -f $f ] && [ ! -L $f ] && mv $f $f.away"
        ' && ln -s "$4/victim/passwd" $f; done; :'
    ),
    "file beside, to a folder": (
        "for f in .config.pmtaform-$3 .config.pmtaform-$3-old .config.pmtaform-$3-swap dkim/.old.pem.pmtaform-$3-old"
        ' dkim/.new.pem.pmtaform-$3; do rm -f $f; ln -s "$4/victim" $f; done; :'
    ),
    "file beside, to a pipe": (
        "for f in .*.pmtaform-$3* dkim/.*.pmtaform-$3*; do [ -f $f ] && mv $f $f.away && mkfifo $f; done; :"
    ),
    "file itself": (
        'for f in config dkim/old.pem; do [ -L $f ] || { mv $f $f.away; ln -s "$4/victim/passwd" $f; }; done; :'
    ),
    "file itself, to a folder": 'for f in config dkim/new.pem; do rm -f $f; ln -s "$4/victim" $f; done; :',
}


def cases() -> list[tuple[str, str, bool, str]]:
    """Swaps at points, the shells in turn. `make faults` runs each swap at each point, `make test` a third of them."""
    moments = [
        (point, fails)
        for fails in (False, True)
        for point in (points(fails) if is_root() else ())
        if not fails or point.startswith("undo")
    ]
    shells = list(SHELLS)
    return [
        (swap, point, fails, shells[number % len(shells)])
        for number, ((point, fails), swap) in enumerate(pairs(moments, SWAPS, every=3))
    ]


@pytest.mark.parametrize(("swap", "point", "fails", "shell"), cases())
def test_no_step_follows_a_link_that_appeared_meanwhile(
    tmp_path: Path, swap: str, point: str, fails: bool, shell: str
) -> None:
    root = world(tmp_path)
    before = look(root)
    if fails:
        root.tell("fail-reload")
    script = hook(tmp_path, f'mkdir "$4/ctl/once" 2>/dev/null || exit 0\n{USER} sh -c \'{SWAPS[swap]}\' sh "$@"')
    host = in_folder(root, shell, command_timeout=2.0)
    session = hooked(host, shell, point, script)
    try:
        run(host, session, change())
        session.close()
        assert look(root) == before, "nothing of root's was touched"
        recover(host.session, host.spec)
        assert look(root) == before, "nor when it was settled"
    finally:
        end_readers(root)


def end_readers(root: HostRoot) -> None:
    """End the programs of this host's PowerMTA that wait for what comes out of a pipe: nothing ever does."""
    reads = b"cat\0" + os.fsencode(root.path) + b"/"
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cmdline").read_bytes().startswith(reads):
                os.kill(int(process.name), signal.SIGKILL)


def restore(root: HostRoot) -> None:
    """The administrator finds the link."""
    folder = root.at("/etc/pmta/dkim")
    folder.unlink()
    (root.at("/etc/pmta/.away")).rename(folder)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("word", ["test", "reload"])
def test_the_old_key_does_not_stay_where_a_folder_was_swapped(tmp_path: Path, shell: str, word: str) -> None:
    """It is reported, the change is not forgotten, and the next run with the folder in place removes it."""
    root = world(tmp_path)
    pmta = root.at("/usr/sbin/pmta")
    swap = SWAPS["folder of keys"].replace("$4", str(root.path))
    pmta.write_text(
        pmta.read_text().replace(
            "case $word in\n", f"case $word in\n{word}) (cd {root.at('/etc/pmta')}; {swap});; esac\ncase $word in\n", 1
        )
    )
    host = in_folder(root, shell)
    before = look(root)
    tx = transaction(
        FileWrite(path=OLD_KEY, content=b"the new key\n", kind=FileKind.KEY),
        expect={},
        test_config=True,
        confirm_within=600,
    )
    outcome = host.apply(tx)
    if outcome.status is Status.PENDING:
        outcome, _ = confirm(host.session, host.spec, tx, host.open)
    assert look(root) == before
    assert "dkim has become a link" in outcome.reason + outcome.output
    assert probe(host.open(), host.spec, Known(), lambda *_: ()).unsettled == tx.id
    restore(root)
    recover(host.open(), host.spec)
    assert root.leftovers() == []
    assert root.read(OLD_KEY) in (b"the old key\n", b"the new key\n")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_folder_above_an_allowed_one_that_someone_else_can_swap_is_not_followed(tmp_path: Path, shell: str) -> None:
    root = world(tmp_path)
    home = root.at("/home/pmta")
    home.mkdir(parents=True)
    (home / "real").mkdir()
    (home / "conf").symlink_to("../../victim")
    for path in (home, home / "real"):
        os.chown(path, PMTA_USER, PMTA_USER)
    before = look(root)
    host = in_folder(root, shell, allowed_paths=("/etc/pmta", "/home/pmta/conf/below"))
    outcome = host.apply(transaction(("/home/pmta/conf/below/x.conf", b"x\n"), expect={}))
    assert outcome.status is Status.REFUSED
    assert "has become a link" in outcome.reason
    assert look(root) == before


@pytest.mark.parametrize("shell", SHELLS)
def test_a_link_of_the_administrators_above_an_allowed_folder_is_followed(tmp_path: Path, shell: str) -> None:
    """Guard: it lies in a folder of root's, where no one else can swap it."""
    root = world(tmp_path)
    root.at("/data/pmta-keys").mkdir(parents=True)
    root.at("/srv").symlink_to("data")
    host = in_folder(root, shell, allowed_paths=("/etc/pmta", "/srv/pmta-keys"))
    assert host.apply(transaction(("/srv/pmta-keys/deep/x.conf", b"x\n"), expect={})).status is Status.APPLIED
    assert root.read("/data/pmta-keys/deep/x.conf") == b"x\n"
    assert root.leftovers() == []


@pytest.mark.parametrize("shell", SHELLS)
def test_a_folder_of_transactions_that_another_user_can_write_is_not_believed(tmp_path: Path, shell: str) -> None:
    """What lies there is done with all rights: the commands for a restart are in it."""
    root = world(tmp_path)
    host = in_folder(root, shell)
    assert host.apply(transaction((CONFIG, NEW), expect={})).status is Status.APPLIED
    lib = root.at("/var/lib/pmtaform")
    shutil.copytree(lib, tmp_path / "theirs")
    for path in [lib, *lib.rglob("*")]:
        os.chown(path, PMTA_USER, PMTA_USER)
    ran = tmp_path / "ran"
    tx = lib / "tx/planted"
    tx.mkdir()
    (tx / "request").write_text(
        f"root {root.path}\nid planted\nactivation restart\nrestart touch\nrestart {ran}\nend\n"
    )
    (tx / "marks").write_text("begin x\nactivate\n")
    (tx / "journal").write_text("activate 0\n")
    (tx / "decided").touch()
    for name in ("plan", "plan.back", "undo"):
        (tx / name).touch()
    for ask in (
        lambda: recover(host.session, host.spec),
        lambda: host.apply(transaction((CONFIG, b"more\n"), expect={})),
    ):
        answer = ask()
        assert answer.status is Status.REFUSED
        assert "belongs to another user" in answer.reason
    assert not ran.exists()
    assert root.read(CONFIG) == NEW


@pytest.mark.parametrize("shell", SHELLS)
def test_a_log_that_became_a_link_is_not_shown(tmp_path: Path, shell: str) -> None:
    root = world(tmp_path)
    logs = root.at("/var/log/pmta/theirs")
    logs.mkdir(parents=True)
    os.chown(logs.parent, PMTA_USER, PMTA_USER)
    log = "/var/log/pmta/theirs/log"
    root.put(log, b"started\n")
    secret = root.at("/victim/log")
    secret.write_text("started\nError: root's secret\n")
    pmta = root.at("/usr/sbin/pmta")
    swap = f"mv {logs} {logs}.away; ln -s {root.at('/victim')} {logs}"
    pmta.write_text(
        pmta.read_text().replace("case $word in\n", f"case $word in reload) {swap} ;; esac\ncase $word in\n", 1)
    )
    root.tell("fail-reload")
    outcome = in_folder(root, shell).apply(transaction((CONFIG, NEW), expect={}, logs=(log,)))
    assert outcome.status is Status.ROLLED_BACK
    assert "secret" not in outcome.output
