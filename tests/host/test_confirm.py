"""A change that has to be confirmed: the timer on the host, the one verdict, and whose word counts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hostroot import CONFIG, NEW, OLD, HostRoot, key, transaction
from projects import needs_namespaces
from ways import SHELLS, Host, in_folder

from pmtaform.host import (
    Activation,
    Known,
    Status,
    Transaction,
    Waiting,
    commit,
    confirm,
    examine,
    result,
    revert,
    stage,
)


def waiting(host: Host, within: float = 600, *more: object) -> Transaction:
    """A change that awaits its confirmation."""
    tx = transaction((CONFIG, NEW), *more, confirm_within=within)  # type: ignore[arg-type]
    assert host.apply(tx).status is Status.PENDING
    assert host.root.running == NEW
    return tx


def until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def test_a_confirmed_change_stays(host: Host) -> None:
    tx = waiting(host)
    seen = host.probe().awaiting
    assert seen is not None
    assert (seen.transaction, seen.state, seen.who, seen.what) == (tx.id, Waiting.PENDING, "anna@laptop", "a test")
    assert 590 < seen.left <= 600
    fresh = host.open()
    outcome, snapshot = confirm(fresh, host.spec, tx, host.open, Known(files={CONFIG: None}))
    fresh.close()
    assert (outcome.status, outcome.generation) == (Status.APPLIED, 1)
    assert snapshot is not None
    assert snapshot.files[CONFIG].content == NEW
    assert snapshot.awaiting is None
    assert host.root.running == NEW
    assert host.root.leftovers() == []
    assert confirm(host.session, host.spec, tx, host.open)[0].status is Status.APPLIED, "twice is once"


def test_an_unconfirmed_change_rolls_back_by_itself(host: Host) -> None:
    before = host.root.tree()
    tx = waiting(host, 600, key("/etc/pmta/keys/new.pem"))
    host.root.expire()
    until(lambda: not host.root.leftovers())
    outcome = result(host.session, host.spec, tx.id)
    assert outcome is not None
    assert (outcome.status, outcome.reason) == (Status.ROLLED_BACK, "the change was not confirmed within 600 s")
    assert host.root.running == OLD
    assert host.root.tree() == before
    late, _ = confirm(host.session, host.spec, tx, host.open)
    assert late.status is Status.ROLLED_BACK, "a late confirmation gets the true outcome"


def test_a_pending_change_can_be_reverted(host: Host) -> None:
    before = host.root.tree()
    tx = waiting(host)
    outcome = revert(host.session, host.spec, tx, host.open, "the check port failed")
    assert (outcome.status, outcome.reason) == (Status.ROLLED_BACK, "the check port failed")
    assert host.root.tree() == before
    assert host.root.running == OLD
    assert host.root.leftovers() == []


def test_each_question_extends_the_deadline(host: Host) -> None:
    tx = waiting(host)
    host.root.expire(sooner=500)
    assert (host.probe().awaiting or pytest.fail("it waits")).left <= 100
    _, left = examine(host.session, host.spec, (), transaction=tx.id, confirm_within=600)
    assert left == 600
    assert (host.probe().awaiting or pytest.fail("it waits")).left > 590
    assert examine(host.session, host.spec, (), transaction="another", confirm_within=600)[1] == 0
    revert(host.session, host.spec, tx, host.open, "")


def test_another_change_is_refused_meanwhile(host: Host) -> None:
    tx = waiting(host)
    outcome = host.apply(transaction((CONFIG, b"other\n"), expect={}))
    assert outcome.status is Status.LOCKED
    assert outcome.lock is not None
    assert (outcome.lock.who, outcome.lock.since, outcome.lock.transaction) == (
        "anna@laptop",
        "2026-11-23T18:00:00Z",
        tx.id,
    )
    assert "awaits its confirmation, and rolls back by itself in" in outcome.reason
    assert host.root.running == NEW
    revert(host.session, host.spec, tx, host.open, "")


def test_of_many_words_at_once_one_counts(root: HostRoot) -> None:
    """Confirmations, withdrawals and the timer, all at the same moment."""
    for round_ in range(3):
        host = in_folder(root, list(SHELLS)[round_ % len(SHELLS)])
        expect = {} if round_ else None
        tx = transaction((CONFIG, f"{round_}\n".encode()), expect=expect, confirm_within=600)
        running = root.running
        assert host.apply(tx).status is Status.PENDING

        def word(n: int, host: Host = host, tx: Transaction = tx) -> Status:
            if n % 3 == 2:
                root.expire()
            if n % 2:
                return confirm(host.open(), host.spec, tx, host.open)[0].status
            return revert(host.open(), host.spec, tx, host.open, "no").status

        with ThreadPoolExecutor(6) as pool:
            told = set(pool.map(word, range(6)))
        assert len(told) == 1, "all get the same answer"
        assert told <= {Status.APPLIED, Status.ROLLED_BACK}
        assert root.running == root.read(CONFIG) == (f"{round_}\n".encode() if told == {Status.APPLIED} else running)
        until(lambda: not root.leftovers())


def test_a_killed_timer_is_noticed(folder: Host) -> None:
    """No timer will revert the change any more: the next run does."""
    tx = waiting(folder)
    timer = next(folder.root.path.glob("var/lib/pmtaform/tx/*/timer"))
    os.kill(int(timer.read_text().split()[1]), 9)
    assert folder.probe().awaiting is None
    assert folder.probe().unsettled == tx.id
    again = folder.apply(transaction((CONFIG, b"other\n")))
    assert again.status is Status.APPLIED
    assert "was undone: every file was restored" in (again.recovered or "")
    assert folder.root.running == b"other\n"


def test_no_timer_without_a_confirmation(folder: Host) -> None:
    assert folder.apply(transaction((CONFIG, NEW))).status is Status.APPLIED
    tx = transaction((CONFIG, OLD), expect={}, confirm_within=600, activation=Activation.NONE)
    assert folder.apply(tx).status is Status.APPLIED, "nothing is activated, so there is nothing to revert"


# -- systemd ----

SYSTEMD_RUN = r"""#!/bin/sh
# Remembers its arguments, as systemd would.
for word in "$@"; do
    case $word in --unit=*) unit=${word#--unit=} ;; esac
done
printf '%s\n' "$@" >"$SYSTEMD/$unit.timer"
"""
SYSTEMCTL = r"""#!/bin/sh
echo "$*" >>"$SYSTEMD/calls"
verb=$1
shift
case $verb in
    is-active) for unit; do [ ! -e "$SYSTEMD/${unit#--quiet}" ] || exit 0; done; exit 3 ;;
    stop) for unit; do rm -f "$SYSTEMD/$unit"; done ;;
esac
exit 0
"""


@pytest.fixture
def systemd(root: HostRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host on which systemd is at work, played by two small programs."""
    tools = tmp_path / "systemd"
    tools.mkdir()
    for name, text in (("systemd-run", SYSTEMD_RUN), ("systemctl", SYSTEMCTL)):
        (tools / name).write_text(text.replace("$SYSTEMD", str(tools)))
        (tools / name).chmod(0o755)
    root.at("/run/systemd/system").mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    return tools


def test_where_systemd_is_the_timer_is_its_own(root: HostRoot, systemd: Path) -> None:
    host = in_folder(root)
    tx = waiting(host, 90)
    unit = systemd / f"pmtaform-{tx.id}.timer"
    told = unit.read_text().splitlines()
    assert "--on-active=90" in told
    assert "--timer-property=AccuracySec=1s" in told
    assert (host.probe().awaiting or pytest.fail("it waits")).transaction == tx.id
    assert confirm(host.session, host.spec, tx, host.open)[0].status is Status.APPLIED
    assert not unit.exists(), "it is disarmed"
    assert root.leftovers() == []


def test_what_systemds_timer_begins_takes_the_change_back(root: HostRoot, systemd: Path) -> None:
    import subprocess

    host = in_folder(root)
    tx = waiting(host, 90)
    told = (systemd / f"pmtaform-{tx.id}.timer").read_text().splitlines()
    command = told[told.index("/bin/sh") :]
    root.expire()
    subprocess.run(command, check=False, timeout=60, env={"PATH": os.environ["PATH"]})
    outcome = result(host.session, host.spec, tx.id)
    assert outcome is not None
    assert outcome.status is Status.ROLLED_BACK
    assert root.running == root.read(CONFIG) == OLD
    assert root.leftovers() == []


def test_systemds_timer_finds_a_change_that_is_over(root: HostRoot, systemd: Path, tmp_path: Path) -> None:
    import subprocess

    host = in_folder(root)
    tx = waiting(host, 90)
    told = (systemd / f"pmtaform-{tx.id}.timer").read_text().splitlines()
    command = told[told.index("/bin/sh") :]
    program = tmp_path / "agent.sh"
    program.write_bytes(Path(command[1]).read_bytes())
    confirm(host.session, host.spec, tx, host.open)
    subprocess.run(["/bin/sh", program, *command[2:]], check=False, timeout=60)
    assert root.running == NEW, "it undoes only what it was armed for"


def test_where_systemd_does_not_work_a_process_is_the_timer(root: HostRoot, systemd: Path) -> None:
    (systemd / "systemd-run").write_text("#!/bin/sh\necho no bus >&2\nexit 1\n")
    host = in_folder(root)
    tx = waiting(host)
    assert next(root.path.glob("var/lib/pmtaform/tx/*/timer")).read_text().startswith("pid ")
    revert(host.session, host.spec, tx, host.open, "")
    assert root.leftovers() == []


# -- staging ----


def test_staging_changes_no_live_file(host: Host) -> None:
    before = host.root.tree()
    running = host.root.running
    tx = transaction((CONFIG, NEW), key("/etc/pmta/keys/new.pem"), confirm_within=600)
    assert stage(host.session, host.spec, tx, host.open).status is Status.STAGED
    now = host.root.tree()
    assert {path: now[path] for path in before} == before
    assert [path for path in now if path not in before and ".pmtaform-" not in path] == host.root.made_folders(
        "/etc/pmta/keys"
    )
    assert host.root.running == running
    rehearsed = host.root.rehearsal_tests
    assert host.root.calls.count("test config") == rehearsed
    assert "reload" not in host.root.calls
    assert commit(host.session, host.spec, tx, host.open).status is Status.PENDING
    assert confirm(host.session, host.spec, tx, host.open)[0].status is Status.APPLIED
    # In the rehearsal twice, with the control; where the host cannot rehearse, once when it is in place.
    assert host.root.calls.count("test config") == max(1, rehearsed)
    assert host.root.running == NEW
    assert host.root.leftovers() == []


def test_a_staged_change_that_is_reverted_leaves_the_host_unchanged(host: Host) -> None:
    before = host.root.tree()
    tx = transaction((CONFIG, NEW), key("/etc/pmta/keys/new.pem"))
    stage(host.session, host.spec, tx, host.open)
    assert revert(host.session, host.spec, tx, host.open, "no").status is Status.REFUSED
    assert host.root.tree() == before
    assert host.root.leftovers() == []


@needs_namespaces
def test_a_rejected_change_is_reported_when_it_is_staged(folder: Host) -> None:
    before = folder.root.tree()
    folder.root.tell("fail-test")
    outcome = stage(folder.session, folder.spec, transaction((CONFIG, NEW)), folder.open)
    assert (outcome.status, outcome.step) == (Status.ROLLED_BACK, "test")
    assert "Error in line 1" in outcome.output
    assert folder.root.tree() == before
    assert folder.root.leftovers() == []


def test_another_change_removes_a_staged_one(folder: Host) -> None:
    tx = transaction((CONFIG, NEW), expect={})
    stage(folder.session, folder.spec, tx, folder.open)
    assert folder.apply(transaction((CONFIG, b"other\n"))).status is Status.APPLIED
    outcome = commit(folder.session, folder.spec, tx, folder.open)
    assert (outcome.status, outcome.reason) == (Status.STALE, "another transaction came first and removed it")
    assert folder.root.running == b"other\n"
    assert folder.root.leftovers() == []


def test_a_file_that_changes_after_it_was_staged(folder: Host) -> None:
    tx = transaction((CONFIG, NEW))
    stage(folder.session, folder.spec, tx, folder.open)
    folder.root.at(CONFIG).write_bytes(b"by hand\n")
    assert commit(folder.session, folder.spec, tx, folder.open).status is Status.STALE
    assert folder.root.read(CONFIG) == b"by hand\n"
    assert folder.root.leftovers() == []


def test_a_deadline_that_was_cut_short_is_none(folder: Host) -> None:
    tx = waiting(folder)
    (deadline,) = folder.root.path.glob("var/lib/pmtaform/tx/*/deadline")
    whole = deadline.read_text()
    for cut in (whole[:-3], whole[:-5] + "\n", "- 1\n" + whole[-20:-2]):
        deadline.write_text(whole + cut)
        assert (folder.probe().awaiting or pytest.fail("it waits")).left > 590
    revert(folder.session, folder.spec, tx, folder.open, "")


def test_commit_makes_the_whole_change_where_the_host_does_not_have_it(folder: Host) -> None:
    tx = transaction((CONFIG, NEW))
    assert commit(folder.session, folder.spec, tx, folder.open).status is Status.APPLIED
