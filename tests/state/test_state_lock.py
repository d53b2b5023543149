"""The lock between processes: dead ones, other machines, and two that come at once."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from pmtaform.diagnostics import Severity
from pmtaform.errors import Locked
from pmtaform.state import FileBackend, LockInfo, identity, new_run_id, who
from pmtaform.state.identity import Process, machine
from pmtaform.state.lock_file import LockFile

SPAWN = multiprocessing.get_context("spawn")


def dead_process() -> Process:
    """One that has lived here and ended."""
    program = "from pmtaform.state.identity import Process; p = Process.current(); print(p.pid, p.started)"
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    pid, started = map(int, output.split())
    return replace(Process.current(), pid=pid, started=started)


def left_by(folder: Path, process: Process) -> FileBackend:
    backend = FileBackend(folder, "demo")
    backend.lock(replace(LockInfo.mine("apply demo"), process=process))
    return backend


def test_a_dead_processs_lock_is_taken_over_with_a_notice(tmp_path: Path) -> None:
    backend = left_by(tmp_path, dead_process())
    with backend.lock(LockInfo.mine("plan demo")) as held:
        (notice,) = held.notices
        assert notice.severity is Severity.WARNING
        assert "apply demo" in notice.detail
        assert backend.lock_info() == held.info
    assert backend.lock_info() is None


def test_a_number_that_another_process_has_now_is_a_dead_process(tmp_path: Path) -> None:
    me = Process.current()
    backend = left_by(tmp_path, replace(me, started=me.started - 1))
    assert len(backend.lock(LockInfo.mine("plan demo")).notices) == 1


def test_a_process_that_no_one_has_waited_for_is_dead() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert replace(Process.current(), pid=child, started=0).is_dead()
    os.waitpid(child, 0)


@pytest.mark.parametrize("other", [{"host": "elsewhere"}, {"boot": "another"}, {"boot": ""}, {"namespace": "pid:[1]"}])
def test_what_cannot_be_known_to_be_dead_keeps_its_lock(tmp_path: Path, other: dict[str, str]) -> None:
    backend = left_by(tmp_path, replace(dead_process(), **other))  # type: ignore[arg-type]
    with pytest.raises(Locked):
        backend.lock(LockInfo.mine("plan demo"))
    assert backend.unlock() is not None
    backend.lock(LockInfo.mine("plan demo")).release()


def test_a_lock_from_before_a_restart_says_so(tmp_path: Path) -> None:
    backend = left_by(tmp_path, replace(dead_process(), boot="another"))
    with pytest.raises(Locked, match="before the last start of this machine"):
        backend.lock(LockInfo.mine("plan demo"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"who": 1}', b'{"process": {"pid": "x"}}', b"\xff"])
def test_a_damaged_lock_still_locks_and_can_be_unlocked(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "demo.lock").write_bytes(content)
    backend = FileBackend(tmp_path, "demo")
    with pytest.raises(Locked, match="an unknown user"):
        backend.lock(LockInfo.mine("plan demo"))
    assert backend.unlock() is not None
    assert backend.lock_info() is None


def test_a_forked_child_does_not_release_its_parents_lock(tmp_path: Path) -> None:
    backend = FileBackend(tmp_path, "demo")
    held = backend.lock(LockInfo.mine("apply"))
    child = os.fork()
    if not child:
        held.release()
        os._exit(0)
    os.waitpid(child, 0)
    assert backend.lock_info() == held.info
    held.release()


def test_a_lock_taken_between_judging_and_removing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process takes a dead lock over in the moment before we do: its new lock is not ours to remove."""
    left_by(tmp_path, dead_process())
    path = tmp_path / "demo.lock"
    lock = LockFile(path, "demo")
    theirs = LockInfo.mine("theirs")
    real = os.open

    def swap(name: object, *arguments: object, **more: object) -> int:
        descriptor = real(name, *arguments, **more)  # type: ignore[arg-type]
        if name == path:
            monkeypatch.undo()
            path.unlink()
            LockFile(path, "demo").acquire(theirs)
        return descriptor

    monkeypatch.setattr(os, "open", swap)
    with pytest.raises(Locked, match="theirs"):
        lock.acquire(LockInfo.mine("mine"))
    assert lock.info() == theirs


def contend(folder: Path, pipe: Connection) -> None:
    """Reports that it is ready, waits for the start, and tries to take the lock until it is stopped."""
    backend = FileBackend(folder, "demo")
    pipe.send("ready")
    while pipe.recv() == "go":
        try:
            held = backend.lock(LockInfo.mine("apply"))
        except Locked:
            pipe.send("refused")
            continue
        pipe.send("got")
        pipe.recv()
        held.release()
        pipe.send("released")


def contenders(folder: Path, count: int) -> tuple[list[multiprocessing.process.BaseProcess], list[Connection]]:
    pipes = [SPAWN.Pipe() for _ in range(count)]
    processes = [SPAWN.Process(target=contend, args=(folder, theirs)) for _, theirs in pipes]
    for process in processes:
        process.start()
    ours = [mine for mine, _ in pipes]
    assert [pipe.recv() for pipe in ours] == ["ready"] * count
    return list(processes), ours


def test_of_processes_that_come_at_once_exactly_one_gets_it_each_time(tmp_path: Path) -> None:
    processes, pipes = contenders(tmp_path, 4)
    dead = dead_process()
    for turn in range(20):
        if turn % 2:
            left_by(tmp_path, dead)
        for pipe in pipes:
            pipe.send("go")
        answers = [pipe.recv() for pipe in pipes]
        assert sorted(answers) == ["got", "refused", "refused", "refused"]
        winner = pipes[answers.index("got")]
        winner.send("release")
        assert winner.recv() == "released"
    for pipe in pipes:
        pipe.send("end")
    for process in processes:
        process.join()
        assert process.exitcode == 0


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    (process,), (pipe,) = contenders(tmp_path, 1)
    pipe.send("go")
    assert pipe.recv() == "got"
    process.kill()
    process.join()
    held = FileBackend(tmp_path, "demo").lock(LockInfo.mine("plan"))
    assert len(held.notices) == 1


def test_who_does_not_need_a_passwd_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    assert who().endswith("@" + machine())

    def no_name(uid: int) -> object:
        raise KeyError(uid)

    monkeypatch.setattr(identity.pwd, "getpwuid", no_name)
    assert who() == f"uid{os.geteuid()}@{machine()}"


def test_run_ids_differ() -> None:
    assert len({new_run_id() for _ in range(100)}) == 100
