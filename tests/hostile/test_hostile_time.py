"""Clocks that jump, commands that hang or never stop talking, clients that die, processes that cannot be seen."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, key, spec_of, transaction
from projects import is_root, until
from sshd import start_sshd
from ways import SHELLS, Host, in_folder, over_ssh

from pmtaform.errors import HostError
from pmtaform.host import (
    Question,
    Status,
    Transaction,
    commit,
    confirm,
    examine,
    probe,
    records,
    recover,
    result,
    stage,
)
from pmtaform.host import local as local_transport
from pmtaform.host import ssh_channel as ssh_transport
from pmtaform.host.local import LocalDialogue, LocalSession
from pmtaform.host.model import Known

KEY = "/etc/pmta/keys/new.pem"
DAY = 86400


@pytest.fixture
def root(tmp_path: Path) -> HostRoot:
    from hostroot import make_host_root

    return make_host_root(tmp_path / "root")


@pytest.fixture(params=list(SHELLS))
def host(request: pytest.FixtureRequest, root: HostRoot) -> Iterator[Host]:
    one = in_folder(root, request.param)
    yield one
    for session in one.opened:
        session.close()


def tool(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


# -- the clock ---------------------------------------------------------------------------------------------------------


def records_of(root: HostRoot, many: int, days: float) -> None:
    """Records of earlier transactions, written when the host's clock was ahead by a number of days."""
    folder = root.at("/var/lib/pmtaform/results")
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(many):
        (folder / f"earlier-{n:03}").write_text("status applied\nwhole\noutput\n")
        os.utime(folder / f"earlier-{n:03}", (time.time() + days * DAY + n,) * 2)


@pytest.mark.parametrize("days", [2, -2, 3650])
@pytest.mark.parametrize("fails", [False, True])
def test_a_record_outlives_older_ones_whatever_the_clock_says(host: Host, days: float, fails: bool) -> None:
    records_of(host.root, 60, days)
    if fails:
        host.root.tell("fail-test")
    tx = transaction((CONFIG, NEW))
    outcome = host.apply(tx)
    assert outcome.status is (Status.ROLLED_BACK if fails else Status.APPLIED)
    assert result(host.session, host.spec, tx.id) == outcome
    kept = records(host.session, host.spec)
    assert kept[-1].transaction == tx.id, "and it is reported as the newest"
    assert len(kept) == 50


def test_records_of_one_second_keep_their_order(host: Host) -> None:
    sent = [transaction((CONFIG, f"{n}\n".encode()), expect={}) for n in range(4)]
    for tx in sent:
        assert host.apply(tx).status is Status.APPLIED
    assert [record.transaction for record in records(host.session, host.spec)] == [tx.id for tx in sent]


# -- what hangs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hanging", ["systemd-run", "systemctl", "both"])
def test_a_bus_that_does_not_answer_holds_no_one_up(
    root: HostRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hanging: str
) -> None:
    tools = tmp_path / "tools"
    for name in ("systemd-run", "systemctl"):
        tool(tools, name, "exec sleep 1000" if hanging in (name, "both") else "exit 0")
    root.at("/run/systemd/system").mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    host = in_folder(root, command_timeout=1.0)
    tx = transaction((CONFIG, NEW), confirm_within=600)
    assert host.apply(tx).status is Status.PENDING
    timer = root.at(f"/var/lib/pmtaform/tx/{tx.id}/timer").read_text()
    assert timer.startswith("unit " if hanging == "systemctl" else "pid ")
    awaiting = probe(host.open(), host.spec, Known(), lambda *_: ()).awaiting
    assert awaiting is not None
    outcome, _ = confirm(host.session, host.spec, tx, host.open)
    assert outcome.status is Status.APPLIED
    assert root.leftovers() == []
    host.session.close()


# -- what never stops talking ------------------------------------------------------------------------------------------


def talking(root: HostRoot, command: str) -> None:
    pmta = root.at("/usr/sbin/pmta")
    pmta.write_text(pmta.read_text().replace("case $word in\n", f"case $word in\n    {command}) exec yes ;;\n", 1))


def test_a_version_without_end_is_cut_off(host: Host) -> None:
    talking(host.root, "version")
    outcome = host.probe()
    assert outcome.version is not None
    assert len(outcome.version) <= 400


@pytest.mark.parametrize("kind", ["ask", "command"])
def test_an_answer_without_end_is_cut_off(host: Host, kind: str) -> None:
    talking(host.root, "status")
    words = ("show", "status") if kind == "ask" else ("/usr/sbin/pmta", "show", "status")
    (answer,), _ = examine(host.session, host.spec, (Question(kind, 1, words),))
    assert answer.exit_code in (124, 137)
    assert 60_000 < len(answer.text) <= 65_536
    (answer,), _ = examine(host.session, host.spec, (Question("command", 5, ("sh", "-c", "echo a; echo; exit 3")),))
    assert (answer.exit_code, answer.text) == (3, "a")


@pytest.mark.parametrize("way", ["folder", "ssh"])
def test_a_host_that_never_stops_talking_is_left(
    root: HostRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(local_transport, "MOST_ANSWER", 1 << 20)
    monkeypatch.setattr(ssh_transport, "MOST_ANSWER", 1 << 20)
    if way == "folder":
        tool(tmp_path / "tools", "talk", "exec yes")
        spec = spec_of(root)
        with pytest.raises(HostError, match="Answer too long"):
            probe(LocalSession(spec, (str(tmp_path / "tools/talk"),)), spec, Known(), lambda *_: ())
        return
    with start_sshd(tmp_path / "sshd", options="ForceCommand yes") as server:
        host = over_ssh(root, server)
        with pytest.raises(HostError, match="Answer too long"):
            host.probe()


# -- a client that dies between staging and making ---------------------------------------------------------------------


def laid(root: HostRoot) -> list[str]:
    return [name for name in root.leftovers() if "/.new.pem." in name]


def staged(host: Host) -> tuple[LocalSession, Transaction]:
    session = host.open()
    assert isinstance(session, LocalSession)
    tx = transaction((CONFIG, NEW), key(KEY), confirm_within=600)
    assert stage(session, host.spec, tx, host.open).status is Status.STAGED
    assert laid(host.root)
    return session, tx


def test_a_key_that_was_staged_goes_with_the_connection(host: Host) -> None:
    session, tx = staged(host)
    session.close()
    until(lambda: host.root.leftovers() == [])
    assert host.root.read(CONFIG) == OLD
    assert result(host.session, host.spec, tx.id) is None


def test_a_staged_change_that_is_sent_again_starts_anew(host: Host) -> None:
    session, tx = staged(host)
    session.close()
    until(lambda: host.root.leftovers() == [])
    assert commit(host.session, host.spec, tx, host.open).status is Status.PENDING
    assert confirm(host.session, host.spec, tx, host.open)[0].status is Status.APPLIED
    assert host.root.read(CONFIG) == NEW


def test_what_was_gone_on_with_does_not_go_with_the_connection(host: Host) -> None:
    session, tx = staged(host)
    assert commit(host.session, host.spec, tx, host.open).status is Status.PENDING
    session.close()
    assert confirm(host.open(), host.spec, tx, host.open)[0].status is Status.APPLIED
    assert host.root.running == NEW


def test_what_is_staged_by_a_program_that_was_killed_is_settled_by_the_next(host: Host) -> None:
    session, _ = staged(host)
    waits = session.running
    assert waits is not None
    assert isinstance(waits.dialogue, LocalDialogue)
    assert host.probe().awaiting is not None
    waits.dialogue.process.kill()
    waits.dialogue.process.wait()
    outcome = host.probe()
    assert (outcome.awaiting, bool(outcome.unsettled)) == (None, True)
    assert recover(host.session, host.spec).status is Status.APPLIED
    assert host.root.leftovers() == []


# -- processes in another container ------------------------------------------------------------------------------------


def in_container(root: HostRoot) -> Host:
    """The same host, as seen from a container with its own processes."""
    apart = ("unshare", "--pid", "--fork", "--mount-proc", "sh")
    if not is_root() or subprocess.run([*apart, "-c", "true"], capture_output=True, check=False).returncode:
        pytest.skip("only root can make a namespace")
    spec = spec_of(root)
    return Host(root, spec, lambda: LocalSession(spec, apart))


def test_one_at_work_in_another_container_is_not_dead(root: HostRoot) -> None:
    apart, here = in_container(root), in_folder(root)
    for name in ("reached", "go"):
        os.mkfifo(root.at(f"/ctl/{name}"))
    root.tell("pause-reload")
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(apart.apply, transaction((CONFIG, NEW)))
        root.at("/ctl/reached").read_bytes()
        assert here.apply(transaction((CONFIG, b"other\n"), expect={})).status is Status.LOCKED
        assert recover(here.session, here.spec).status is Status.LOCKED
        root.at("/ctl/go").write_text("go\n")
        assert working.result(timeout=60).status is Status.APPLIED
    assert root.read(CONFIG) == root.running == NEW


def test_what_waits_in_another_container_is_not_dead(root: HostRoot) -> None:
    apart, here = in_container(root), in_folder(root)
    tx = transaction((CONFIG, NEW), confirm_within=600)
    assert apart.apply(tx).status is Status.PENDING
    assert here.apply(transaction((CONFIG, b"other\n"), expect={})).status is Status.LOCKED
    assert root.running == NEW
    assert confirm(here.session, here.spec, tx, here.open)[0].status is Status.APPLIED
    assert root.leftovers() == []


@pytest.mark.parametrize(("until_", "locked"), [("999999999", True), ("1", False), ("", False), ("soon", False)])
def test_one_that_cannot_be_seen_is_believed_for_as_long_as_its_commands_take(
    host: Host, until_: str, locked: bool
) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    lock = host.root.at("/var/lib/pmtaform/lock")
    lock.parent.mkdir(parents=True)
    lock.write_text(
        f"pid 1\nstart 1\nboot {boot}\nns pid:[1]\nuntil {until_}\nid t9\nsince now\nwho bob\nwhat a test\n"
    )
    outcome = host.apply(transaction((CONFIG, NEW)))
    assert outcome.status is (Status.LOCKED if locked else Status.APPLIED)
    assert (outcome.lock is not None and outcome.lock.who == "bob") == locked
