"""One contract for every backend: saving, locking and the keeper over it; and what only files can suffer."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from state_samples import document, host

from pmtaform.diagnostics import Exit
from pmtaform.errors import Locked, PmtaformError, Stale, StateDamaged, UsageError
from pmtaform.state import (
    FileBackend,
    LockInfo,
    StateBackend,
    StateDocument,
    StateKeeper,
    StateVersion,
    atomic,
)
from pmtaform.testing.state import MemoryBackend

OTHER = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def files(tmp_path: Path) -> FileBackend:
    return FileBackend(tmp_path / "state", "demo")


def test_at_first_there_is_nothing(backend: StateBackend) -> None:
    assert backend.stack == "demo"
    assert backend.load() is None
    assert backend.lock_info() is None
    assert backend.unlock() is None


def test_what_is_saved_is_loaded(backend: StateBackend) -> None:
    backend.save(document(1), over=None)
    assert backend.load() == document(1)
    backend.save(document(2), over=document(1).version)
    assert backend.load() == document(2)


@pytest.mark.parametrize(
    ("kept", "over"),
    [
        (None, StateVersion(OTHER, 1)),
        (document(3), None),
        (document(3), document(2).version),
        (document(3), document(4).version),
        (document(3), StateVersion(OTHER, 3)),
    ],
)
def test_a_save_over_another_state_is_refused_and_loses_nothing(
    backend: StateBackend, kept: StateDocument | None, over: StateVersion | None
) -> None:
    if kept:
        backend.save(kept, over=None)
    with pytest.raises(Stale) as caught:
        backend.save(document(9, hosts={}), over=over)
    assert caught.value.exit_code is Exit.STALE
    assert "Plan again" in str(caught.value)
    assert backend.load() == kept


def test_the_lock_keeps_others_out_and_says_who_has_it(backend: StateBackend) -> None:
    info = LockInfo.mine("apply demo")
    with backend.lock(info) as held:
        assert held.notices == ()
        assert backend.lock_info() == info
        with pytest.raises(Locked) as caught:
            backend.lock(LockInfo.mine("plan demo"))
        assert caught.value.exit_code is Exit.LOCKED
        for part in [info.who, info.since, "apply demo", "pmtaform unlock demo"]:
            assert part in str(caught.value)
    assert backend.lock_info() is None
    backend.lock(LockInfo.mine("again")).release()


@pytest.mark.parametrize("problem", [ValueError, KeyboardInterrupt, SystemExit])
def test_the_lock_is_released_on_every_way_out(backend: StateBackend, problem: type[BaseException]) -> None:
    with pytest.raises(problem), backend.lock(LockInfo.mine("apply")):
        raise problem
    assert backend.lock_info() is None


def test_a_lock_broken_by_hand_and_taken_by_another_is_not_released_by_the_first(backend: StateBackend) -> None:
    first = backend.lock(LockInfo.mine("first"))
    broken = backend.unlock()
    assert broken == first.info
    second = backend.lock(LockInfo.mine("second"))
    first.release()
    first.release()
    assert backend.lock_info() == second.info
    second.release()
    assert backend.lock_info() is None


def test_a_keeper_saves_after_every_host(backend: StateBackend) -> None:
    keeper = StateKeeper(backend, key_id="k")
    for number in range(1, 4):
        keeper.update_host(f"mta{number}", host(number))
        assert backend.load() == keeper.document
        assert keeper.document.serial == number
    keeper.remove_host("mta1")
    kept = backend.load()
    assert kept is not None
    assert set(kept.hosts) == {"mta2", "mta3"}
    assert kept.key_id == "k"


def test_a_keeper_with_many_threads_loses_no_host(backend: StateBackend) -> None:
    keeper = StateKeeper(backend)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: keeper.update_host(f"mta{number}", host(number)), range(100)))
    kept = backend.load()
    assert kept == keeper.document
    assert kept is not None
    assert len(kept.hosts) == 100
    assert kept.serial == 100


def test_changes_that_arrive_during_a_save_go_out_together() -> None:
    saving, go_on = threading.Event(), threading.Event()

    class Slow(MemoryBackend):
        def save(self, document: StateDocument, *, over: StateVersion | None) -> None:
            saving.set()
            go_on.wait()
            super().save(document, over=over)

    backend = Slow("demo")
    keeper = StateKeeper(backend)
    threads = [threading.Thread(target=keeper.update_host, args=(f"mta{n}", host(n))) for n in range(9)]
    threads[0].start()
    saving.wait()
    for thread in threads[1:]:
        thread.start()
    while keeper.document.serial < 9:
        os.sched_yield()
    go_on.set()
    for thread in threads:
        thread.join()
    assert backend.saves == 2
    assert backend.load() == keeper.document


def test_a_keeper_notices_that_another_saved_meanwhile(backend: StateBackend) -> None:
    keeper = StateKeeper(backend)
    keeper.update_host("mta1", host())
    StateKeeper(backend).update_host("mta9", host())
    keeper_hosts_before = backend.load()
    for _ in range(2):
        with pytest.raises(Stale):
            keeper.update_host("mta2", host())
    assert backend.load() == keeper_hosts_before


def test_files_are_for_their_owner_only(files: FileBackend) -> None:
    before = os.umask(0)
    try:
        with files.lock(LockInfo.mine("apply")):
            StateKeeper(files).update_host("mta1", host())
            StateKeeper(FileBackend(files.path.parent, "demo")).update_host("mta1", host(2))
            modes = {path.name: path.stat().st_mode & 0o777 for path in files.path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"demo.json": 0o600, "demo.json.backup": 0o600, "demo.lock": 0o600}
    assert files.path.parent.stat().st_mode & 0o777 == 0o700


def test_the_backup_is_the_state_from_before_the_run(files: FileBackend) -> None:
    StateKeeper(files).update_host("mta1", host(1))
    assert not files.backup_path.exists()
    before = files.path.read_bytes()
    keeper = StateKeeper(FileBackend(files.path.parent, "demo"))
    keeper.update_host("mta1", host(2))
    keeper.update_host("mta2", host(1))
    assert files.backup_path.read_bytes() == before


def test_a_state_that_someone_laid_out_anew_is_still_compared(files: FileBackend) -> None:
    files.save(document(3), over=None)
    files.path.write_bytes(
        files.path.read_bytes().replace(b'"serial": 3,\n "stack": "demo"', b'"stack": "demo","serial":3')
    )
    with pytest.raises(Stale):
        files.save(document(3), over=document(2).version)
    files.save(document(4), over=document(3).version)


def fail_with(number: int) -> Callable[..., int]:
    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("where", "name", "number"),
    [
        (os, "write", errno.ENOSPC),
        (os, "fsync", errno.EIO),
        (os, "open", errno.EROFS),
        (os, "open", errno.EACCES),
        (os, "open", errno.EMFILE),
        (Path, "replace", errno.EACCES),
    ],
)
def test_a_save_that_fails_leaves_the_old_state_whole(
    files: FileBackend, monkeypatch: pytest.MonkeyPatch, where: object, name: str, number: int
) -> None:
    files.save(document(1), over=None)
    old = files.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(where, name, fail_with(number))
        with pytest.raises(PmtaformError) as caught:
            files.save(document(2), over=document(1).version)
    assert caught.value.diagnostics[0].code == "state-not-written"
    assert os.strerror(number).lower() in str(caught.value)
    assert files.path.read_bytes() == old
    assert [path for path in files.path.parent.iterdir() if path.suffix == ".tmp"] == []
    files.save(document(2), over=document(1).version)
    assert files.load() == document(2)


def test_a_disk_that_fills_in_the_middle_of_a_file(files: FileBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    files.save(document(1), over=None)
    write = os.write
    left = [100]

    def short(descriptor: int, content: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        outcome = write(descriptor, content[: min(left[0], 60)])
        left[0] -= outcome
        return outcome

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", short)
        with pytest.raises(PmtaformError, match="no space left on device"):
            files.save(document(2), over=document(1).version)
    assert files.load() == document(1)


def test_a_host_whose_save_failed_goes_out_with_the_next(files: FileBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = StateKeeper(files)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fail_with(errno.ENOSPC))
        with pytest.raises(PmtaformError):
            keeper.update_host("mta1", host())
    keeper.update_host("mta2", host())
    kept = files.load()
    assert kept is not None
    assert set(kept.hosts) == {"mta1", "mta2"}


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_process_that_dies_during_a_save_leaves_the_old_state(files: FileBackend, step: str) -> None:
    files.save(document(1), over=None)
    folder = files.path.parent
    program = (
        "import os, pathlib, sys; sys.path.insert(0, sys.argv[2])\n"
        "from state_samples import document; from pmtaform.state import FileBackend\n"
        f"{'pathlib.Path.replace' if step == 'replace' else 'os.' + step} = lambda *a, **k: os._exit(9)\n"
        "b = FileBackend(pathlib.Path(sys.argv[1]), 'demo'); b._backed_up = True\n"
        "b.save(document(2), over=document(1).version)\n"
    )
    process = subprocess.run([sys.executable, "-c", program, str(folder), str(Path(__file__).parent)], check=False)
    assert process.returncode == 9
    assert files.load() == document(1)
    assert list(folder.glob(".*.tmp"))
    with files.lock(LockInfo.mine("apply")):
        assert not list(folder.glob(".*.tmp"))
        files.save(document(2), over=document(1).version)
    assert files.load() == document(2)


def test_a_state_that_cannot_be_opened_says_so(files: FileBackend) -> None:
    files.path.mkdir(parents=True)
    with pytest.raises(StateDamaged, match="is a directory"):
        files.load()


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    backend = FileBackend(tmp_path / "state", "demo")
    for attempt in (lambda: backend.save(document(1), over=None), lambda: backend.lock(LockInfo.mine("x"))):
        with pytest.raises(PmtaformError, match="file exists"):
            attempt()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "-x", ".x", "a\nb", "a\0b", "a\\b"])
def test_a_stack_name_cannot_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        FileBackend(tmp_path, name)


def test_sweeping_touches_only_leftovers_of_this_file(tmp_path: Path) -> None:
    for name in [".a.json.1.tmp", ".a.json.backup.1.tmp", ".b.json.1.tmp", "a.json", ".a[1].json.1.tmp"]:
        (tmp_path / name).touch()
    atomic.sweep(tmp_path / "a[1].json")
    assert not (tmp_path / ".a[1].json.1.tmp").exists()
    assert len(list(tmp_path.iterdir())) == 4
